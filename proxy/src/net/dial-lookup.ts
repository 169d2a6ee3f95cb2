// Addresses of an upstream's name, from the system's resolver; each name is asked for once at a time and kept briefly.
import { lookup } from 'node:dns/promises';
import { DialRefused } from './dial-refused.ts';

export interface Lookup {
  /** In the resolver's order (RFC 6724); throws DialRefused. */
  addressesOf(name: string): Promise<readonly string[]>;
  clear(): void;
}

const KEEP_MS = 5_000;
const MAX_KEPT = 1024;

interface Entry {
  readonly addresses: Promise<readonly string[]>;
  /** Infinity while the look-up runs. */
  expiresAtMs: number;
}

/** What asks the outside for a name's addresses; throws an error with a code. */
export type Resolve = (name: string) => Promise<readonly string[]>;

export function createLookup(resolve: Resolve = askSystem): Lookup {
  const entries = new Map<string, Entry>();

  const start = (name: string): Entry => {
    const entry: Entry = { addresses: ask(resolve, name), expiresAtMs: Number.POSITIVE_INFINITY };
    entries.set(name, entry);
    const settle = (keepMs: number): void => {
      entry.expiresAtMs = performance.now() + keepMs;
    };
    // A failure is shared by those who wait for it, not kept for those who come later.
    entry.addresses.then(
      () => settle(KEEP_MS),
      () => settle(0),
    );
    const oldest = entries.keys().next().value;
    if (entries.size > MAX_KEPT && oldest !== undefined) entries.delete(oldest);
    return entry;
  };

  return {
    addressesOf: (name) => {
      const known = entries.get(name);
      if (known !== undefined && performance.now() < known.expiresAtMs) return known.addresses;
      entries.delete(name);
      return start(name).addresses;
    },
    clear: () => entries.clear(),
  };
}

async function askSystem(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
}

async function ask(resolve: Resolve, name: string): Promise<readonly string[]> {
  try {
    return [...new Set(await resolve(name))];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    const isUnknownName = code === 'ENOTFOUND';
    throw new DialRefused(
      {
        stage: 'upstream',
        rule: 'lookup',
        reason: isUnknownName ? `${name} has no address` : `${name} could not be looked up (${code})`,
        fix: isUnknownName ? 'check the spelling of the name' : "check this machine's DNS",
      },
      error,
    );
  }
}
