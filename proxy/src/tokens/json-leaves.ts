// Where each value of a JSON text stands: all of them, also those behind keys that stand there twice, of which a parser shows one. Pure.

export interface Leaf {
  /** Keys from the top; elements of an array have the array's own. */
  readonly path: readonly string[];
  readonly kind: 'string' | 'number' | 'word' | 'object';
  /** Of the value in the text; of an object that ends where the walk is, `end` is behind its brace. */
  readonly start: number;
  readonly end: number;
}

/** Deeper ones are not walked: no token service nests its answers so. */
export const DEEPEST = 64;

/** `null` where it is nested too deeply. `text` must be what JSON.parse takes. An object comes after what is in it. */
export function leavesOf(text: string): readonly Leaf[] | null {
  const leaves: Leaf[] = [];
  /** One for each open brace and bracket: `key` is what the next value belongs to. */
  const open: {
    readonly isObject: boolean;
    readonly start: number;
    readonly path: readonly string[];
    key: string | null;
  }[] = [];
  const pathHere = (): readonly string[] => {
    const inside = open.at(-1);
    if (inside === undefined) return [];
    return inside.key === null ? inside.path : [...inside.path, inside.key];
  };
  for (let at = 0; at < text.length; ) {
    const char = text[at]!;
    const inside = open.at(-1);
    switch (char) {
      case '{':
      case '[':
        if (open.length >= DEEPEST) return null;
        open.push({ isObject: char === '{', start: at, path: pathHere(), key: null });
        at++;
        break;
      case '}':
      case ']': {
        const { isObject, start, path } = open.pop()!;
        at++;
        if (isObject) leaves.push({ path, kind: 'object', start, end: at });
        break;
      }
      case ',':
        if (inside?.isObject === true) inside.key = null;
        at++;
        break;
      case ':':
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        at++;
        break;
      case '"': {
        const end = stringEnd(text, at);
        // Every string of an object is a key, then a value.
        if (inside?.isObject === true && inside.key === null) inside.key = JSON.parse(text.slice(at, end)) as string;
        else leaves.push({ path: pathHere(), kind: 'string', start: at, end });
        at = end;
        break;
      }
      default: {
        const end = wordEnd(text, at);
        const kind = char === '-' || (char >= '0' && char <= '9') ? 'number' : 'word';
        leaves.push({ path: pathHere(), kind, start: at, end });
        at = end;
      }
    }
  }
  return leaves;
}

/** Behind the closing quote. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
}

function wordEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && !/[\s,:[\]{}"]/.test(text[at]!)) at++;
  return at;
}
