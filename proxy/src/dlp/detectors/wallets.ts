// Keys of wallets: what holds a checksum is found anywhere, bare hex only beside its name.
import { hash } from 'node:crypto';
import { ALNUM, charset, HEX } from '../charsets.ts';
import { BASE58, BETWEEN, LOWER } from '../seek.ts';
import { run, text } from '../shape.ts';
import type { View } from '../view.ts';
import { LONGEST_WORD, wordIndex } from './bip39-index.ts';
import { BIP39_WORDS } from './bip39-words.ts';
import { decodeBase58, encodeBase58Check, hasBase58Check } from './checksums.ts';
import { type Detector, detector, token } from './detector.ts';
import type { Random } from './random.ts';
import { contextual } from './vendor.ts';

const BECH32 = charset('02-9ac-hj-np-z');
/** Lengths of a phrase, in words: 11 bits each, of which a 33rd part is the checksum. */
const PHRASES = [24, 21, 18, 15, 12];
const SHORTEST_ROW = 12;
/** A row of more words than this is a list of words. */
const LONGEST_ROW = 26;
/** Different words of a phrase; documents print one word eleven times. */
const DIFFERENT_WORDS = 8;
const BETWEEN_BYTES = 12;

export const wallets: readonly Detector[] = [
  detector({
    ...token({
      id: 'wallet-key',
      description: 'Extended private key of a wallet (BIP-32), with its checksum',
      source: 'Bitcoin BIP-32, "Serialization format"; SLIP-132',
      forms: [[text('xprv', 'yprv', 'zprv', 'tprv', 'uprv', 'vprv'), run(ALNUM, 107)]],
      accept(found) {
        const bytes = decodeBase58(found);
        return bytes !== null && hasBase58Check(bytes);
      },
      edges: { right: ALNUM },
      falsePositives: (random) => [
        `xprv${random.chars('1-9A-HJ-NP-Za-km-z', 107)}`,
        `xprv${random.chars('0-9a-f', 20)}`,
      ],
    }),
    truePositives: (random) => [
      encodeBase58Check(
        Buffer.concat([Buffer.from('0488ade4', 'hex'), bytesOf(random, 41), Buffer.of(0), bytesOf(random, 32)]),
      ),
      encodeBase58Check(
        Buffer.concat([Buffer.from('04358394', 'hex'), bytesOf(random, 41), Buffer.of(0), bytesOf(random, 32)]),
      ),
    ],
  }),
  detector({
    id: 'bitcoin-key',
    description: 'Private key in wallet import format (WIF), with its checksum',
    source: 'Bitcoin Wiki, "Wallet import format"',
    keywords: [],
    seek: 'base58',
    match(view, at) {
      const end = view.runEnd(BASE58, at);
      const isLong = end - at === 52;
      if ((!isLong && end - at !== 51) || !(isLong ? 'KLc' : '59').includes(view.text(at, at + 1))) return null;
      const isGlued = view.runBefore(ALNUM, at, 1) > 0 || (end < view.length && ALNUM.table[view.bytes[end]!] !== 0);
      return isGlued ? null : { start: at, end };
    },
    accept(found) {
      const bytes = decodeBase58(found);
      if (bytes === null || (bytes[0] !== 0x80 && bytes[0] !== 0xef)) return false;
      const isSized = bytes.length === 37 || (bytes.length === 38 && bytes[33] === 1);
      return isSized && hasBase58Check(bytes);
    },
    truePositives: (random) => [
      encodeBase58Check(Buffer.concat([Buffer.of(0x80), bytesOf(random, 32), Buffer.of(1)])),
      encodeBase58Check(Buffer.concat([Buffer.of(0x80), bytesOf(random, 32)])),
    ],
    falsePositives: (random) => [
      `K${random.chars('1-9A-HJ-NP-Za-km-z', 51)}`,
      `5${random.chars('1-9A-HJ-NP-Za-km-z', 50)}`,
    ],
  }),
  detector({
    id: 'wallet-phrase',
    description: 'Recovery phrase of a wallet: 12 to 24 words of the list, with their checksum',
    source: 'Bitcoin BIP-39, "Generating the mnemonic"',
    keywords: [],
    seek: 'words',
    match: phraseAt,
    accept: () => true,
    truePositives: (random) => [
      freshPhrase(random, 16).join(' '),
      freshPhrase(random, 32).join(' '),
      JSON.stringify(freshPhrase(random, 16)),
      freshPhrase(random, 16)
        .map((word, index) => `${index + 1}. ${word}`)
        .join('\n'),
    ],
    falsePositives(random) {
      const words = freshPhrase(random, 32);
      return [
        words.slice(0, 11).join(' '),
        BIP39_WORDS.slice(100, 200).join(' '),
        `${'abandon '.repeat(11)}about`,
        words.map((word) => `${word} xyzzy`).join(' '),
      ];
    },
  }),
  contextual({
    id: 'ethereum-key',
    description: 'Private key of an Ethereum account, beside its name',
    source: 'Ethereum.org, "Accounts": private keys',
    words: ['private_key', 'privatekey', 'private-key', 'private key', 'ethereum', 'wallet', 'metamask'],
    values: [[text('0x'), run(HEX, 64)], [run(HEX, 64)]],
    examples: ['PRIVATE_KEY=$', 'wallet: { privateKey: "$" }'],
    falsePositives: (random) => [
      `0x${random.chars('0-9a-f', 64)}`,
      `wallet transaction 0x${random.chars('0-9a-f', 64)}`,
    ],
  }),
  contextual({
    id: 'solana-key',
    description: 'Secret key of a Solana account in base58, beside its name',
    source: 'Solana Docs, "Keypairs and wallets"',
    words: ['solana', 'phantom', 'private_key', 'privatekey', 'secret_key', 'secretkey'],
    values: [[run(BASE58, 87, 88)]],
    examples: ['SOLANA_PRIVATE_KEY=$'],
  }),
  token({
    id: 'nostr-key',
    description: 'Nostr private key',
    source: 'Nostr NIP-19, "bech32-encoded entities"',
    forms: [[text('nsec1'), run(BECH32, 58)]],
    edges: { left: ALNUM, leftMost: 0, right: ALNUM },
  }),
];

