// What a SOCKS5 client says before its tunnel begins (RFC 1928): no authentication, CONNECT, a host name. Pure.
import { isIP } from 'node:net';
import { type Authority, parseHost } from '../authority.ts';
import { Malformed } from '../h1/malformed.ts';

export const SOCKS_VERSION = 5;

/** RFC 1928, 6. */
export const REPLY = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  unreachable: 4,
  refused: 5,
  command: 7,
  addressType: 8,
} as const;
export type ReplyCode = (typeof REPLY)[keyof typeof REPLY];

export type SocksReading =
  | { readonly do: 'wait' }
  /** `used` bytes are read; `reply` goes back. */
  | { readonly do: 'go'; readonly used: number; readonly reply: Buffer }
  | { readonly do: 'connect'; readonly used: number; readonly authority: Authority }
  /** `place` is for the record: what the client asked for, however odd. */
  | { readonly do: 'refuse'; readonly reply: Buffer; readonly problem: Malformed; readonly place: Authority | null };

const NO_AUTHENTICATION = 0;
const NO_METHOD = 0xff;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;

/** The bound address is nobody's business: 0.0.0.0:0, as most servers say. */
export function socksReply(code: ReplyCode): Buffer {
  return Buffer.from([SOCKS_VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]);
}

/** The first message: which ways of authentication the client knows. */
export function readGreeting(bytes: Buffer): SocksReading {
  if (bytes.length < 2 || bytes.length < 2 + bytes[1]!) return { do: 'wait' };
  const used = 2 + bytes[1]!;
  if (bytes.subarray(2, used).includes(NO_AUTHENTICATION)) {
    return { do: 'go', used, reply: Buffer.from([SOCKS_VERSION, NO_AUTHENTICATION]) };
  }
  const problem = new Malformed('socks-method', 'the SOCKS client insists on authentication');
  return { do: 'refuse', reply: Buffer.from([SOCKS_VERSION, NO_METHOD]), problem, place: null };
}

/** The second one: where to. */
export function readSocksRequest(bytes: Buffer): SocksReading {
  if (bytes.length < 5) return { do: 'wait' };
  const [version, command, reserved, type, first] = bytes as unknown as readonly [
    number,
    number,
    number,
    number,
    number,
  ];
  const size = type === IPV4 ? 4 : type === IPV6 ? 16 : 1 + first;
  const isKnownType = type === IPV4 || type === IPV6 || type === NAME;
  const used = 4 + size + 2;
  const refuse = (code: ReplyCode, rule: string, reason: string, place: Authority | null = null): SocksReading => ({
    do: 'refuse',
    reply: socksReply(code),
    problem: new Malformed(rule, reason),
    place,
  });
  if (version !== SOCKS_VERSION || reserved !== 0) {
    return refuse(REPLY.failure, 'socks-request', 'the SOCKS request is not one of version 5');
  }
  if (!isKnownType)
    return refuse(REPLY.addressType, 'socks-address', 'the SOCKS request has an unknown kind of address');
  if (bytes.length < used) return { do: 'wait' };
  const port = bytes.readUInt16BE(used - 2);
  const text = type === NAME ? bytes.toString('latin1', 5, used - 2) : addressText(bytes.subarray(4, 4 + size));
  const place = { host: text, port };
  if (command !== CONNECT) {
    return refuse(REPLY.command, 'socks-command', 'SOCKS with another command than CONNECT', place);
  }
  if (type !== NAME || isIP(text) !== 0) {
    return refuse(REPLY.addressType, 'socks-address', 'SOCKS to an IP address; only host names are taken', place);
  }
  // Brackets are the URL's way to write an address: here they are part of no name.
  const host = text.startsWith('[')
    ? new Malformed('host', 'the host has characters that no name has')
    : parseHost(text);
  if (host instanceof Malformed) return refuse(REPLY.notAllowed, host.rule, host.reason, place);
  if (isIP(host) !== 0) {
    return refuse(REPLY.addressType, 'socks-address', 'SOCKS to an IP address; only host names are taken', place);
  }
  if (port === 0) return refuse(REPLY.notAllowed, 'port', 'the port is not a number from 1 to 65535', place);
  return { do: 'connect', used, authority: { host, port } };
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
