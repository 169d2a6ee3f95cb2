// Fills in the defaults that the schema file states, and nothing else: the only place where one is applied.

import schemaFile from '../../bottles/bottle.schema.json' with { type: 'json' };
import type { FilledEntry, FilledSpec, SpecDocument, SpecEntry } from './schema.ts';

interface SchemaPart {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaPart>>;
}

/** For a value that fits the schema. List items are left alone: entries get theirs when they are read. */
export function withDefaults(kind: 'spec', value: SpecDocument): FilledSpec;
export function withDefaults(kind: 'entry', value: SpecEntry): FilledEntry;
export function withDefaults(kind: 'spec' | 'entry', value: SpecDocument | SpecEntry): FilledSpec | FilledEntry {
  const part = kind === 'spec' ? schemaFile : schemaFile.properties.egress.properties.allow.items;
  // What the two types add to the written ones is exactly what the schema has defaults for; a test compares them.
  return fill(part as SchemaPart, value) as FilledSpec | FilledEntry;
}

function fill(part: SchemaPart, value: unknown): unknown {
  if (part.properties === undefined || typeof value !== 'object' || value === null || Array.isArray(value))
    return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [key, child] of Object.entries(part.properties)) {
    const given = filled[key] === undefined ? structuredClone(child.default) : filled[key];
    if (given !== undefined) filled[key] = fill(child, given);
  }
  return filled;
}
