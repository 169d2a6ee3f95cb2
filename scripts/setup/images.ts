// Has the images built that the engine lacks.
import { join } from 'node:path';
import { ensureImages } from '../../src/images/ensure.ts';
import { BottleError } from '../../src/report/bottle-error.ts';
import { findEngine } from '../engine/find.ts';

try {
  const repoRoot = join(import.meta.dirname, '../..');
  const tags = await ensureImages(findEngine().docker, {
    repoRoot,
    onProgress: (line) => console.error(`    ${line}`),
  });
  console.log(`${tags.agent}, ${tags.proxy}`);
} catch (error) {
  if (!(error instanceof BottleError)) throw error;
  console.error(`bottle: ${error.message}`);
  process.exitCode = 125;
}
