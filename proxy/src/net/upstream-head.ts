// The request head as it leaves: what was judged, with the framing that its body got on the way. Pure.
import type { AgentRequest } from './agent.ts';
import { exchangeField, withField, withoutFields } from './h1/fields.ts';

/** How the body leaves, compared with how it came. */
export type BodyFraming =
  | { readonly kind: 'same' }
  /** Its length changed to this, in bytes. */
  | { readonly kind: 'length'; readonly length: number }
  /** Its length is not known beforehand. */
  | { readonly kind: 'chunked' };

export interface HeadChanges {
  readonly framing: BodyFraming;
  /** The response will be searched: ask for one that is not compressed. */
  readonly wantsIdentity: boolean;
}

export function writeUpstreamHead(
  request: AgentRequest,
  target: string,
  rawHeaders: readonly string[],
  changes: HeadChanges,
): string {
  let fields = rawHeaders;
  switch (changes.framing.kind) {
    case 'same':
      break;
    case 'length':
      fields = withField(fields, 'Content-Length', String(changes.framing.length));
      break;
    case 'chunked':
      fields = exchangeField(fields, 'content-length', 'Transfer-Encoding', 'chunked');
      break;
    default:
      changes.framing satisfies never;
  }
  if (changes.wantsIdentity) fields = withField(fields, 'Accept-Encoding', 'identity');
  // No permessage-deflate: the messages must be readable (RFC 7692 is negotiated by this field alone).
  if (request.isWebSocket) fields = withoutFields(fields, ['sec-websocket-extensions']);
  let text = `${request.method} ${target} HTTP/1.1\r\n`;
  let hasHost = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') {
      hasHost = true;
      text += `${name}: ${canonicalHost(fields[i + 1]!)}\r\n`;
    } else text += `${name}: ${fields[i + 1]}\r\n`;
  }
  return hasHost ? `${text}\r\n` : `${text}Host: ${hostField(request)}\r\n\r\n`;
}

/** A trailing dot names the same host, but not to every upstream's routing. */
function canonicalHost(value: string): string {
  return value.includes('.:') || value.endsWith('.') ? value.replace(/\.(?=:[0-9]+$|$)/, '') : value;
}

/** HTTP/1.0 may come without. */
function hostField(request: AgentRequest): string {
  const host = request.host.includes(':') ? `[${request.host}]` : request.host;
  const isDefault = request.port === (request.scheme === 'https' ? 443 : 80);
  return isDefault ? host : `${host}:${request.port}`;
}
