// Finds `"usage": {…}` and `"usageMetadata": {…}` in an answer as it passes, cut at any byte: JSON whole, in events, in an array, in messages. It
// looks for the key alone and parses what stands behind it, so that an answer costs one search. Text that a model writes cannot look so: quotes
// inside of a JSON string are escaped.
import { type Usage, usageOf } from './usage.ts';

const KEY = Buffer.from('"usage');
/** Longest object that is read, with its key, in bytes. */
const LONGEST = 8192;
const BACKSLASH = 0x5c;
const WHOLE_KEY = /^"usage(?:Metadata)?"[ \t\r\n]*:[ \t\r\n]*\{/;
const BEGUN_KEY = /^"usage(?:M|Me|Met|Meta|Metad|Metada|Metadat|Metadata)?(?:"[ \t\r\n]*(?::[ \t\r\n]*)?)?$/;

export class UsageScan {
  /** Content behind the last usage that was found, in bytes. */
  bytesSince = 0;
  private readonly onUsage: (usage: Usage) => void;
  /** From a key on, while its object is not complete. Latin1. */
  private begun = '';
  /** The last bytes: a key may have begun in them. */
  private tail = '';

  constructor(onUsage: (usage: Usage) => void) {
    this.onUsage = onUsage;
  }

  /** So many bytes are not shown. */
  skip(bytes: number): void {
    this.reset();
    this.bytesSince += bytes;
  }

  /** What follows is another text. */
  reset(): void {
    this.begun = '';
    this.tail = '';
  }

  push(chunk: Buffer): void {
    this.bytesSince += chunk.length;
    let at = 0;
    if (this.begun === '') this.beginInTail(chunk);
    if (this.begun !== '') {
      const text = this.begun + chunk.toString('latin1', 0, Math.min(chunk.length, LONGEST));
      const end = this.read(text, this.begun.length + chunk.length);
      if (end === null && text.length <= LONGEST) {
        this.begun = text;
        return;
      }
      at = Math.max(0, (end ?? 0) - this.begun.length);
      this.begun = '';
    }
    for (;;) {
      const hit = chunk.indexOf(KEY, at);
      if (hit === -1) break;
      at = hit + KEY.length;
      if (hit > 0 ? chunk[hit - 1] === BACKSLASH : this.tail.endsWith('\\')) continue;
      const text = chunk.toString('latin1', hit, Math.min(chunk.length, hit + LONGEST));
      const end = this.read(text, chunk.length - hit);
      if (end === null && text.length < LONGEST) {
        this.begun = text;
        this.tail = '';
        return;
      }
      at = Math.max(at, hit + (end ?? 0));
    }
    const last = chunk.toString('latin1', Math.max(0, chunk.length - KEY.length));
    this.tail = last.length === KEY.length ? last : (this.tail + last).slice(-KEY.length);
  }

  /** A key that stands on the border of two chunks. */
  private beginInTail(chunk: Buffer): void {
    if (this.tail === '') return;
    const text = this.tail + chunk.toString('latin1', 0, Math.min(chunk.length, KEY.length - 1));
    const hit = text.indexOf('"usage');
    if (hit === -1 || hit >= this.tail.length || text[hit - 1] === '\\') return;
    this.begun = this.tail.slice(hit);
    this.tail = '';
  }

  /** Where it ends; 0 = it is none, null = it goes on. `there`: bytes from its beginning to the end of the chunk. */
  private read(text: string, there: number): number | null {
    const key = WHOLE_KEY.exec(text);
    if (key === null) return BEGUN_KEY.test(text) ? null : 0;
    const start = key[0].length - 1;
    const end = objectEnd(text, start);
    if (end === null) return null;
    const usage = parse(text.slice(start, end));
    if (usage !== null) {
      this.bytesSince = there - end;
      this.onUsage(usage);
    }
    return end;
  }
}

function objectEnd(text: string, start: number): number | null {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
    } else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return at + 1;
  }
  return null;
}

function parse(json: string): Usage | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? usageOf(value as Record<string, unknown>) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
