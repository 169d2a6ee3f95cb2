// Reads one HTTP/1 request head, strictly: whatever two readers could understand differently is refused. Pure.
import { isFieldValue, isTarget, isToken } from './characters.ts';
import { controlProblem } from './field-lines.ts';
import { Malformed } from './malformed.ts';

export interface RequestHead {
  readonly method: string;
  /** As received, in whatever form. */
  readonly target: string;
  readonly isHttp10: boolean;
  /** Read from a stream of HTTP/2. */
  readonly isHttp2: boolean;
  /** End-to-end fields only: hop-by-hop ones (RFC 9110, 7.6.1) and `expect` are taken out. Framing fields stay in their place. */
  readonly rawHeaders: readonly string[];
  /** Value of the only Host field; null when there was none (HTTP/1.0). */
  readonly host: string | null;
  readonly body: 'none' | 'length' | 'chunked';
  /** In bytes; 0 unless `length`. */
  readonly contentLength: number;
  /** The connection may carry another request after this one. */
  readonly keepAlive: boolean;
  readonly expectContinue: boolean;
  /** A WebSocket handshake (RFC 6455, 4.1); every other upgrade is not passed on, so the request is answered without it. */
  readonly isWebSocket: boolean;
}

/** Framing fields with an underscore are read as their dashed twins by CGI-like servers. */
const OBSCURED = /^(?:content_length|transfer_encoding|content-length_|transfer-encoding_)$/;
const MAX_LENGTH_DIGITS = 15;

/** `text` is the head in latin1, from the request line to the CRLF of its last field line, without the empty line. Each of `mostFields` costs a search. */
export function parseRequestHead(text: string, mostFields: number): RequestHead | Malformed {
  const lineEnd = text.indexOf('\r\n');
  const methodEnd = text.indexOf(' ');
  const targetEnd = text.indexOf(' ', methodEnd + 1);
  if (lineEnd < 0 || methodEnd < 0 || targetEnd < 0 || targetEnd > lineEnd) return brokenLine(text, lineEnd);
  if (!isToken(text, 0, methodEnd)) {
    return controlProblem(text.slice(0, methodEnd)) ?? new Malformed('method', 'the method is not a token');
  }
  if (!isTarget(text, methodEnd + 1, targetEnd)) return brokenTarget(text.slice(methodEnd + 1, targetEnd));
  const version = text.slice(targetEnd + 1, lineEnd);
  if (version !== 'HTTP/1.1' && version !== 'HTTP/1.0') return brokenLine(text, lineEnd, version);
  const isHttp10 = version === 'HTTP/1.0';

  const rawHeaders: string[] = [];
  let host: string | null = null;
  let length: string | null = null;
  let isChunked = false;
  let connection: string | null = null;
  let upgrade: string | null = null;
  let hasHopByHop = false;
  let expectContinue = false;

  let at = lineEnd + 2;
  while (at < text.length) {
    const end = text.indexOf('\r\n', at);
    const colon = text.indexOf(':', at);
    if (end < 0 || colon < 0 || colon > end || !isToken(text, at, colon)) return brokenName(text, at, end);
    let from = colon + 1;
    let to = end;
    while (from < to && isSpace(text.charCodeAt(from))) from++;
    while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
    if (!isFieldValue(text, from, to)) return brokenValue(text, from, to);
    const name = text.slice(at, colon);
    const value = text.slice(from, to);
    at = end + 2;

    // Only names of these lengths mean something to the framing.
    switch (name.length) {
      case 2:
        if (name.toLowerCase() === 'te') hasHopByHop = true;
        break;
      case 4:
        if (name.toLowerCase() === 'host') {
          if (host !== null) return new Malformed('duplicate-host', 'the request has more than one Host field');
          host = value;
        }
        break;
      case 6:
        if (name.toLowerCase() === 'expect') {
          if (value.toLowerCase() !== '100-continue') return new Malformed('expect', 'an unknown expectation');
          expectContinue = !isHttp10;
          hasHopByHop = true;
        }
        break;
      case 7:
        if (name.toLowerCase() === 'upgrade') {
          upgrade = upgrade === null ? value : `${upgrade}, ${value}`;
          hasHopByHop = true;
        }
        break;
      case 10:
        switch (name.toLowerCase()) {
          case 'connection':
            connection = connection === null ? value : `${connection}, ${value}`;
            hasHopByHop = true;
            break;
          case 'keep-alive':
            hasHopByHop = true;
        }
        break;
      case 14:
        switch (name.toLowerCase()) {
          case 'content-length':
            if (length !== null) return new Malformed('duplicate-length', 'more than one Content-Length field');
            // Not even leading zeros: `010` is 8 to a reader that knows octal.
            if (!/^(?:0|[1-9][0-9]*)$/.test(value) || value.length > MAX_LENGTH_DIGITS) {
              return new Malformed('content-length', 'Content-Length is not a plain number');
            }
            length = value;
            break;
          case 'content_length':
            return obscured();
        }
        break;
      case 15:
        if (OBSCURED.test(name.toLowerCase())) return obscured();
        break;
      case 17:
        switch (name.toLowerCase()) {
          case 'transfer-encoding':
            if (isChunked) return new Malformed('duplicate-te', 'more than one Transfer-Encoding field');
            // Obfuscated spellings are what smuggling is made of, so not even another case passes.
            if (value !== 'chunked') return new Malformed('te', 'Transfer-Encoding is not exactly "chunked"');
            isChunked = true;
            break;
          case 'transfer_encoding':
            return obscured();
        }
        break;
      case 18:
        if (OBSCURED.test(name.toLowerCase())) return obscured();
    }
    if (!hasHopByHop && name.length > 6 && isProxyField(name)) hasHopByHop = true;
    rawHeaders.push(name, value);
    if (rawHeaders.length > 2 * mostFields) return new Malformed('too-many-fields', `more than ${mostFields} fields`);
  }

  if (isChunked && length !== null) return new Malformed('cl-te', 'both Content-Length and Transfer-Encoding');
  if (isChunked && isHttp10) return new Malformed('te-http10', 'Transfer-Encoding in an HTTP/1.0 request');
  if (host === null && !isHttp10) return new Malformed('missing-host', 'the request has no Host field');
  if (host === '') return new Malformed('empty-host', 'the Host field is empty');

  const options = connection === null ? NO_OPTIONS : connectionOptions(connection);
  const isWebSocket =
    upgrade !== null &&
    !isHttp10 &&
    text.startsWith('GET ') &&
    options.includes('upgrade') &&
    upgrade.toLowerCase() === 'websocket';
  // Where the body ends and the WebSocket begins, two readers may see differently.
  if (isWebSocket && (isChunked || (length !== null && length !== '0'))) {
    return new Malformed('upgrade-body', 'a WebSocket handshake has a body');
  }
  return {
    method: text.slice(0, methodEnd),
    target: text.slice(methodEnd + 1, targetEnd),
    isHttp10,
    isHttp2: false,
    rawHeaders: hasHopByHop ? endToEnd(rawHeaders, options, isWebSocket) : rawHeaders,
    host,
    body: isChunked ? 'chunked' : length === null ? 'none' : 'length',
    contentLength: length === null ? 0 : Number(length),
    // An HTTP/1.0 connection is never reused: its persistence is not specified well enough to be safe.
    keepAlive: !isHttp10 && !options.includes('close'),
    expectContinue,
    isWebSocket,
  };
}

