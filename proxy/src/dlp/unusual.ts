// Which few characters are in no text by themselves. Pure.

/** In characters. */
export const WINDOW_CHARS = 4;

const [OTHER, DIGIT, LOWER, UPPER] = [0, 1, 2, 3];

/** Words are in many texts: letters with digits, or in both cases, are not. A loop: it is asked for each character of each known value. */
export function isUnusualAt(text: string, at: number): boolean {
  let hasDigit = false;
  let hasLetter = false;
  let last = OTHER;
  let before = OTHER;
  for (let i = at; i < at + WINDOW_CHARS; i++) {
    const kind = kindOf(text.charCodeAt(i));
    if (kind === DIGIT) hasDigit = true;
    else if (kind !== OTHER) hasLetter = true;
    if (last === LOWER && kind === UPPER) return true;
    if (before === UPPER && last === UPPER && kind === LOWER) return true;
    before = last;
    last = kind;
  }
  return hasDigit && hasLetter;
}

function kindOf(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return LOWER;
  if (code >= 0x41 && code <= 0x5a) return UPPER;
  return code >= 0x30 && code <= 0x39 ? DIGIT : OTHER;
}
