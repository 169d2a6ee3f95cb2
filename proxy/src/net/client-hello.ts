// Reads the server name out of a TLS ClientHello without taking part in the handshake. Pure; RFC 8446, 4.1.2 and RFC 6066, 3.

export type HelloReading =
  | { readonly do: 'wait' }
  /** Not TLS, or a hello that cannot be read. */
  | { readonly do: 'refuse' }
  | { readonly do: 'hello'; readonly serverName: string | null };

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const MAX_HELLO_BYTES = 64 * 1024;
const SERVER_NAME = 0;
const HOST_NAME = 0;

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
    return { do: 'hello', serverName: serverNameIn(message.subarray(4, 4 + size)) };
  } catch (error) {
    // A length inside the hello points behind its end.
    if (error instanceof RangeError) return { do: 'refuse' };
    throw error;
  }
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

function serverNameIn(hello: Buffer): string | null {
  let at = 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  if (at >= hello.length) return null;
  const end = at + 2 + hello.readUInt16BE(at);
  at += 2;
  while (at + 4 <= end) {
    const type = hello.readUInt16BE(at);
    const size = hello.readUInt16BE(at + 2);
    at += 4;
    if (type === SERVER_NAME) {
      const nameSize = hello.readUInt16BE(at + 3);
      if (hello.readUInt8(at + 2) !== HOST_NAME || nameSize + 5 > size || at + 5 + nameSize > hello.length) {
        throw new RangeError('server name');
      }
      return hello.toString('latin1', at + 5, at + 5 + nameSize);
    }
    at += size;
  }
  return null;
}
