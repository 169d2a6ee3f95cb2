// What a binary message holds, in order: its strings, small numbers and data, and how they are nested.

/** Messages inside each other. */
export const MOST_DEPTH = 24;

export const OPEN_LIST = 0;
export const CLOSE_LIST = 1;
export const OPEN_MAP = 2;
export const CLOSE_MAP = 3;
export const KEY = 4;
export const TEXT = 5;
export const NUMBER = 6;
export const DATA = 7;

/** Four numbers an item: what it is, where it stands, and the value of a number. */
export class Items {
  readonly flat: number[] = [];

  add(kind: number, start: number, end: number, value = 0): void {
    this.flat.push(kind, start, end, value);
  }

  /** For `cut`, when what was taken for a message is none. */
  get mark(): number {
    return this.flat.length;
  }

  cut(mark: number): void {
    this.flat.length = mark;
  }
}
