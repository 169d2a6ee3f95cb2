// Takes HTTP/3 out of what an upstream offers (RFC 7838): the agent has no UDP, and would try it before it falls back. Pure.

const HTTP3 = /^(?:h3|hq|quic)(?:$|[-%])/i;

/** Every field but the alternatives over QUIC, as it came; the same list when there are none. */
export function withoutHttp3(rawHeaders: readonly string[]): readonly string[] {
  if (!rawHeaders.some((text, i) => i % 2 === 0 && isAltSvc(text))) return rawHeaders;
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const value = isAltSvc(name) ? withoutAlternatives(rawHeaders[i + 1]!) : rawHeaders[i + 1]!;
    if (value !== null) kept.push(name, value);
  }
  return kept.length === rawHeaders.length && kept.every((text, i) => text === rawHeaders[i]) ? rawHeaders : kept;
}

function isAltSvc(name: string): boolean {
  return name.length === 7 && name.toLowerCase() === 'alt-svc';
}

/** null = nothing is left of it. */
function withoutAlternatives(value: string): string | null {
  // A comma inside quotes separates nothing; a quote that is never closed reaches to the end.
  const alternatives = value.match(/(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^",])+/g) ?? [];
  const kept = alternatives.filter((alternative) => !HTTP3.test(alternative.trim().replace(/\s*=.*$/s, '')));
  if (kept.length === alternatives.length) return value;
  return kept.length === 0 ? null : kept.join(',').trim();
}
