// A string as a view: its bytes, and how they map back to characters.
import { isUtf8 } from 'node:buffer';
import { Trace, View } from './view.ts';

/**
 * The views of `text` to search. Header values come as latin1 (one character a byte) and may be UTF-8 in truth; other strings hold any
 * character.
 */
export function textViews(text: string): readonly View[] {
  const root = Buffer.from(text, 'latin1');
  const view = new View(root, root.length);
  // As long in UTF-8 as in characters: ASCII.
  if (Buffer.byteLength(text) === text.length) return [view];
  return isUtf8(root) && isLatin1(text) ? [view] : [utf8View(text, view)];
}

const isLatin1 = (text: string): boolean => !/[^\x00-\xff]/.test(text);

function utf8View(text: string, root: View): View {
  const trace = new Trace();
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i)!;
    const width = code > 0xffff ? 2 : 1;
    trace.putCodePoint(code, i, width);
    i += width - 1;
  }
  return trace.view('', root, text.length);
}
