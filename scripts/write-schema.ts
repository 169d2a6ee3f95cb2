// Writes bottles/bottle.schema.json from src/spec/schema.ts: `npm run schema`.

import { writeFileSync } from 'node:fs';
import { schemaFileText } from '../src/spec/schema.ts';

writeFileSync(new URL('../bottles/bottle.schema.json', import.meta.url), schemaFileText());
