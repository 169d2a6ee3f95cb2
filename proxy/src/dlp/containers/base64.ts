// An archive in base64 that is too long to be decoded as a whole: a package in the JSON of its upload.
import type { Members, Reader } from './members.ts';

const FOREIGN = /[^A-Za-z0-9+/_\-\r\n\\]/;
/** Line breaks, also those that are written as escapes. */
const BREAKS = /\\[nr]|[\r\n\\]/g;

export class Base64Reader implements Reader {
  takenBytes = 0;
  isDone = false;
  readonly #members: Members;
  /** Characters of a quartet that is not complete, and an escape that may go on. */
  #rest = '';
  #escape = '';

  constructor(members: Members) {
    this.#members = members;
    // What is short enough has been decoded where it stands; of interest is the archive as a whole.
    members.begin('base64', true);
  }

  push(chunk: Buffer): void {
    if (this.isDone) return;
    const text = chunk.toString('latin1');
    const end = text.search(FOREIGN);
    const own = end < 0 ? text : text.slice(0, end);
    this.takenBytes += own.length;
    this.#members.at += own.length;
    const raw = this.#escape + own;
    this.#escape = end < 0 && raw.endsWith('\\') ? '\\' : '';
    const chars = this.#rest + raw.slice(0, raw.length - this.#escape.length).replace(BREAKS, '');
    const whole = end < 0 ? chars.length & ~3 : chars.length;
    this.#rest = chars.slice(whole);
    this.#members.write(Buffer.from(chars.slice(0, whole), 'base64'));
    if (end >= 0) this.end();
  }

  end(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.#members.write(Buffer.from(this.#rest, 'base64'));
    this.#members.end();
  }
}
