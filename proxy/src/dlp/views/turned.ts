// Text read backwards, and text in rot13.
import { rot13 } from '../forms.ts';
import { View } from '../view.ts';

/** Each letter turned by thirteen, other bytes as they are. */
export const TURNED = Uint8Array.from({ length: 256 }, (_, byte) => rot13(String.fromCharCode(byte)).charCodeAt(0));

export function rotatedView(view: View, start: number, end: number): View {
  const bytes = Buffer.allocUnsafe(end - start);
  for (let at = start; at < end; at++) bytes[at - start] = TURNED[view.bytes[at]!]!;
  const origin = { kind: 'trace', at: [0, bytes.length], from: [start, end], stride: [1, 0], width: [1, 0] } as const;
  return new View(bytes, bytes.length, 'rot13', view, origin);
}

export function reversedView(view: View, start: number, end: number): View {
  const bytes = Buffer.from(view.bytes.subarray(start, end)).reverse();
  return new View(bytes, bytes.length, 'reversed', view, { kind: 'mirror', end });
}
