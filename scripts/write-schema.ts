// Writes bottles/*.schema.json from src/spec/schema.ts: `npm run schema`.

import { writeFileSync } from 'node:fs';
import { schemaFileText } from '../src/spec/schema.ts';

for (const kind of ['bottle', 'preset'] as const) {
  writeFileSync(new URL(`../bottles/${kind}.schema.json`, import.meta.url), schemaFileText(kind));
}