const bytesOf = (random: Random, count: number): Buffer => Buffer.from(random.chars('\x00-\xff', count), 'latin1');

function freshPhrase(random: Random, entropyBytes: number): string[] {
  for (;;) {
    const entropy = bytesOf(random, entropyBytes);
    const words = phraseOf(entropy);
    if (new Set(words).size >= DIFFERENT_WORDS) return words;
  }
}

function phraseOf(entropy: Buffer): string[] {
  const bits = [...Buffer.concat([entropy, hash('sha256', entropy, 'buffer')])]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  const count = (entropy.length * 8 * 33) / 32 / 11;
  return Array.from(
    { length: count },
    (_, index) => BIP39_WORDS[Number.parseInt(bits.slice(index * 11, index * 11 + 11), 2)]!,
  );
}

/** Where the word ends that `start` is in, at most a little later than the longest word does. */
function wordEnd(bytes: Uint8Array, start: number): number {
  let end = start;
  while (end < bytes.length && end - start <= LONGEST_WORD && LOWER.table[bytes[end]!] !== 0) end++;
  return end;
}

/** Where the word begins that ends at `end`. */
function wordStart(bytes: Uint8Array, end: number): number {
  let start = end;
  while (start > 0 && end - start <= LONGEST_WORD && LOWER.table[bytes[start - 1]!] !== 0) start--;
  // The letter of `\\n` in a string is no part of the word behind it.
  return start < end && isEscape(bytes, start) ? start + 1 : start;
}

const isEscape = (bytes: Uint8Array, at: number): boolean =>
  at > 0 && bytes[at - 1] === 0x5c && (bytes[at] === 0x6e || bytes[at] === 0x72 || bytes[at] === 0x74);

/** Where the word before `start` ends: `start` itself when what is between them does not part the words of a row. */
function gapStart(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at > 0 && start - at < BETWEEN_BYTES) {
    if (isEscape(bytes, at - 1)) at -= 2;
    else if (BETWEEN.table[bytes[at - 1]!] !== 0) at--;
    else break;
  }
  return at;
}

