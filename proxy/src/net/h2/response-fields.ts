// Reads the fields of an HTTP/2 response into what the HTTP/1 side calls a head. Pure.
import { Malformed } from '../h1/malformed.ts';
import type { ResponseHead } from '../h1/response-head.ts';

/** `raw`: name, value, … with `:status` first, as nghttp2 has checked it; `isEnd`: there is no body. */
export function readResponseFields(raw: readonly string[], method: string, isEnd: boolean): ResponseHead | Malformed {
  let status = 0;
  let length: string | null = null;
  let contentEncoding = '';
  const rawHeaders: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (name === ':status') {
      status = Number(value);
      continue;
    }
    if (name.startsWith(':')) return new Malformed('pseudo-field', 'a pseudo-field that no response has');
    if (name === 'content-length') {
      if (length !== null || !/^[0-9]{1,15}$/.test(value)) {
        return new Malformed('content-length', 'content-length is not one plain number');
      }
      length = value;
    } else if (name === 'content-encoding') {
      contentEncoding = contentEncoding === '' ? value : `${contentEncoding}, ${value}`;
    }
    rawHeaders.push(name, value);
  }
  if (!(status >= 100 && status <= 999)) return new Malformed('status-line', ':status is no status');
  if (status === 101) return new Malformed('upgrade', 'a 101, which HTTP/2 does not have');
  const hasNoBody = isEnd || method === 'HEAD' || status < 200 || status === 204 || status === 304;
  // A final answer without a body says so towards HTTP/1, or its connection would have to end it.
  const isEmpty =
    hasNoBody && method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304 && length === null;
  if (isEmpty) rawHeaders.push('content-length', '0');
  return {
    status,
    reason: PHRASES.get(status) ?? '',
    rawHeaders,
    body: hasNoBody ? 'none' : length === null ? 'chunked' : 'length',
    contentLength: length === null ? 0 : Number(length),
    keepAlive: true,
    keepAliveSeconds: null,
    contentEncoding: contentEncoding.trim().toLowerCase(),
  };
}

/** HTTP/2 has no reason phrase; clients of HTTP/1 show it. */
const PHRASES: ReadonlyMap<number, string> = new Map([
  [200, 'OK'],
  [201, 'Created'],
  [202, 'Accepted'],
  [204, 'No Content'],
  [206, 'Partial Content'],
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [303, 'See Other'],
  [304, 'Not Modified'],
  [307, 'Temporary Redirect'],
  [308, 'Permanent Redirect'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [412, 'Precondition Failed'],
  [413, 'Content Too Large'],
  [415, 'Unsupported Media Type'],
  [416, 'Range Not Satisfiable'],
  [422, 'Unprocessable Content'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
]);
