// Puts replacements where matches stand, in place; everything else stays byte for byte.

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Edits that touch no other, ascending: of overlapping ones the first text stands for the whole. */
export function mergeEdits(edits: readonly Edit[]): Edit[] {
  const merged: { start: number; end: number; text: string }[] = [];
  for (const edit of [...edits].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (edit.end <= edit.start) continue;
    const last = merged.at(-1);
    if (last !== undefined && edit.start < last.end) last.end = Math.max(last.end, edit.end);
    else merged.push({ ...edit });
  }
  return merged;
}

export function editBytes(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end, text } of mergeEdits(edits)) {
    parts.push(bytes.subarray(at, start), Buffer.from(text));
    at = end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}

export function editText(text: string, edits: readonly Edit[]): string {
  let edited = '';
  let at = 0;
  for (const edit of mergeEdits(edits)) {
    edited += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return edited + text.slice(at);
}
