// Has the images built that the engine lacks.
import { join } from 'node:path';
import { connectEngine } from '../../src/engine/connect.ts';
import { ensureImages } from '../../src/images/ensure.ts';
import { BottleError, EXIT } from '../../src/report/bottle-error.ts';

try {
  const repoRoot = join(import.meta.dirname, '../..');
  const { docker } = await connectEngine();
  const tags = await ensureImages(docker, {
    repoRoot,
    onProgress: (line) => console.error(`    ${line}`),
  });
  console.log(`${tags.agent}, ${tags.proxy}`);
} catch (error) {
  if (!(error instanceof BottleError)) throw error;
  console.error(`bottle: ${error.message}`);
  process.exitCode = EXIT.failed;
}
