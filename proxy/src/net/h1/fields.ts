// Header fields as flat lists (name, value, name, value, …): order, case and duplicates stay as they came.

export function fieldValue(rawHeaders: readonly string[], lowerName: string): string | null {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (isNamed(rawHeaders[i]!, lowerName)) return rawHeaders[i + 1]!;
  }
  return null;
}

/** Replaces the first field of that name where it stands and drops the others; appends when there is none. */
export function withField(rawHeaders: readonly string[], name: string, value: string): readonly string[] {
  const lowerName = name.toLowerCase();
  const out: string[] = [];
  let isPlaced = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!isNamed(rawHeaders[i]!, lowerName)) out.push(rawHeaders[i]!, rawHeaders[i + 1]!);
    else if (!isPlaced) {
      out.push(rawHeaders[i]!, value);
      isPlaced = true;
    }
  }
  if (!isPlaced) out.push(name, value);
  return out;
}

/** Renames the first field of a name (and gives it the value), dropping further ones: a length that becomes chunked, in its place. */
export function exchangeField(
  rawHeaders: readonly string[],
  lowerName: string,
  name: string,
  value: string,
): readonly string[] {
  const out: string[] = [];
  let isPlaced = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!isNamed(rawHeaders[i]!, lowerName)) out.push(rawHeaders[i]!, rawHeaders[i + 1]!);
    else if (!isPlaced) {
      out.push(name, value);
      isPlaced = true;
    }
  }
  if (!isPlaced) out.push(name, value);
  return out;
}

export function withoutFields(rawHeaders: readonly string[], lowerNames: readonly string[]): readonly string[] {
  const out: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!lowerNames.includes(rawHeaders[i]!.toLowerCase())) out.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return out;
}

function isNamed(name: string, lowerName: string): boolean {
  return name.length === lowerName.length && (name === lowerName || name.toLowerCase() === lowerName);
}
