// Entry of the CLI, in JavaScript that every Node can read: says so where Node is too old, or the packages are missing.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 7)) {
  refuse(`Node ${process.versions.node} is too old, it takes 24.7; start bin/bottle, which finds a newer one`);
} else if (!existsSync(join(import.meta.dirname, '../node_modules/commander'))) {
  refuse('the packages are not installed; run npm run setup');
} else {
  // Types stripped and code compiled once, not at every start: half the time of a short command.
  module.enableCompileCache(join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'bottle/compiled'));
  await import('./cli.ts');
}

function refuse(why) {
  console.error(`bottle: ${why}`);
  process.exitCode = 125;
}
