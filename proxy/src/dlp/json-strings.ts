// Which places of a JSON body that streams stand inside a string: what is put anywhere else needs quotes.
import { isJson } from './locate.ts';
import type { Edit } from './rewrite.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What is sent under JSON's name and begins otherwise is left as it is. */
const BEGINNING = /^\s*[{["\d-]/;

export class JsonStrings {
  readonly #contentType: string;
  /** Null until the first bytes have said so. */
  #isJson: boolean | null = null;
  #isInside = false;
  #isEscaped = false;

  constructor(contentType: string) {
    this.#contentType = contentType;
  }

  /** `edits`, ascending, of which none begins before `from`: those that stand outside of strings with quotes. All before `from` was passed. */
  quoted(bytes: Buffer, from: number, edits: readonly Edit[]): readonly Edit[] {
    this.#isJson ??= BEGINNING.test(bytes.toString('latin1', from, from + 64)) && isJson(bytes, this.#contentType);
    if (!this.#isJson || edits.length === 0) return edits;
    const before = { isInside: this.#isInside, isEscaped: this.#isEscaped };
    let at = from;
    const quoted = edits.map((edit) => {
      this.pass(bytes, at, edit.start);
      at = edit.start;
      return this.#isInside ? edit : { ...edit, text: `"${edit.text}"` };
    });
    this.#isInside = before.isInside;
    this.#isEscaped = before.isEscaped;
    return quoted;
  }

  /** `from..to` of `bytes` lies behind. */
  pass(bytes: Buffer, from: number, to: number): void {
    if (this.#isJson !== true) return;
    let isInside = this.#isInside;
    let isEscaped = this.#isEscaped;
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (isEscaped) isEscaped = false;
      else if (byte === QUOTE) isInside = !isInside;
      else if (byte === BACKSLASH) isEscaped = isInside;
    }
    this.#isInside = isInside;
    this.#isEscaped = isEscaped;
  }
}
