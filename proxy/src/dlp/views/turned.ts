// Text read backwards, and text in rot13.
import { rot13 } from '../forms.ts';
import { View } from '../view.ts';

export function rotatedView(view: View, start: number, end: number): View {
  const bytes = Buffer.from(rot13(view.text(start, end)), 'latin1');
  const origin = { kind: 'trace', at: [0, bytes.length], from: [start, end], stride: [1, 0], width: [1, 0] } as const;
  return new View(bytes, bytes.length, 'rot13', view, origin);
}

export function reversedView(view: View, start: number, end: number): View {
  const bytes = Buffer.from(view.bytes.subarray(start, end)).reverse();
  return new View(bytes, bytes.length, 'reversed', view, { kind: 'mirror', end });
}
