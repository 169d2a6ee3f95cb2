// Reads one HTTP/1 response head: as tolerant as RFC 9112 demands of a proxy, but never ambiguous. Pure.

import { controlProblem, parseFieldLines } from './field-lines.ts';
import { withField, withoutFields } from './fields.ts';
import { Malformed } from './malformed.ts';
import { connectionOptions } from './request-head.ts';

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** End-to-end fields only, framing fields in their place. */
  readonly rawHeaders: readonly string[];
  /** `close`: delimited by the end of the connection. */
  readonly body: 'none' | 'length' | 'chunked' | 'close';
  /** In bytes; for `none` what Content-Length says (HEAD, 304), or 0. */
  readonly contentLength: number;
  readonly keepAlive: boolean;
  /** How long the upstream keeps the idle connection open, in seconds; null when it does not say. */
  readonly keepAliveSeconds: number | null;
  /** Value of Content-Encoding, lower case; '' for none. */
  readonly contentEncoding: string;
}

interface StatusLine {
  readonly status: number;
  readonly reason: string;
  readonly isHttp10: boolean;
}

/** `HTTP/1.1 200 OK`; many servers leave out the reason, some the space before it. */
function parseStatusLine(line: string): StatusLine | null {
  const isHttp10 = line.startsWith('HTTP/1.0 ');
  if (!isHttp10 && !line.startsWith('HTTP/1.1 ')) return null;
  const status = digitAt(line, 9) * 100 + digitAt(line, 10) * 10 + digitAt(line, 11);
  // A character that is no digit makes it NaN.
  if (!(status >= 100) || (line.length > 12 && line.charCodeAt(12) !== 0x20)) return null;
  const reason = line.slice(13);
  return controlProblem(reason) === null ? { status, reason, isHttp10 } : null;
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 0x30;
  return digit >= 0 && digit <= 9 ? digit : Number.NaN;
}

/** `text` is the head in latin1 without the empty line; `method` is the request's. */
export function parseResponseHead(text: string, method: string): ResponseHead | Malformed {
  const lineEnd = text.indexOf('\r\n');
  const line = parseStatusLine(lineEnd < 0 ? text : text.slice(0, lineEnd));
  if (line === null) return new Malformed('status-line', 'the status line is not HTTP/1.x');
  const rawHeaders = parseFieldLines(text, true, lineEnd < 0 ? text.length : lineEnd + 2);
  if (rawHeaders instanceof Malformed) return rawHeaders;

  let length: string | null = null;
  let transferEncoding: string | null = null;
  let connection = '';
  let contentEncoding = '';
  let keepAliveSeconds = Number.NaN;
  let isLengthOdd = false;
  let hasHopByHop = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const value = rawHeaders[i + 1]!;
    switch (name.length) {
      case 7:
        if (name.toLowerCase() === 'upgrade') hasHopByHop = true;
        break;
      case 10:
        switch (name.toLowerCase()) {
          case 'connection':
            connection = connection === '' ? value : `${connection}, ${value}`;
            hasHopByHop = true;
            break;
          case 'keep-alive':
            keepAliveSeconds = Number(/timeout=([0-9]{1,6})/i.exec(value)?.[1] ?? Number.NaN);
            hasHopByHop = true;
        }
        break;
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        for (const one of value.split(',')) {
          const digits = one.trim();
          if (!/^[0-9]{1,15}$/.test(digits) || (length !== null && Number(length) !== Number(digits))) {
            return new Malformed('content-length', 'Content-Length is not one plain number');
          }
          isLengthOdd ||= length !== null || (digits.length > 1 && digits.startsWith('0'));
          length = digits;
        }
        break;
      case 16:
        if (name.toLowerCase() === 'content-encoding') {
          contentEncoding = contentEncoding === '' ? value : `${contentEncoding}, ${value}`;
        } else if (name.slice(0, 6).toLowerCase() === 'proxy-') hasHopByHop = true;
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') {
          transferEncoding = transferEncoding === null ? value : `${transferEncoding}, ${value}`;
        }
        break;
      default:
        if (name.length > 6 && name.charCodeAt(5) === 0x2d && name.slice(0, 6).toLowerCase() === 'proxy-') {
          hasHopByHop = true;
        }
    }
  }

  const { status, reason, isHttp10 } = line;
  if (transferEncoding !== null) {
    if (length !== null) return new Malformed('cl-te', 'both Content-Length and Transfer-Encoding');
    if (isHttp10) return new Malformed('te-http10', 'Transfer-Encoding in an HTTP/1.0 response');
    if (transferEncoding.toLowerCase() !== 'chunked') {
      return new Malformed('te', 'a transfer coding other than "chunked"');
    }
  }
  const options = connection === '' ? [] : connectionOptions(connection);
  const hasNoBody = method === 'HEAD' || status < 200 || status === 204 || status === 304;
  const body = hasNoBody ? 'none' : transferEncoding !== null ? 'chunked' : length !== null ? 'length' : 'close';
  let fields: readonly string[] = rawHeaders;
  if (hasHopByHop) fields = endToEndOfResponse(fields, options, status === 101);
  // RFC 9110, 8.6: what was said twice in the same way is passed on once; and `010` is 8 to a reader that knows octal.
  if (isLengthOdd) fields = withField(fields, 'Content-Length', String(Number(length)));
  // RFC 9112, 6: these have no body and must not announce one; a reader that believes it waits for ever.
  const mustNotFrame = (status < 200 || status === 204) && (length !== null || transferEncoding !== null);
  if (mustNotFrame) fields = withoutFields(fields, ['content-length', 'transfer-encoding']);
  return {
    status,
    reason,
    rawHeaders: fields,
    body,
    contentLength: length === null ? 0 : Number(length),
    keepAlive: body !== 'close' && !options.includes('close') && (!isHttp10 || options.includes('keep-alive')),
    keepAliveSeconds: Number.isNaN(keepAliveSeconds) ? null : keepAliveSeconds,
    contentEncoding: contentEncoding.trim().toLowerCase(),
  };
}

function endToEndOfResponse(
  rawHeaders: readonly string[],
  options: readonly string[],
  isUpgrade: boolean,
): readonly string[] {
  const out: string[] = [];
  let hasConnection = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (name === 'connection' || name === 'upgrade') {
      // The handshake of a 101 keeps both, in their places.
      if (isUpgrade && (name === 'upgrade' || !hasConnection)) {
        out.push(rawHeaders[i]!, name === 'upgrade' ? rawHeaders[i + 1]! : 'Upgrade');
      }
      hasConnection ||= name === 'connection';
      continue;
    }
    if (name === 'keep-alive' || name.startsWith('proxy-')) continue;
    const isFraming = name.startsWith('content-') || name === 'transfer-encoding';
    if (options.includes(name) && !isFraming) continue;
    out.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return out;
}
