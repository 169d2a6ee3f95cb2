// A part of a text, decoded as a whole.
import { asBuffer, type Span, View } from '../view.ts';

export function paddedEnd(view: View, end: number): number {
  let padded = end;
  while (padded < view.length && padded < end + 2 && view.bytes[padded] === 0x3d) padded++;
  return padded;
}

export const base64Bytes = (view: View, start: number, end: number): Buffer =>
  Buffer.from(asBuffer(view.bytes).toString('latin1', start, end), 'base64');

export const hexBytes = (view: View, start: number, end: number): Buffer =>
  Buffer.from(asBuffer(view.bytes).toString('latin1', start, end - ((end - start) & 1)), 'hex');

export const pieceView = (parent: View, kind: string, bytes: Buffer, { start, end }: Span, isOpaque = false): View =>
  new View(bytes, bytes.length, kind, parent, { kind: 'piece', start, end }, isOpaque);
