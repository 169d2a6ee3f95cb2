// Assembles proxy/src/dlp/sweep.wat into sweep-code.ts. Run after a change of the former: node scripts/build-sweep.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { assembleSweep, renderSweepCode } from '../proxy/test/unit/dlp/assemble.ts';

const folder = new URL('../proxy/src/dlp/', import.meta.url);
const code = await assembleSweep(readFileSync(new URL('sweep.wat', folder), 'utf8'));
writeFileSync(new URL('sweep-code.ts', folder), renderSweepCode(code));
