// The way back of a route that holds cookies: those that an answer sets leave sealed, and their values are taken out of the rest of it.
import type { Finding } from '../contract.ts';
import type { CookieHolder } from './held-cookies.ts';
import type { CookiePlace } from './set-cookie.ts';
import type { ResponseGuard } from './types.ts';

/** Shorter values are words (`lang=en`), not credentials. */
export const LEAST_GUARDED = 12;
const NOTHING = Buffer.alloc(0);

export interface CookieGuardParts {
  readonly holder: CookieHolder;
  readonly from: CookiePlace;
  /** For what was injected into the request; null = nothing was. */
  readonly inner: ResponseGuard | null;
  /** A guard for these values. */
  readonly guardFor: (values: readonly string[]) => ResponseGuard;
  readonly now: () => number;
}

export class CookieGuard implements ResponseGuard {
  private readonly parts: CookieGuardParts;
  private readonly guards: ResponseGuard[];

  constructor(parts: CookieGuardParts) {
    this.parts = parts;
    this.guards = parts.inner === null ? [] : [parts.inner];
  }

  get reachBytes(): number {
    return this.guards.reduce((most, { reachBytes }) => Math.max(most, reachBytes), 0);
  }

  get scrubbed(): boolean {
    return this.guards.some(({ scrubbed }) => scrubbed);
  }

  get findings(): readonly Finding[] {
    return this.guards.flatMap(({ findings }) => findings);
  }

  headers(rawHeaders: readonly string[]): readonly string[] {
    const { holder, from, guardFor, now } = this.parts;
    const values = new Set<string>();
    const held = holder.hold(rawHeaders, from, now(), (value) => values.add(value));
    const known = [...values].filter(({ length }) => length >= LEAST_GUARDED);
    if (known.length > 0) this.guards.push(guardFor(known));
    return this.guards.reduce((fields, guard) => guard.headers(fields), held);
  }

  push(chunk: Buffer): Buffer {
    return this.guards.reduce((bytes, guard) => guard.push(bytes), chunk);
  }

  end(): Buffer {
    let rest = NOTHING as Buffer;
    for (const guard of this.guards) rest = Buffer.concat([guard.push(rest), guard.end()]);
    return rest;
  }
}
