// Removes injected values from what an upstream sends back, streaming. Replacements have the same length: framing stays as it is.
import { type Finding, HELD_COOKIES } from '../contract.ts';
import { type EchoForm, echoForms } from './echo-forms.ts';
import { NeedleSearch } from './needle-search.ts';
import type { Places } from './places.ts';
import type { Injected, NamedValue, ResponseGuard } from './types.ts';

const NOTHING = Buffer.alloc(0);
const STAR = 0x2a;
/** A message that ends with so much of a value, in bytes, does not by chance: it leaves without it, though the rest may never come. */
const TELLING = 8;
/** Detector of the findings. */
export const ECHO = 'echoed-credential';

/** One form of one secret. */
export interface EchoNeedle extends EchoForm {
  readonly secret: string;
}

/** Compiled once for each set of credentials. */
interface Echoes {
  readonly needles: readonly EchoNeedle[];
  readonly search: NeedleSearch;
}

/** Guards for responses; what they look for is worked out once for each set of credentials. */
export interface ResponseGuards {
  /** null when there is nothing to look for. */
  of(places: Places, injected: Injected): ResponseGuard | null;
  /** `guard`, and one for these values. */
  add(guard: ResponseGuard | null, values: readonly NamedValue[]): ResponseGuard;
  /** For values that no configuration knows; their findings bear the name of `secret`. */
  forValues(values: readonly string[], secret: string): ResponseGuard;
}

export interface GuardedSecrets {
  /** The value of a secret, latin1. */
  valueOf(secret: string): string;
  /** As in the findings of what leaves. */
  fingerprintOf(secret: string): string;
}

/** So many sets of values are remembered, for requests send the same cookies again and again. */
const REMEMBERED = 64;

export function createResponseGuards(secrets: GuardedSecrets): ResponseGuards {
  const known = new WeakMap<Places, Map<string, Echoes>>();
  const ofValues = new Map<string, Echoes>();
  const forValues = (values: readonly string[], secret: string): ResponseGuard => {
    const key = [secret, ...values].join('\n');
    const echoes =
      ofValues.get(key) ??
      compileEchoes(values.flatMap((value) => echoForms([value]).map((form) => ({ ...form, secret }))));
    ofValues.delete(key);
    ofValues.set(key, echoes);
    if (ofValues.size > REMEMBERED) ofValues.delete(ofValues.keys().next().value!);
    return new Guard(echoes, secrets.fingerprintOf);
  };
  const guardOf = (places: Places, injected: Injected): ResponseGuard | null => {
    const sent = sentOf(places, injected);
    const watched = places.issued.length === 0 ? sent : withIssued(sent, places.issued);
    if (watched.length === 0) return null;
    let ofPlaces = known.get(places);
    if (ofPlaces === undefined) {
      ofPlaces = new Map();
      known.set(places, ofPlaces);
    }
    const names = watched.length === 1 ? watched[0]! : watched.join('\n');
    let echoes = ofPlaces.get(names);
    if (echoes === undefined) {
      echoes = compileEchoes(needlesOf(watched, places, secrets));
      ofPlaces.set(names, echoes);
    }
    const guard = new Guard(echoes, secrets.fingerprintOf);
    const { made } = injected;
    if (made.length === 0) return guard;
    // What was made for this request alone (a signature) is looked for by a guard of its own.
    return new DoubleGuard(guard, forValues(made, sent.at(-1)!));
  };
  return {
    of: guardOf,
    forValues,
    add: (guard, values) => {
      const needles = values.flatMap(({ secret, value }) =>
        echoForms([value]).map((form): EchoNeedle => ({ ...form, secret })),
      );
      const own = new Guard(compileEchoes(needles), secrets.fingerprintOf);
      return guard === null ? own : new DoubleGuard(guard, own);
    },
  };
}

/** A client certificate's key is in no message, so no answer can hold it. */
const sentOf = ({ identity }: Places, { injected }: Injected): readonly string[] =>
  identity.length === 0 ? injected : injected.filter((name) => !identity.includes(name));

/** In an order of its own: what is looked for is compiled once, whatever the order in which they were sent. */
const withIssued = (injected: readonly string[], issued: readonly string[]): readonly string[] => [
  ...injected.filter((name) => !issued.includes(name)),
  ...issued,
];

function needlesOf(watched: readonly string[], places: Places, secrets: GuardedSecrets): readonly EchoNeedle[] {
  return watched.flatMap((secret) => {
    // The key itself never leaves; what was opened with it is in `made`.
    if (secret === HELD_COOKIES) return [];
    const values = [secrets.valueOf(secret)];
    // The pair inside Basic is as good as the secret: it is scrubbed whole as well.
    const pair = secret === places.secret ? /^Basic (\S+)$/.exec(places.credential)?.[1] : undefined;
    if (pair !== undefined) values.push(pair);
    return echoForms(values).map((form) => ({ ...form, secret }));
  });
}

function compileEchoes(needles: readonly EchoNeedle[]): Echoes {
  return { needles, search: new NeedleSearch(needles.map(({ text }) => Buffer.from(text, 'latin1'))) };
}

export function createGuard(needles: readonly EchoNeedle[]): ResponseGuard {
  return new Guard(compileEchoes(needles), () => '');
}

