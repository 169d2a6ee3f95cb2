// Test projects: unit (pure), proxy (loopback), cli (the command line without Docker), docker (integration and e2e on a real engine).
import { defineConfig } from 'vitest/config';

/** Of the command line as a person runs it, without Docker: side by side. */
const WITHOUT_DOCKER = ['hooks', 'git-gate', 'presets/presets', 'why', 'scan', 'logs', 'spec', 'reins'].map(
  (name) => `test/e2e/${name}.test.ts`,
);

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
          name: 'cli',
          include: WITHOUT_DOCKER,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          expect: PATIENT,
        },
      },
      {
        test: {
          name: 'docker',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          exclude: WITHOUT_DOCKER,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          expect: PATIENT,
        },
      },
    ],
  },
});
