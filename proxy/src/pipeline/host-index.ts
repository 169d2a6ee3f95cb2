// Finds what a list of host patterns says about a host, in the order of the list: exact names in a map, `*.x` by suffix.
import { isIP } from 'node:net';

export interface HostIndex<T> {
  /** Entries whose pattern covers the host (lower case, no trailing dot), in their order. */
  find(host: string): readonly T[];
}

interface Placed<T> {
  readonly order: number;
  readonly entry: T;
}

/** Hosts whose answer is remembered; wildcard routes let an agent ask for any number of them. */
const REMEMBERED = 1024;

export function indexHosts<T>(entries: readonly T[], patternOf: (entry: T) => string): HostIndex<T> {
  const exact = new Map<string, Placed<T>[]>();
  /** Keyed by what follows the `*`: `.x`. */
  const below = new Map<string, Placed<T>[]>();
  for (const [order, entry] of entries.entries()) {
    const pattern = patternOf(entry).toLowerCase();
    const isBelow = pattern.startsWith('*.');
    const map = isBelow ? below : exact;
    const key = isBelow ? pattern.slice(1) : pattern;
    map.set(key, [...(map.get(key) ?? []), { order, entry }]);
  }
  const known = new Map<string, readonly T[]>();

  function search(host: string): readonly T[] {
    const placed = [...(exact.get(host) ?? [])];
    // An address has no names below it: `*.1` must not cover 127.0.0.1.
    if (below.size > 0 && isIP(host) === 0) {
      for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
        placed.push(...(below.get(host.slice(dot)) ?? []));
      }
    }
    return placed.sort((a, b) => a.order - b.order).map(({ entry }) => entry);
  }

  return {
    find(host) {
      const remembered = known.get(host);
      if (remembered !== undefined) return remembered;
      const found = search(host);
      if (known.size >= REMEMBERED) known.clear();
      known.set(host, found);
      return found;
    },
  };
}
