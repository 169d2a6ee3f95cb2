// Test projects: unit (pure), proxy (loopback), integration and e2e (real Docker).
import { defineConfig } from 'vitest/config';

/** What a test waits for comes late on a loaded machine. */
const PATIENT = { poll: { timeout: 15_000 } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'proxy/test/unit/**/*.test.ts'],
          testTimeout: 30_000,
          expect: PATIENT,
        },
      },
      {
        test: {
          name: 'proxy',
          include: ['proxy/test/integration/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          expect: PATIENT,
        },
      },
      {
        test: {
          name: 'docker',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          expect: PATIENT,
        },
      },
    ],
  },
});
