// Text as a form carries it: `+` stands for a space there, and for itself in every other URL.
import { asBuffer, type View } from '../view.ts';
import { type Escapes, PERCENT, unfold } from './escapes.ts';

const PLUS = 0x2b;
const PERCENT_SIGN = 0x25;
/** Longest name of a first field, in bytes. */
const NAME_BYTES = 64;

const FORM: Escapes = {
  kind: 'form',
  lead: PERCENT_SIGN,
  leads: [PERCENT_SIGN, PLUS],
  read: (bytes, at, end) => (bytes[at] === PLUS ? (1 << 21) | 0x20 : PERCENT.read(bytes, at, end)),
};

/** Unfolds percent escapes, and `+` where `view` is a form; `isForm`: something that only a form holds was seen. Returns whether it is one. */
export function unfoldForm(view: View, isForm: boolean, found: (child: View) => void): boolean {
  if (!isForm && !(view.parent === null && beginsLikeForm(view))) return false;
  const buffer = asBuffer(view.bytes).subarray(0, view.length);
  const plus = buffer.indexOf(PLUS);
  if (plus < 0) return false;
  unfold(view, FORM, found, buffer.includes(PERCENT_SIGN) ? undefined : [plus]);
  return true;
}

/** `name=`, with what a browser or a library leaves as it is in a name. */
function beginsLikeForm({ bytes, length }: View): boolean {
  const most = Math.min(length, NAME_BYTES);
  let at = 0;
  while (at < most && isOfName(bytes[at]!)) at++;
  return at > 0 && at < most && bytes[at] === 0x3d && bytes[at + 1] !== 0x20;
}

const isOfName = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) ||
  (byte >= 0x41 && byte <= 0x5d && byte !== 0x5c) ||
  (byte >= 0x61 && byte <= 0x7a) ||
  byte === 0x5f ||
  byte === 0x2d ||
  byte === 0x2e ||
  byte === PERCENT_SIGN;