const NO_OPTIONS: readonly string[] = [];

/** Lower-case members of Connection. */
export function connectionOptions(value: string): readonly string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((option) => option.trim())
    .filter((option) => option !== '');
}

/** What frames or routes the message cannot be declared hop-by-hop by a Connection field. */
const NEVER_NOMINATED = ['host', 'content-length', 'transfer-encoding', 'content-type', 'content-encoding', 'trailer'];

/** RFC 9110, 7.6.1: without Connection, what it names, and the fields that are hop-by-hop by definition. */
function endToEnd(rawHeaders: readonly string[], options: readonly string[], isWebSocket: boolean): readonly string[] {
  const out: string[] = [];
  let hasConnection = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (name === 'connection' || name === 'upgrade') {
      // A WebSocket handshake keeps both, in their places, with nothing else in them.
      if (isWebSocket && (name === 'upgrade' || !hasConnection)) {
        out.push(rawHeaders[i]!, name === 'upgrade' ? rawHeaders[i + 1]! : 'Upgrade');
      }
      hasConnection ||= name === 'connection';
      continue;
    }
    if (name === 'keep-alive' || name === 'expect' || name.startsWith('proxy-')) continue;
    if (name === 'te') {
      // The only member that a next hop may still use; RFC 9110, 10.1.4 wants it named in Connection.
      if (rawHeaders[i + 1]!.toLowerCase() === 'trailers' && !isWebSocket) {
        out.push(rawHeaders[i]!, 'trailers', 'Connection', 'TE');
      }
      continue;
    }
    if (options.includes(name) && !NEVER_NOMINATED.includes(name)) continue;
    out.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return out;
}

function isProxyField(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20;
  return first === 0x70 && name.charCodeAt(5) === 0x2d && name.slice(0, 6).toLowerCase() === 'proxy-';
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function obscured(): Malformed {
  return new Malformed('obscured-framing', 'a field that other servers read as Content-Length or Transfer-Encoding');
}

/** Says what is wrong with a request line; called only when something is. */
function brokenLine(text: string, lineEnd: number, version?: string): Malformed {
  const line = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const control = controlProblem(line);
  if (control !== null) return control;
  // RFC 9113, 3.4. Few speak it so, and those speak HTTP/1.1 as well.
  if (line === 'PRI * HTTP/2.0') return new Malformed('h2c', 'HTTP/2 without TLS (h2c), which is not spoken here');
  if (version !== undefined && !version.includes(' ')) return new Malformed('version', 'not HTTP/1.0 or HTTP/1.1');
  return new Malformed('request-line', 'the request line is not "METHOD TARGET VERSION" with single spaces');
}

function brokenTarget(target: string): Malformed {
  const control = controlProblem(target);
  if (control !== null) return control;
  if (target === '') return new Malformed('request-line', 'the request line has no target');
  if (target.includes('#')) return new Malformed('fragment', 'the target has a fragment');
  if (/[\x00-\x20\x7f]/.test(target)) return new Malformed('target-control', 'the target has a control character');
  return new Malformed('target-bytes', 'the target has bytes outside ASCII; they must be percent-encoded');
}

function brokenName(text: string, at: number, end: number): Malformed {
  const line = end < 0 ? text.slice(at) : text.slice(at, end);
  if (isSpace(line.charCodeAt(0))) return new Malformed('obs-fold', 'a field line begins with a space');
  const colon = line.indexOf(':');
  const name = colon < 0 ? line : line.slice(0, colon);
  const control = controlProblem(name);
  if (control !== null) return control;
  if (colon < 0) return new Malformed('no-colon', 'a field line has no colon');
  if (/[ \t]$/.test(name)) return new Malformed('space-before-colon', 'a space before the colon of a field');
  return new Malformed('field-name', 'a field name is not a token');
}

function brokenValue(text: string, from: number, to: number): Malformed {
  return (
    controlProblem(text.slice(from, to)) ?? new Malformed('control-character', 'a control character in a field value')
  );
}
