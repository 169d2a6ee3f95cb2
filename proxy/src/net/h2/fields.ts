// Fields on their way into HTTP/2: lower-case names, nothing that belongs to a connection of HTTP/1 (RFC 9113, 8.2). Pure.

/** They frame or close a connection that HTTP/2 does not have (RFC 9113, 8.2.2). */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Appends the fields of `rawHeaders` to `out` as HTTP/2 has them; `without` names one more to leave out. */
export function appendFields(out: string[], rawHeaders: readonly string[], without = ''): string[] {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (CONNECTION_FIELDS.has(name) || name === without) continue;
    out.push(name, rawHeaders[i + 1]!);
  }
  return out;
}

/** For the calls of node:http2 that take no list: values of one name together, in their order. */
export function asHeaders(fields: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i < fields.length; i += 2) {
    const before = headers[fields[i]!];
    headers[fields[i]!] = before === undefined ? fields[i + 1]! : [...[before].flat(), fields[i + 1]!];
  }
  return headers;
}