function gapEnd(bytes: Uint8Array, end: number): number {
  let at = end;
  while (at < bytes.length && at - end < BETWEEN_BYTES) {
    if (isEscape(bytes, at + 1)) at += 2;
    else if (BETWEEN.table[bytes[at]!] !== 0) at++;
    else break;
  }
  return at;
}

interface RowWord {
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

/** The row of listed words around `at`. */
function rowAround(bytes: Uint8Array, at: number): RowWord[] {
  const row: RowWord[] = [];
  let start = wordStart(bytes, wordEnd(bytes, at));
  while (row.length <= LONGEST_ROW) {
    const end = wordEnd(bytes, start);
    const index = wordIndex(bytes, start, end);
    if (index < 0) break;
    row.unshift({ index, start, end });
    const gap = gapStart(bytes, start);
    if (gap === start) break;
    start = wordStart(bytes, gap);
    if (start === gap) break;
  }
  if (row.length === 0) return row;
  let { end } = row.at(-1)!;
  while (row.length <= LONGEST_ROW) {
    const next = gapEnd(bytes, end);
    const nextEnd = wordEnd(bytes, next);
    const index = next === end ? -1 : wordIndex(bytes, next, nextEnd);
    if (index < 0) break;
    row.push({ index, start: next, end: nextEnd });
    end = nextEnd;
  }
  return row;
}

/** Whether the word at `at` is listed and so many beside it that they may be a phrase: nearly all text fails here. */
function mayBeInRow(bytes: Uint8Array, at: number): boolean {
  let end = wordEnd(bytes, at);
  let start = wordStart(bytes, end);
  if (wordIndex(bytes, start, end) < 0) return false;
  let count = 1;
  for (; count < SHORTEST_ROW; count++) {
    const next = gapEnd(bytes, end);
    const nextEnd = wordEnd(bytes, next);
    if (next === end || wordIndex(bytes, next, nextEnd) < 0) break;
    end = nextEnd;
  }
  for (; count < SHORTEST_ROW; count++) {
    const last = gapStart(bytes, start);
    const lastStart = wordStart(bytes, last);
    if (last === start || wordIndex(bytes, lastStart, last) < 0) break;
    start = lastStart;
  }
  return count === SHORTEST_ROW;
}

/** Looks at every row once. */
function phraseAt(view: View, at: number) {
  if (at < view.reached(phraseAt) || !mayBeInRow(view.bytes, at)) return null;
  const row = rowAround(view.bytes.subarray(0, view.length), at);
  if (row.length === 0) return null;
  view.setReached(phraseAt, rowEnd(view, row.at(-1)!.end));
  if (row.length > LONGEST_ROW) return null;
  for (const count of PHRASES) {
    for (let from = 0; from + count <= row.length; from++) {
      const words = row.slice(from, from + count);
      if (isPhrase(words.map(({ index }) => index))) return { start: words[0]!.start, end: words.at(-1)!.end };
    }
  }
  return null;
}

/** Where the row ends that goes on at `end`: of what is longer than any phrase no other part is looked at. */
function rowEnd({ bytes }: View, end: number): number {
  for (let last = end; ; ) {
    const next = gapEnd(bytes, last);
    const nextEnd = wordEnd(bytes, next);
    if (next === last || wordIndex(bytes, next, nextEnd) < 0) return last;
    last = nextEnd;
  }
}

/** The last bits are those of the others' hash. */
function isPhrase(indexes: readonly number[]): boolean {
  if (new Set(indexes).size < Math.min(DIFFERENT_WORDS, indexes.length)) return false;
  const bits = indexes.map((index) => index.toString(2).padStart(11, '0')).join('');
  const checkBits = bits.length / 33;
  const entropy = Buffer.from((bits.slice(0, -checkBits).match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const check = hash('sha256', entropy, 'buffer')[0]!.toString(2).padStart(8, '0').slice(0, checkBits);
  return bits.endsWith(check);
}
