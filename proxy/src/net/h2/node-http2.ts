// node:http2, loaded by the first connection that speaks it: 10 ms of every start and 6 MB of every session otherwise, and most clients
// never ask for it. What RFC 9113 numbers stands here by itself.
export function nodeHttp2(): typeof import('node:http2') {
  return process.getBuiltinModule('node:http2');
}

/** RFC 9113, 7. */
export const NO_ERROR = 0x00;
export const PROTOCOL_ERROR = 0x01;
export const INTERNAL_ERROR = 0x02;
export const REFUSED_STREAM = 0x07;
export const CANCEL = 0x08;
export const HTTP_1_1_REQUIRED = 0x0d;
/** RFC 9113, 6.2. */
export const FLAG_END_STREAM = 0x01;