class Guard implements ResponseGuard {
  private readonly echoes: Echoes;
  private readonly fingerprintOf: (secret: string) => string;
  private readonly found = new Map<string, Finding>();
  /** What may be the beginning of a needle: as it was received, and what became of it so far. */
  private held: Buffer = NOTHING;
  private heldClean: Buffer = NOTHING;
  /** How much of it has left all the same, because the message was over. In bytes. */
  private leftBytes = 0;

  constructor(echoes: Echoes, fingerprintOf: (secret: string) => string) {
    this.echoes = echoes;
    this.fingerprintOf = fingerprintOf;
  }

  get reachBytes(): number {
    return this.echoes.search.longestSpan;
  }

  get scrubbed(): boolean {
    return this.found.size > 0;
  }

  get findings(): readonly Finding[] {
    return [...this.found.values()];
  }

  headers(rawHeaders: readonly string[]): readonly string[] {
    // Nearly always there is nothing: one search over all of them tells.
    let isThere = false;
    this.echoes.search.forEach(Buffer.from(rawHeaders.join('\n'), 'latin1'), () => {
      isThere = true;
    });
    if (!isThere) return rawHeaders;
    return rawHeaders.map((text) => {
      const bytes = Buffer.from(text, 'latin1');
      const clean = this.scrub(bytes, bytes, 'response head');
      return clean === bytes ? text : clean.toString('latin1');
    });
  }

  push(chunk: Buffer): Buffer {
    const bytes = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    const clean = this.scrub(bytes, this.begun(bytes), 'response body');
    // The tail is judged on what was received: a scrubbed needle may be the beginning of a longer one.
    const open = this.echoes.search.openTail(bytes);
    const closed = bytes.length - open;
    const left = this.leftBytes;
    this.held = open === 0 ? NOTHING : Buffer.from(bytes.subarray(closed));
    this.heldClean = open === 0 ? NOTHING : Buffer.from(clean.subarray(closed));
    this.leftBytes = Math.max(0, left - closed);
    if (isLine(this.held)) return Buffer.concat([clean.subarray(left, Math.max(left, closed)), this.end()]);
    return open === 0 && left === 0 ? clean : clean.subarray(left, Math.max(left, closed));
  }

  end(): Buffer {
    if (this.held.length >= TELLING && this.leftBytes < this.held.length) this.scrubTail();
    const rest = this.heldClean.subarray(this.leftBytes);
    this.leftBytes = this.heldClean.length;
    return rest;
  }

  private scrubTail(): void {
    const index = this.echoes.search.begunAt(this.held);
    if (index === null) return;
    this.heldClean = Buffer.from(this.heldClean);
    this.heldClean.fill(STAR, this.leftBytes);
    this.note(index, 'response body', this.held.length);
  }

  /** The end of a scrubbed needle was held as the beginning of another one: it stays scrubbed. */
  private begun(bytes: Buffer): Buffer {
    if (this.held.equals(this.heldClean)) return bytes;
    const out = Buffer.from(bytes);
    this.heldClean.copy(out);
    return out;
  }

  /** `begun`: what `bytes` became so far; a copy is made before anything is overwritten, for the chunk may be shared. */
  private scrub(bytes: Buffer, begun: Buffer, place: string): Buffer {
    let out = begun;
    this.echoes.search.forEach(bytes, (start, end, index) => {
      if (out === bytes) out = Buffer.from(bytes);
      for (let at = start; at < end; at++) if (!isLineEnd(bytes[at]!)) out[at] = STAR;
      this.note(index, place, end - start);
    });
    return out;
  }

  private note(index: number, place: string, length: number): void {
    const { secret, chain } = this.echoes.needles[index]!;
    const where = chain === '' ? place : `${place} > ${chain}`;
    const key = `${secret} ${where}`;
    if (this.found.has(key)) return;
    this.found.set(key, { detector: ECHO, where, length, fingerprint: this.fingerprintOf(secret) });
  }
}

/** A line that happens to end like a value begins does not wait for the next one; should it be a value, its rest is scrubbed. */
const isLine = (held: Buffer): boolean => held.length > 1 && held.length <= 4 && held.at(-1) === 0x0a;

const isLineEnd = (byte: number): boolean => byte === 0x0a || byte === 0x0d;

/** One after the other: what either looks for does not leave. */
class DoubleGuard implements ResponseGuard {
  private readonly first: ResponseGuard;
  private readonly second: ResponseGuard;

  constructor(first: ResponseGuard, second: ResponseGuard) {
    this.first = first;
    this.second = second;
  }

  get reachBytes(): number {
    return Math.max(this.first.reachBytes, this.second.reachBytes);
  }

  get scrubbed(): boolean {
    return this.first.scrubbed || this.second.scrubbed;
  }

  get findings(): readonly Finding[] {
    return [...this.first.findings, ...this.second.findings];
  }

  headers(rawHeaders: readonly string[]): readonly string[] {
    return this.second.headers(this.first.headers(rawHeaders));
  }

  push(chunk: Buffer): Buffer {
    return this.second.push(this.first.push(chunk));
  }

  end(): Buffer {
    return Buffer.concat([this.second.push(this.first.end()), this.second.end()]);
  }
}
