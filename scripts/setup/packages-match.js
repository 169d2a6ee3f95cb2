// Says whether node_modules is what package-lock.json asks for, by npm's own record of what it installed.
// Exit code 1: no. Optional packages (those of other platforms) may be missing.
import { readFileSync } from 'node:fs';

const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');
const wrong = Object.entries(wanted).filter(
  ([path, entry]) => path.startsWith('node_modules/') && differs(path, entry),
);
console.log(
  wrong.length === 0
    ? `${Object.keys(installed).length} packages, as locked`
    : `${wrong.length} packages are missing or differ from the lock file`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

function differs(path, entry) {
  const found = installed[path];
  if (found === undefined) return entry.optional !== true && entry.peer !== true;
  return found.version !== entry.version || found.integrity !== entry.integrity || found.link !== entry.link;
}
