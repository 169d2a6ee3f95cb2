// A spec on top of its base: maps merge, lists append, everything else replaces.

import type { Located, MapEntry } from './located.ts';

/** Belong to one file alone. */
const OWN = new Set(['version', 'name', 'extends']);
/** Mean something as a whole only. */
const WHOLE = [/^agent\.command$/, /^secrets\.[^.]+$/, /^agent\.files\../];

export function mergeLayers(layers: readonly Located[]): Located {
  const [first, ...rest] = layers;
  if (first === undefined) throw new Error('no layers');
  return rest.reduce((base, over) => merge(withoutOwn(base), over, ''), first);
}

function merge(base: Located, over: Located, path: string): Located {
  if (WHOLE.some((whole) => whole.test(path))) return over;
  if (base.kind === 'list' && over.kind === 'list') return { ...over, items: [...base.items, ...over.items] };
  if (base.kind === 'map' && over.kind === 'map') {
    const entries = new Map<string, MapEntry>(base.entries);
    for (const [key, entry] of over.entries) {
      const below = base.entries.get(key);
      const name = path === '' ? key : `${path}.${key}`;
      entries.set(key, below === undefined ? entry : { ...entry, node: merge(below.node, entry.node, name) });
    }
    return { ...over, entries };
  }
  return over;
}

function withoutOwn(base: Located): Located {
  if (base.kind !== 'map') return base;
  return { ...base, entries: new Map([...base.entries].filter(([key]) => !OWN.has(key))) };
}
