// Reads the fields of an HTTP/2 request (RFC 9113, 8.3) into what the HTTP/1 side calls a head: the same request, the same checks. Pure.
import { isFieldValue, isTarget, isToken } from '../h1/characters.ts';
import { Malformed } from '../h1/malformed.ts';
import type { RequestHead } from '../h1/request-head.ts';
import { CONNECTION_FIELDS } from './fields.ts';

const MAX_LENGTH_DIGITS = 15;
const PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path', ':protocol']);
/** CGI-like servers read an underscore as a dash. */
const OBSCURED: ReadonlySet<string> = new Set([
  'content_length',
  'transfer_encoding',
  'content-length_',
  'transfer-encoding_',
]);

export interface StreamFacts {
  /** What the connection carries: `https` inside TLS. */
  readonly scheme: 'https' | 'http';
  readonly mostFields: number;
  /** The fields end the request: there is no body. */
  readonly isEnd: boolean;
  /** Key of the handshake that an extended CONNECT becomes towards HTTP/1.1 (RFC 6455, 4.1). */
  readonly webSocketKey: () => string;
}

/** `raw`: name, value, name, value, … as they came, pseudo-fields among them. */
export function readRequestFields(raw: readonly string[], facts: StreamFacts): RequestHead | Malformed {
  const pseudo = new Map<string, string>();
  const fields: string[] = [];
  let host: string | null = null;
  let length: string | null = null;
  let cookieAt = -1;
  let expectContinue = false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (name.charCodeAt(0) === 0x3a) {
      if (!PSEUDO.has(name)) return new Malformed('pseudo-field', 'a pseudo-field that no request has');
      if (pseudo.has(name)) return new Malformed('pseudo-field', 'a pseudo-field stands twice');
      if (fields.length > 0) return new Malformed('pseudo-field', 'a pseudo-field behind the others');
      pseudo.set(name, value);
      continue;
    }
    if (!isToken(name, 0, name.length) || name !== name.toLowerCase()) {
      return new Malformed('field-name', 'a field name is not a lower-case token');
    }
    if (!isFieldValue(value, 0, value.length) || value !== value.trim()) {
      return new Malformed('field-value', 'a field value has characters that no value has');
    }
    // RFC 9113, 8.2.2 and RFC 7540, 3.2.1.
    if (CONNECTION_FIELDS.has(name) || name === 'http2-settings') {
      return new Malformed('connection-field', 'a field that belongs to a connection of HTTP/1');
    }
    if (OBSCURED.has(name)) {
      return new Malformed(
        'obscured-framing',
        'a field that other servers read as Content-Length or Transfer-Encoding',
      );
    }
    if (name.startsWith('proxy-')) continue;
    switch (name) {
      case 'host':
        if (host !== null) return new Malformed('duplicate-host', 'the request has more than one host field');
        host = value;
        break;
      case 'te':
        if (value.toLowerCase() !== 'trailers') return new Malformed('te', 'te is not exactly "trailers"');
        // RFC 9110, 10.1.4 wants it named towards HTTP/1.1.
        fields.push(name, value, 'connection', 'te');
        continue;
      case 'expect':
        if (value.toLowerCase() !== '100-continue') return new Malformed('expect', 'an unknown expectation');
        expectContinue = true;
        continue;
      case 'content-length':
        if (length !== null) return new Malformed('duplicate-length', 'more than one content-length field');
        if (!/^(?:0|[1-9][0-9]*)$/.test(value) || value.length > MAX_LENGTH_DIGITS) {
          return new Malformed('content-length', 'content-length is not a plain number');
        }
        length = value;
        break;
      case 'sec-websocket-key':
        // RFC 8441, 5: it has no meaning here, yet undici sends one. Towards HTTP/1.1 stands ours.
        if (pseudo.has(':protocol')) continue;
        break;
      case 'cookie':
        // RFC 9113, 8.2.3: crumbs are one field.
        if (cookieAt >= 0) {
          fields[cookieAt] += `; ${value}`;
          continue;
        }
        cookieAt = fields.length + 1;
        break;
    }
    fields.push(name, value);
    if (fields.length > 2 * facts.mostFields) {
      return new Malformed('too-many-fields', `more than ${facts.mostFields} fields`);
    }
  }
  if (facts.isEnd && length !== null && length !== '0') {
    return new Malformed('content-length', 'content-length announces a body and there is none');
  }
  const target = readTarget(pseudo, facts);
  if (target instanceof Malformed) return target;
  const authority = pseudo.get(':authority') ?? null;
  if (authority === '' || host === '') return new Malformed('empty-host', 'the request names an empty host');
  if (authority === null && host === null) return new Malformed('missing-host', 'the request names no host');
  if (authority !== null && host !== null && authority.toLowerCase() !== host.toLowerCase()) {
    return new Malformed('host-mismatch', 'the host field names another host than :authority');
  }
  const named = authority ?? host!;
  if (!isFieldValue(named, 0, named.length)) return new Malformed('host', 'the host has characters that no name has');
  const rawHeaders = host === null ? ['host', named, ...fields] : fields;
  if (target.isWebSocket) {
    if (length !== null && length !== '0') return new Malformed('upgrade-body', 'a WebSocket handshake has a body');
    rawHeaders.push('connection', 'Upgrade', 'upgrade', 'websocket', 'sec-websocket-key', facts.webSocketKey());
  }
  return {
    method: target.method,
    target: target.path,
    isHttp10: false,
    isHttp2: true,
    rawHeaders,
    host: named,
    body: facts.isEnd || target.isWebSocket ? 'none' : length === null ? 'chunked' : 'length',
    contentLength: length === null ? 0 : Number(length),
    keepAlive: true,
    expectContinue,
    isWebSocket: target.isWebSocket,
  };
}

interface Target {
  readonly method: string;
  readonly path: string;
  readonly isWebSocket: boolean;
}

function readTarget(pseudo: ReadonlyMap<string, string>, { scheme, isEnd }: StreamFacts): Target | Malformed {
  const method = pseudo.get(':method') ?? '';
  const path = pseudo.get(':path');
  const protocol = pseudo.get(':protocol');
  if (!isToken(method, 0, method.length)) return new Malformed('method', 'the method is not a token');
  if (method === 'CONNECT' && protocol === undefined) {
    return new Malformed('connect', 'CONNECT is not possible on this connection');
  }
  if (protocol !== undefined && (method !== 'CONNECT' || protocol !== 'websocket')) {
    return new Malformed('connect-protocol', 'an extended CONNECT to something else than a WebSocket');
  }
  if (protocol !== undefined && isEnd) return new Malformed('connect-protocol', 'a WebSocket that has ended already');
  if (pseudo.get(':scheme')?.toLowerCase() !== scheme) {
    return new Malformed('host-mismatch', ':scheme and the connection disagree about TLS');
  }
  if (path === undefined || (!path.startsWith('/') && !(path === '*' && method === 'OPTIONS'))) {
    return new Malformed('target-form', ':path is no path');
  }
  if (!isTarget(path, 0, path.length)) {
    return path.includes('#')
      ? new Malformed('fragment', 'the target has a fragment')
      : new Malformed('target-bytes', 'the target has bytes that must be percent-encoded');
  }
  return { method: protocol === undefined ? method : 'GET', path, isWebSocket: protocol !== undefined };
}
