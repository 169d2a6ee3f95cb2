// DNS messages (RFC 1035, RFC 6891): reads one question out of hostile bytes, builds the answer to it. Pure.

export interface DnsQuestion {
  readonly id: number;
  /** Lower case, without the root's dot; bytes outside printable ASCII, dots and backslashes of a label as `\ddd`. */
  readonly name: string;
  /** `A`, `TXT`, …, or `TYPE1234`. */
  readonly type: string;
  readonly isInternetClass: boolean;
  readonly recursionDesired: boolean;
  /** The question as it came, to be echoed byte for byte: clients check its case. */
  readonly wire: Buffer;
  /** The query carried an OPT record: the answer must, too. */
  readonly hasEdns: boolean;
}

export type ParsedQuery =
  | { readonly kind: 'question'; readonly question: DnsQuestion }
  /** Can be answered with an error code alone. */
  | { readonly kind: 'bad'; readonly id: number; readonly code: ResponseCode; readonly reason: string }
  /** Too short, or itself an answer: answering could start a loop. */
  | { readonly kind: 'ignore' };

export type ResponseCode = 'ok' | 'malformed' | 'failed' | 'unknown-operation' | 'refused';

const CODES: Readonly<Record<ResponseCode, number>> = {
  ok: 0,
  malformed: 1,
  failed: 2,
  'unknown-operation': 4,
  refused: 5,
};

export const TYPE_A = 1;
export const TYPE_AAAA = 28;
const TYPE_OPT = 41;
const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  35: 'NAPTR',
  41: 'OPT',
  43: 'DS',
  48: 'DNSKEY',
  64: 'SVCB',
  65: 'HTTPS',
  251: 'IXFR',
  252: 'AXFR',
  255: 'ANY',
  257: 'CAA',
};

const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
const MAX_LABEL_BYTES = 63;
const CLASS_IN = 1;
const UDP_PAYLOAD_BYTES = 1232;

export function parseQuery(message: Buffer): ParsedQuery {
  if (message.length < HEADER_BYTES) return { kind: 'ignore' };
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) return { kind: 'ignore' };
  const id = message.readUInt16BE(0);
  const bad = (code: ResponseCode, reason: string): ParsedQuery => ({ kind: 'bad', id, code, reason });
  if (((flags >> 11) & 15) !== 0) return bad('unknown-operation', 'only plain queries are answered');
  if (message.readUInt16BE(4) !== 1) return bad('malformed', 'a query holds exactly one question');

  const name = readName(message, HEADER_BYTES);
  if (name === null) return bad('malformed', 'the name cannot be read');
  const end = name.end + 4;
  if (end > message.length) return bad('malformed', 'the question is cut off');
  const type = message.readUInt16BE(name.end);
  const question: DnsQuestion = {
    id,
    name: name.text,
    type: TYPE_NAMES[type] ?? `TYPE${type}`,
    isInternetClass: message.readUInt16BE(name.end + 2) === CLASS_IN,
    recursionDesired: (flags & 0x0100) !== 0,
    wire: message.subarray(HEADER_BYTES, end),
    hasEdns: hasEdns(message, end),
  };
  return { kind: 'question', question };
}

/** `addresses`: bytes of A or AAAA records, by their length; TTL in seconds. */
export function encodeAnswer(
  question: DnsQuestion,
  code: ResponseCode,
  addresses: readonly Buffer[] = [],
  ttlSeconds = 1,
): Buffer {
  const header = encodeHeader(
    question.id,
    code,
    question.recursionDesired,
    1,
    addresses.length,
    question.hasEdns ? 1 : 0,
  );
  const records = addresses.map((bytes) => encodeAddress(bytes, ttlSeconds));
  return Buffer.concat([header, question.wire, ...records, ...(question.hasEdns ? [encodeOpt()] : [])]);
}

/** Answer to a query whose question could not be read. */
export function encodeError(id: number, code: ResponseCode): Buffer {
  return encodeHeader(id, code, false, 0, 0, 0);
}

/** A query, for our own probes. */
export function encodeQuery(id: number, name: string, type: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x0100, 2);
  header.writeUInt16BE(1, 4);
  const labels = name
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  const tail = Buffer.alloc(5);
  tail.writeUInt16BE(type, 1);
  tail.writeUInt16BE(CLASS_IN, 3);
  return Buffer.concat([header, ...labels, tail]);
}

export interface DnsReply {
  readonly id: number;
  /** The four bits of RFC 1035. */
  readonly code: number;
  readonly answerCount: number;
  /** Text of the first A record when it stands right behind the question, as ours does. */
  readonly firstAddress: string | null;
}

/** Reads a reply as far as our own probes need it; null when it is none. */
export function readReply(message: Buffer): DnsReply | null {
  if (message.length < HEADER_BYTES || (message[2]! & 0x80) === 0) return null;
  const answerCount = message.readUInt16BE(6);
  const name = message.readUInt16BE(4) === 1 ? readName(message, HEADER_BYTES) : null;
  // Pointer to the question's name, type, class, TTL, length, address.
  const record = name === null ? message.subarray(0, 0) : message.subarray(name.end + 4);
  const isAddress =
    answerCount > 0 && record.length >= 16 && record.readUInt16BE(2) === TYPE_A && record.readUInt16BE(10) === 4;
  return {
    id: message.readUInt16BE(0),
    code: message[3]! & 15,
    answerCount,
    firstAddress: isAddress ? record.subarray(12, 16).join('.') : null,
  };
}

function readName(message: Buffer, start: number): { text: string; end: number } | null {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const length = message[at];
    // A question comes first, so there is nothing that a compression pointer could point to.
    if (length === undefined || length > MAX_LABEL_BYTES) return null;
    at += 1;
    if (length === 0) break;
    if (at + length > message.length || at + length - start >= MAX_NAME_BYTES) return null;
    labels.push(labelText(message.subarray(at, at + length)));
    at += length;
  }
  return { text: labels.join('.'), end: at };
}

/** RFC 1035, 5.1, so that two different names never have the same text. */
function labelText(label: Buffer): string {
  return label
    .toString('latin1')
    .replace(/[^!-~]|[.\\]/g, (character) => `\\${character.charCodeAt(0).toString().padStart(3, '0')}`)
    .toLowerCase();
}

function hasEdns(message: Buffer, end: number): boolean {
  const hasOnlyAdditional = message.readUInt32BE(6) === 0 && message.readUInt16BE(10) > 0;
  return (
    hasOnlyAdditional && message[end] === 0 && end + 3 <= message.length && message.readUInt16BE(end + 1) === TYPE_OPT
  );
}

function encodeHeader(
  id: number,
  code: ResponseCode,
  recursionDesired: boolean,
  questions: number,
  answers: number,
  additional: number,
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  // An answer, recursion available.
  header.writeUInt16BE(0x8080 | (recursionDesired ? 0x0100 : 0) | CODES[code], 2);
  header.writeUInt16BE(questions, 4);
  header.writeUInt16BE(answers, 6);
  header.writeUInt16BE(additional, 10);
  return header;
}

function encodeAddress(bytes: Buffer, ttlSeconds: number): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  fixed.writeUInt16BE(bytes.length === 4 ? TYPE_A : TYPE_AAAA, 2);
  fixed.writeUInt16BE(CLASS_IN, 4);
  fixed.writeUInt32BE(ttlSeconds, 6);
  fixed.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([fixed, bytes]);
}

function encodeOpt(): Buffer {
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(TYPE_OPT, 1);
  opt.writeUInt16BE(UDP_PAYLOAD_BYTES, 3);
  return opt;
}
