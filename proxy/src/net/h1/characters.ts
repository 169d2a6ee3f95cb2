// Character classes of RFC 9110 and 9112 as tables, one look-up a byte.

const TOKEN = 1;
const TARGET = 2;
const FIELD = 4;

const CLASSES = new Uint8Array(256);
for (let code = 0; code < 256; code++) {
  const character = String.fromCharCode(code);
  let bits = 0;
  if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character)) bits |= TOKEN;
  // RFC 3986 plus what clients really send unescaped ("<>[]\^`{|}); a fragment never belongs into a request.
  if (code > 0x20 && code < 0x7f && character !== '#') bits |= TARGET;
  if (code === 9 || (code >= 0x20 && code !== 0x7f)) bits |= FIELD;
  CLASSES[code] = bits;
}

/** Every character of text[start, end) is in the class; an empty range is not a token. */
export function isToken(text: string, start: number, end: number): boolean {
  return end > start && all(TOKEN, text, start, end);
}

export function isTarget(text: string, start: number, end: number): boolean {
  return end > start && all(TARGET, text, start, end);
}

export function isFieldValue(text: string, start: number, end: number): boolean {
  return all(FIELD, text, start, end);
}

function all(bits: number, text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if ((CLASSES[text.charCodeAt(i)]! & bits) === 0) return false;
  }
  return true;
}
