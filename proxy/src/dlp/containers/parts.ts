// Where the parts of a multipart body begin: behind an empty line.
const EMPTY_LINE = Buffer.from('\r\n\r\n');
const DASH = 0x2d;

/** By its first bytes. */
export const isMultipart = (data: Buffer): boolean => data[0] === DASH && data[1] === DASH;

/** Whether an empty line stands before `at`. */
export const isPartAt = (data: Buffer, at: number): boolean =>
  at >= EMPTY_LINE.length && EMPTY_LINE.equals(data.subarray(at - EMPTY_LINE.length, at));

/** Calls `visit` with each place between `from` and `to` at which a part may begin; where it returns false that is the last one. */
export function eachPart(data: Buffer, from: number, to: number, visit: (at: number) => boolean): void {
  const within = data.subarray(0, to + EMPTY_LINE.length - 1);
  for (let at = within.indexOf(EMPTY_LINE, from); at >= 0; at = within.indexOf(EMPTY_LINE, at + EMPTY_LINE.length))
    if (!visit(at + EMPTY_LINE.length)) return;
}
