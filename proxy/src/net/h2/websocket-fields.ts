// A WebSocket handshake of HTTP/1.1 (RFC 6455, 4) as an extended CONNECT (RFC 8441, 5), and its answer back again. Pure.
import { createHash } from 'node:crypto';
import { fieldValue, withoutFields } from '../h1/fields.ts';
import type { ResponseHead } from '../h1/response-head.ts';
import { appendFields } from './fields.ts';

/** RFC 6455, 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** They belong to an answer that has a body, which a CONNECT's has not (RFC 9110, 9.3.6). */
const FRAMING = ['content-length', 'transfer-encoding', 'sec-websocket-accept', 'connection', 'upgrade'];

/** Pseudo-fields and fields; the key is of HTTP/1.1 alone. */
export function webSocketFields(target: string, rawHeaders: readonly string[]): string[] {
  const authority = fieldValue(rawHeaders, 'host') ?? '';
  const pseudo = [':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'https', ':authority', authority];
  return appendFields([...pseudo, ':path', target], withoutFields(rawHeaders, ['sec-websocket-key']), 'host');
}

/** The upstream's 2xx as the 101 that the agent's handshake with this key waits for. */
export function openedHead(head: ResponseHead, key: string): ResponseHead {
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  const switched = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Accept', accept];
  return {
    ...head,
    status: 101,
    reason: 'Switching Protocols',
    rawHeaders: [...switched, ...withoutFields(head.rawHeaders, FRAMING)],
    body: 'none',
    contentLength: 0,
  };
}
