// What kind of place an IP literal or host name stands for, in whatever spelling it comes. Pure: no look-ups.
import { isIPv4, isIPv6 } from 'node:net';

export type AddressKind =
  | 'public'
  | 'private'
  | 'loopback'
  | 'link-local'
  | 'metadata'
  | 'multicast'
  | 'unspecified'
  | 'shared'
  | 'benchmarking'
  | 'reserved'
  /** Looks like a number but is read differently by different programs (`1.2.3.4.5`, `08.1.1.1`, `256.1.1.1`). */
  | 'malformed';

export interface Address {
  readonly family: 4 | 6;
  /** Canonical text, without brackets and zone. */
  readonly text: string;
  readonly kind: AddressKind;
  /** 4 or 16 bytes. */
  readonly bytes: Buffer;
  /** IPv4 addresses that stand inside an IPv6 one (mapped, NAT64, 6to4, Teredo, ISATAP): traffic may end there. */
  readonly embedded: readonly Buffer[];
}

export interface Network {
  readonly bytes: Buffer;
  readonly prefixBits: number;
}

/** TEST-NET and 2001:db8::/32 are public here: nobody's network uses them, and tests name their upstreams with them. */
const RANGES_V4 = ranges([
  ['metadata', '169.254.169.0/24', '169.254.170.0/24', '100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32'],
  ['unspecified', '0.0.0.0/8'],
  ['loopback', '127.0.0.0/8'],
  ['private', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  ['link-local', '169.254.0.0/16'],
  ['shared', '100.64.0.0/10'],
  ['benchmarking', '198.18.0.0/15'],
  ['multicast', '224.0.0.0/4'],
  ['reserved', '192.0.0.0/24', '192.88.99.0/24', '240.0.0.0/4'],
]);

const RANGES_V6 = ranges([
  ['metadata', 'fd00:ec2::/32', 'fd20:ce::254/128'],
  ['unspecified', '::/128'],
  ['loopback', '::1/128'],
  ['private', 'fc00::/7', 'fec0::/10', '64:ff9b:1::/48'],
  ['link-local', 'fe80::/10'],
  ['multicast', 'ff00::/8'],
  ['benchmarking', '2001:2::/48'],
  ['reserved', '2001::/32', '2001:10::/28', '100::/64'],
]);

// Prefixes whose addresses carry an IPv4 address, with the offset of its first byte.
const MAPPED = network('::ffff:0:0/96');
const TRANSLATED = network('::ffff:0:0:0/96');
const COMPATIBLE = network('::/96');
const NAT64 = network('64:ff9b::/96');
const SIX_TO_FOUR = network('2002::/16');
const TEREDO = network('2001::/32');
const GLOBAL_UNICAST = network('2000::/3');
const UNSPECIFIED_AND_LOOPBACK = network('::/127');

/** The address that a spelling stands for; null when it is a name. A number that is no address has the kind `malformed`. */
export function parseAddress(spelling: string): Address | null {
  const text = plainHost(spelling);
  if (text.includes(':')) {
    const withoutZone = text.replace(/%.*$/s, '');
    const bytes = ipBytes(withoutZone);
    return bytes === null ? malformed(text, 6) : addressOf(bytes);
  }
  const parts = text.split('.');
  // As in the WHATWG URL standard: a host whose last label is a number is an IPv4 address or nothing.
  if (!/^([0-9]+|0x[0-9a-f]*)$/.test(parts.at(-1) ?? '')) return null;
  const bytes = parseAton(parts, readNumber);
  if (bytes === null) return malformed(text, 4);
  const address = addressOf(bytes);
  if (address.kind !== 'public' || !parts.some((part) => /^0[0-9]/.test(part))) return address;
  // `010.0.0.1` is 8.0.0.1 to C libraries and 10.0.0.1 to others: the worse reading counts.
  const decimal = parseAton(parts, (part) => (/^[0-9]+$/.test(part) ? Number(part) : Number.NaN));
  return decimal === null ? address : { ...address, kind: addressOf(decimal).kind };
}

/** What a name says of itself: `loopback` and `metadata` names are refused before they are looked up. */
export function nameKind(name: string): 'loopback' | 'private' | 'metadata' | null {
  const host = plainHost(name);
  const isOrBelow = (parent: string): boolean => host === parent || host.endsWith(`.${parent}`);
  if (METADATA_NAMES.some(isOrBelow)) return 'metadata';
  if (LOOPBACK_NAMES.some(isOrBelow)) return 'loopback';
  return PRIVATE_NAMES.some(isOrBelow) ? 'private' : null;
}

const METADATA_NAMES = [
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
];
const LOOPBACK_NAMES = [
  'localhost',
  'localhost.localdomain',
  'localhost4',
  'localhost6',
  'ip6-localhost',
  'ip6-loopback',
];
const PRIVATE_NAMES = ['docker.internal', 'containers.internal', 'home.arpa'];

/** Bytes of a canonically spelled literal (no brackets, no zone); null for anything else. */
export function ipBytes(literal: string): Buffer | null {
  if (isIPv4(literal)) return Buffer.from(literal.split('.').map(Number));
  if (!isIPv6(literal) || literal.includes('%')) return null;
  // The URL parser turns every legal spelling into hex groups with at most one `::`.
  const [head = '', tail] = new URL(`http://[${literal}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const left = groups(head);
  const right = groups(tail ?? '');
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** `10.0.0.0/8`, `fd00::/8`, or a bare address; throws RangeError. */
export function network(cidr: string): Network {
  const [literal = '', prefix] = cidr.split('/');
  const bytes = ipBytes(literal);
  const bits = prefix === undefined ? (bytes?.length ?? 0) * 8 : Number(prefix);
  if (bytes === null || !/^\d*$/.test(prefix ?? '') || prefix === '' || bits > bytes.length * 8) {
    throw new RangeError(`not a network: ${cidr}`);
  }
  return { bytes, prefixBits: bits };
}

export function isWithin(bytes: Buffer, range: Network): boolean {
  if (bytes.length !== range.bytes.length) return false;
  const whole = range.prefixBits >> 3;
  if (bytes.compare(range.bytes, 0, whole, 0, whole) !== 0) return false;
  const rest = range.prefixBits & 7;
  return rest === 0 || (bytes[whole]! ^ range.bytes[whole]!) >> (8 - rest) === 0;
}

function addressOf(bytes: Buffer): Address {
  if (bytes.length === 4) {
    return { family: 4, text: bytes.join('.'), kind: kindIn(RANGES_V4, bytes) ?? 'public', bytes, embedded: [] };
  }
  const embedded = embeddedIPv4(bytes);
  return { family: 6, text: textOfIPv6(bytes), kind: kindOfIPv6(bytes, embedded), bytes, embedded };
}

function kindOfIPv6(bytes: Buffer, embedded: readonly Buffer[]): AddressKind {
  const isSpecial = isWithin(bytes, UNSPECIFIED_AND_LOOPBACK);
  const inside = isSpecial ? undefined : embedded.map((v4) => kindIn(RANGES_V4, v4)).find((kind) => kind !== null);
  const own = inside ?? kindIn(RANGES_V6, bytes);
  if (own !== null) return own;
  const carriesPublicIPv4 = [MAPPED, NAT64].some((range) => isWithin(bytes, range));
  return carriesPublicIPv4 || isWithin(bytes, GLOBAL_UNICAST) ? 'public' : 'reserved';
}

function embeddedIPv4(bytes: Buffer): readonly Buffer[] {
  if ([MAPPED, TRANSLATED, COMPATIBLE, NAT64].some((range) => isWithin(bytes, range))) return [bytes.subarray(12)];
  if (isWithin(bytes, SIX_TO_FOUR)) return [bytes.subarray(2, 6)];
  // RFC 4380: the server as it is, the client with every bit inverted.
  if (isWithin(bytes, TEREDO)) return [bytes.subarray(4, 8), Buffer.from(bytes.subarray(12).map((byte) => ~byte))];
  // RFC 5214 (ISATAP): the interface identifier is 0000:5efe or 0200:5efe and the IPv4 address.
  const isIsatap = (bytes[8]! & ~2) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe;
  return isIsatap ? [bytes.subarray(12)] : [];
}

function kindIn(table: readonly (readonly [AddressKind, Network])[], bytes: Buffer): AddressKind | null {
  return table.find(([, range]) => isWithin(bytes, range))?.[0] ?? null;
}

function textOfIPv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function malformed(text: string, family: 4 | 6): Address {
  return { family, text, kind: 'malformed', bytes: Buffer.alloc(0), embedded: [] };
}

/** Lower case, full-width forms and ideographic full stops made plain, without brackets and trailing dot. */
function plainHost(host: string): string {
  const plain = host
    .normalize('NFKC')
    .replace(/\u3002/g, '.')
    .toLowerCase()
    .trim();
  return plain.replace(/^\[(.*)\]$/s, '$1').replace(/(?<=[^.])\.$/, '');
}

/** inet_aton: 1 to 4 parts, the last one fills the remaining bytes. */
function parseAton(parts: readonly string[], read: (part: string) => number): Buffer | null {
  if (parts.length > 4) return null;
  const numbers = parts.map(read);
  const last = numbers.pop() as number;
  if (numbers.some((n) => !(n <= 255)) || !(last < 256 ** (4 - numbers.length))) return null;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(last);
  for (const [i, n] of numbers.entries()) bytes[i] = n;
  return bytes;
}

function readNumber(part: string): number {
  if (/^0x[0-9a-f]*$/.test(part)) return part === '0x' ? 0 : Number.parseInt(part, 16);
  if (/^0[0-7]*$/.test(part)) return Number.parseInt(part, 8);
  return /^[1-9][0-9]*$/.test(part) ? Number(part) : Number.NaN;
}

function ranges(rows: readonly (readonly [AddressKind, ...string[]])[]): readonly (readonly [AddressKind, Network])[] {
  return rows.flatMap(([kind, ...cidrs]) => cidrs.map((cidr) => [kind, network(cidr)] as const));
}
