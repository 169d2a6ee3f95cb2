// Writes docs/presets.md from the presets and what they are tried with: `npm run presets`.

import { writeFileSync } from 'node:fs';
import { ALL_CASES } from '../test/e2e/presets/all-cases.ts';
import { presetTable } from '../test/e2e/presets/preset-table.ts';

writeFileSync(new URL('../docs/presets.md', import.meta.url), presetTable(ALL_CASES));
