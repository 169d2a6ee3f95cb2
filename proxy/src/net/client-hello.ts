// Reads the server name out of a TLS ClientHello without taking part in the handshake. Pure; RFC 8446, 4.1.2 and RFC 6066, 3.
import { createHash } from 'node:crypto';

export interface ClientNames {
  readonly serverName: string | null;
  /** Another ClientHello is inside, which nobody on the way can read (ECH, or what clients send to look like it). */
  readonly hasEncryptedHello: boolean;
}

export type HelloReading =
  | { readonly do: 'wait' }
  /** Not TLS, or a hello that cannot be read. */
  | { readonly do: 'refuse' }
  | ({ readonly do: 'hello' } & ClientNames);

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
/** In the place of a ServerHello's random value. */
const RETRY_RANDOM = createHash('sha256').update('HelloRetryRequest').digest();
const MAX_HELLO_BYTES = 64 * 1024;
const SERVER_NAME = 0;
const HOST_NAME = 0;
/** RFC 9849. */
const ENCRYPTED_CLIENT_HELLO = 0xfe0d;

/** First byte of every TLS connection. */
export function looksLikeTls(bytes: Buffer): boolean {
  return bytes[0] === HANDSHAKE_RECORD;
}

/** `bytes` are all that came so far. */
export function readClientHello(bytes: Buffer): HelloReading {
  const message = joinRecords(bytes);
  if (message === 'refuse') return { do: 'refuse' };
  if (message.length < 4) return { do: 'wait' };
  if (message[0] !== CLIENT_HELLO) return { do: 'refuse' };
  const size = message.readUIntBE(1, 3);
  if (size > MAX_HELLO_BYTES) return { do: 'refuse' };
  if (message.length < 4 + size) return { do: 'wait' };
  try {
    return { do: 'hello', ...namesIn(message.subarray(4, 4 + size)) };
  } catch (error) {
    // A length inside the hello points behind its end.
    if (error instanceof RangeError) return { do: 'refuse' };
    throw error;
  }
}

/** Where the records of a complete hello end; null when the last of them holds more than the hello. */
export function helloEnd(bytes: Buffer): number | null {
  let end = 0;
  let missing = 4;
  let isSized = false;
  while (missing > 0) {
    const size = bytes.readUInt16BE(end + 3);
    end += 5 + size;
    missing -= size;
    if (missing > 0 || isSized) continue;
    isSized = true;
    missing += (joinRecords(bytes.subarray(0, end)) as Buffer).readUIntBE(1, 3); // A hello: it has been read before.
  }
  return missing === 0 ? end : null;
}

/** A handshake message may be spread over several records. */
function joinRecords(bytes: Buffer): Buffer | 'refuse' {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 5 <= bytes.length) {
    if (bytes[at] !== HANDSHAKE_RECORD || bytes[at + 1] !== 3) return at === 0 ? 'refuse' : Buffer.concat(parts);
    const size = bytes.readUInt16BE(at + 3);
    if (size === 0 || size > 16_384 + 256) return 'refuse';
    parts.push(bytes.subarray(at + 5, at + 5 + size));
    at += 5 + size;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Throws RangeError for what no client sends: such a hello could mean two things to two readers. */
function namesIn(hello: Buffer): ClientNames {
  let at = 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  let serverName: string | null = null;
  let hasEncryptedHello = false;
  if (at >= hello.length) return { serverName, hasEncryptedHello };
  if (at + 2 + hello.readUInt16BE(at) !== hello.length) throw new RangeError('extensions');
  at += 2;
  while (at < hello.length) {
    const type = hello.readUInt16BE(at);
    const end = at + 4 + hello.readUInt16BE(at + 2);
    if (end > hello.length) throw new RangeError('extension');
    if (type === ENCRYPTED_CLIENT_HELLO) hasEncryptedHello = true;
    if (type === SERVER_NAME) {
      if (serverName !== null) throw new RangeError('two lists of server names');
      serverName = hostNameIn(hello.subarray(at + 4, end));
    }
    at = end;
  }
  return { serverName, hasEncryptedHello };
}

/** A list with exactly one host name in it (RFC 6066, 3). */
function hostNameIn(list: Buffer): string {
  if (list.readUInt16BE(0) !== list.length - 2 || list.readUInt8(2) !== HOST_NAME) throw new RangeError('server name');
  if (list.readUInt16BE(3) !== list.length - 5) throw new RangeError('server name');
  return list.toString('latin1', 5);
}

export type AnswerReading = { readonly do: 'wait' } | { readonly do: 'answer'; readonly isRetry: boolean };

/** How a server begins; `isRetry`: it asks for another ClientHello (RFC 8446, 4.1.4), which could name another host. */
export function readServerAnswer(bytes: Buffer): AnswerReading {
  const message = joinRecords(bytes);
  // An alert, or nothing that is TLS: then there is no second hello either.
  if (message === 'refuse' || (message.length > 0 && message[0] !== SERVER_HELLO))
    return { do: 'answer', isRetry: false };
  if (message.length < 38) return { do: 'wait' };
  return { do: 'answer', isRetry: message.subarray(6, 38).equals(RETRY_RANDOM) };
}
