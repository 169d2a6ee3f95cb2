// Removes injected values from what an upstream sends back, streaming. Replacements have the same length: framing stays as it is.
import { NeedleSearch } from './needle-search.ts';
import type { Places } from './places.ts';
import type { Injected, ResponseGuard } from './types.ts';

const NOTHING = Buffer.alloc(0);
const STAR = 0x2a;
/** Shorter forms would hit by chance and scrub what is no secret. */
const SHORTEST = 6;

/** The forms in which an upstream may echo what was sent to it, longest first. Latin1 texts. */
export function echoForms(values: readonly string[]): readonly string[] {
  const forms = new Set<string>();
  for (const value of values) {
    const bytes = Buffer.from(value, 'latin1');
    forms.add(value);
    for (const encoding of ['base64', 'base64url'] as const) {
      forms.add(bytes.toString(encoding));
      for (let shift = 0; shift < 3; shift++) forms.add(base64Core(bytes, shift, encoding));
    }
    const percent = encodeBytes(bytes, /[A-Za-z0-9\-._~]/);
    for (const form of [percent, encodeBytes(bytes, /[A-Za-z0-9\-._~!'()*]/)]) {
      forms.add(form);
      forms.add(form.replace(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase()));
      forms.add(form.replaceAll('%', '%25'));
    }
    const json = JSON.stringify(bytes.toString('utf8')).slice(1, -1);
    forms.add(Buffer.from(json, 'utf8').toString('latin1'));
    forms.add(Buffer.from(json.replaceAll('/', '\\/'), 'utf8').toString('latin1'));
    // Go's encoder writes these three so, .NET's more, and with capitals.
    forms.add(json.replace(/[<>&]/g, unicodeEscape));
    for (const escaped of [/[&<>'"+`]/g, /[&<>'"+`=/]/g]) {
      forms.add(value.replace(escaped, unicodeEscape));
      forms.add(value.replace(escaped, (char) => unicodeEscape(char).toUpperCase().replace('U', 'u')));
    }
    const html = value.replace(/[&<>]/g, (char) => HTML[char] ?? char);
    for (const [double, single] of [
      ['&quot;', '&#39;'],
      ['&#34;', '&#39;'],
      ['&quot;', '&#x27;'],
      ['&quot;', "'"],
    ] as const) {
      forms.add(html.replaceAll('"', double).replaceAll("'", single));
    }
    forms.add(value.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`));
    forms.add(value.replace(/[&<>"'=+/`]/g, (char) => `&#x${char.charCodeAt(0).toString(16)};`));
    forms.add(value.replace(/[&<>"'=+/`]/g, (char) => `&#x${char.charCodeAt(0).toString(16).toUpperCase()};`));
    forms.add(bytes.toString('hex'));
    forms.add(bytes.toString('hex').toUpperCase());
    forms.add(Buffer.from(bytes).reverse().toString('latin1'));
  }
  return [...forms].filter((form) => form.length >= SHORTEST).sort((a, b) => b.length - a.length);
}

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

const unicodeEscape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The characters of base64 that depend on these bytes alone when `shift` unknown bytes stand before them. */
function base64Core(bytes: Buffer, shift: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString(encoding)
    .replace(/=+$/, '');
  const first = Math.ceil((shift * 8) / 6);
  const last = Math.floor(((shift + bytes.length) * 8) / 6);
  return text.slice(first, last);
}

function encodeBytes(bytes: Buffer, kept: RegExp): string {
  let out = '';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    out += kept.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/** Guards for responses; what they look for is worked out once for each set of credentials. */
export type ResponseGuards = (places: Places, injected: Injected) => ResponseGuard | null;

/** The guards give null when nothing was injected. `secretValue`: the value of a secret, latin1. */
export function createResponseGuards(secretValue: (secret: string) => string): ResponseGuards {
  const known = new WeakMap<Places, Map<string, NeedleSearch>>();
  return (places, injected) => {
    if (injected.injected.length === 0) return null;
    let ofPlaces = known.get(places);
    if (ofPlaces === undefined) {
      ofPlaces = new Map();
      known.set(places, ofPlaces);
    }
    const names = injected.injected.length === 1 ? injected.injected[0]! : injected.injected.join('\n');
    let needles = ofPlaces.get(names);
    if (needles === undefined) {
      needles = compileForms(guardNeedles(places, injected, secretValue));
      ofPlaces.set(names, needles);
    }
    return new Guard(needles);
  };
}

function guardNeedles(places: Places, injected: Injected, secretValue: (secret: string) => string): readonly string[] {
  const values = injected.injected.map(secretValue);
  // The pair inside Basic is as good as the secret: it is scrubbed whole as well.
  const pair = /^Basic (\S+)$/.exec(places.credential)?.[1];
  return echoForms(pair === undefined ? values : [...values, pair]);
}

function compileForms(forms: readonly string[]): NeedleSearch {
  return new NeedleSearch(forms.map((form) => Buffer.from(form, 'latin1')));
}

export function createGuard(forms: readonly string[]): ResponseGuard {
  return new Guard(compileForms(forms));
}

class Guard implements ResponseGuard {
  scrubbed = false;
  private readonly needles: NeedleSearch;
  /** What may be the beginning of a needle: as it was received, and what became of it so far. */
  private held: Buffer = NOTHING;
  private heldClean: Buffer = NOTHING;
  /** How much of it has left all the same, because the message was over. In bytes. */
  private leftBytes = 0;

  constructor(needles: NeedleSearch) {
    this.needles = needles;
  }

  headers(rawHeaders: readonly string[]): readonly string[] {
    // Nearly always there is nothing: one search over all of them tells.
    let isThere = false;
    this.needles.forEach(Buffer.from(rawHeaders.join('\n'), 'latin1'), () => {
      isThere = true;
    });
    if (!isThere) return rawHeaders;
    return rawHeaders.map((text) => {
      const bytes = Buffer.from(text, 'latin1');
      const clean = this.scrub(bytes, bytes);
      return clean === bytes ? text : clean.toString('latin1');
    });
  }

  push(chunk: Buffer): Buffer {
    const bytes = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    const clean = this.scrub(bytes, this.begun(bytes));
    // The tail is judged on what was received: a scrubbed needle may be the beginning of a longer one.
    const open = this.needles.openTail(bytes);
    const closed = bytes.length - open;
    const left = this.leftBytes;
    this.held = open === 0 ? NOTHING : Buffer.from(bytes.subarray(closed));
    this.heldClean = open === 0 ? NOTHING : Buffer.from(clean.subarray(closed));
    this.leftBytes = Math.max(0, left - closed);
    return open === 0 && left === 0 ? clean : clean.subarray(left, Math.max(left, closed));
  }

  end(): Buffer {
    const rest = this.heldClean.subarray(this.leftBytes);
    this.leftBytes = this.heldClean.length;
    return rest;
  }

  /** The end of a scrubbed needle was held as the beginning of another one: it stays scrubbed. */
  private begun(bytes: Buffer): Buffer {
    if (this.held.equals(this.heldClean)) return bytes;
    const out = Buffer.from(bytes);
    this.heldClean.copy(out);
    return out;
  }

  /** `begun`: what `bytes` became so far; a copy is made before anything is overwritten, for the chunk may be shared. */
  private scrub(bytes: Buffer, begun: Buffer): Buffer {
    let out = begun;
    this.needles.forEach(bytes, (start, length) => {
      if (out === bytes) out = Buffer.from(bytes);
      out.fill(STAR, start, start + length);
      this.scrubbed = true;
    });
    return out;
  }
}
