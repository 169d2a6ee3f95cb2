// Payment cards and bank accounts: numbers that prove themselves by a check.
import { DIGIT, UPPER_DIGIT } from '../charsets.ts';
import type { View } from '../view.ts';
import { mod97, passesLuhn, withLuhn } from './checksums.ts';
import { type Detector, detector, variety } from './detector.ts';
import type { Random } from './random.ts';

/** How cards are printed. */
const CARD_GROUPS: ReadonlySet<string> = new Set(['4-4-4-4', '4-6-5', '4-6-4', '4-4-4-4-3']);
/** Numbers that every payment library's tests and documentation print. */
const TEST_CARDS =
  /^(?:4242424242424242|4000(?:00|02|05)\d{10}|5555555555554444|2223003122003222|378282246310005|6011111111111117)$/;
/** Longest a grouped number is, in bytes. */
const CARD_BYTES = 24;
/** How far around a bare number something must speak for or against a card. */
const AROUND_BYTES = 96;
const SAYS_CARD =
  /card|\bpan\b|visa|master|amex|american express|\bcc\b|cc_?num|credit|debit|cvv|cvc|payment|discover|maestro/i;

interface CardText {
  readonly end: number;
  readonly digits: string;
  readonly isBare: boolean;
}

/** The digits from `at` on, in one or in the groups of a card; null for another make. */
function cardAt(view: View, at: number): CardText | null {
  const { bytes } = view;
  if (DIGIT.table[bytes[at]!] === 0 || !standsAlone(view, at)) return null;
  const sizes: number[] = [];
  let digits = '';
  let end = at;
  let separator = 0;
  for (;;) {
    const groupEnd = view.runEnd(DIGIT, end);
    if (groupEnd === end || groupEnd - at > CARD_BYTES) break;
    sizes.push(groupEnd - end);
    digits += view.text(end, groupEnd);
    end = groupEnd;
    const next = bytes[end];
    if ((next !== 0x20 && next !== 0x2d) || (separator !== 0 && next !== separator)) break;
    if (sizes.length > 1 || sizes[0] === 4) separator = next;
    else break;
    if (DIGIT.table[bytes[end + 1] ?? 0] === 0) break;
    end++;
  }
  if (sizes.length > 1 && !CARD_GROUPS.has(sizes.join('-'))) return null;
  const after = bytes[end];
  if (after !== undefined && (isWord(after) || (after === 0x2e && DIGIT.table[bytes[end + 1] ?? 0] !== 0))) return null;
  if (
    sizes.length > 1 &&
    TABLE_BEFORE.test(view.text(Math.max(0, at - 6), at)) &&
    TABLE_AFTER.test(view.text(end, end + 6))
  )
    return null;
  return { end, digits, isBare: sizes.length === 1 };
}

/** Rows of code points: more groups of hexadecimal digits on both sides. */
const TABLE_BEFORE = /[\dA-F]{4}(?:[ \n-]|\\n)$/;
const TABLE_AFTER = /^(?:[ \n-]|\\n)[\dA-F]{4}/;

const isWord = (byte: number): boolean =>
  byte === 0x5f || (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a);

/** No part of a longer number, a name, a fraction or a path. */
function standsAlone(view: View, at: number): boolean {
  if (at === 0) return true;
  const before = view.bytes[at - 1]!;
  if (before === 0x6e || before === 0x74 || before === 0x72) return at > 1 && view.bytes[at - 2] === 0x5c;
  if (before === 0x2d) return at > 1 && !isWord(view.bytes[at - 2]!) && view.bytes[at - 2] !== 0x2d;
  return !isWord(before) && before !== 0x2e && before !== 0x2b && before !== 0x2f;
}

/** By the issuer's first digits: ISO/IEC 7812 and the networks' published ranges. */
function isIssued(digits: string): boolean {
  const { length } = digits;
  const six = Number(digits.slice(0, 6));
  const four = Math.floor(six / 100);
  const two = Math.floor(four / 100);
  if (digits.startsWith('4')) return length === 13 || length === 16 || length === 19;
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return length === 16;
  if (two === 34 || two === 37) return length === 15;
  if (four >= 3528 && four <= 3589) return length >= 16 && length <= 19;
  if (two === 36 || two === 38 || two === 39 || (four >= 3000 && four <= 3059)) return length === 14;
  if (two === 62) return length >= 16 && length <= 19;
  return (four === 6011 || two === 65 || (four >= 6440 && four <= 6499)) && length >= 16 && length <= 19;
}

/** A bare number is a card where something says so, or where it stands by itself; among numbers that are no cards it is one of them. */
function isLikelyCard(view: View, at: number, { end, digits }: CardText): boolean {
  const around = `${view.text(Math.max(0, at - AROUND_BYTES), at)} # ${view.text(end, Math.min(view.length, end + AROUND_BYTES))}`;
  if (SAYS_CARD.test(around)) return true;
  if (digits.length !== 15 && digits.length !== 16) return false;
  return !(around.match(/\d{12,}/g) ?? []).some((other) => !isCard(other));
}

const isCard = (digits: string): boolean =>
  digits.length >= 13 && digits.length <= 19 && isIssued(digits) && passesLuhn(digits) && variety(digits) > 1;

function matchCard(view: View, at: number, isWanted: (digits: string) => boolean) {
  const card = cardAt(view, at);
  if (card === null || !isCard(card.digits) || !isWanted(card.digits)) return null;
  return card.isBare && !isLikelyCard(view, at, card) ? null : { start: at, end: card.end };
}

function grouped(digits: string, by: string, sizes: readonly number[]): string {
  let at = 0;
  const groups = sizes.map((size) => {
    at += size;
    return digits.slice(at - size, at);
  });
  return groups.join(by);
}

function freshCard(random: Random, prefix: string, length: number): string {
  for (;;) {
    const digits = withLuhn(prefix + random.chars('0-9', length - prefix.length - 1));
    if (!TEST_CARDS.test(digits) && isCard(digits)) return digits;
  }
}

/** Length of an account number by country: SWIFT, "IBAN registry". */
const IBAN_LENGTHS = new Map(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))] as const),
);
/** What a country's account number is made of where it is not digits alone: the countries of the examples. */
const EXAMPLE_ACCOUNTS: Readonly<Record<string, string>> = { GB: 'A', NL: 'A', DE: '', FR: '', ES: '', CH: '' };
/** The number that every article about it shows. */
const EXAMPLE_IBANS =
  /^(?:DE89370400440532013000|GB82WEST12345698765432|GB29NWBK60161331926819|FR1420041010050500013M02606)$/;

function ibanAt(view: View, at: number): { readonly end: number; readonly iban: string } | null {
  const length = IBAN_LENGTHS.get(view.text(at, at + 2));
  if (length === undefined || DIGIT.table[view.bytes[at + 2] ?? 0] === 0 || !standsAlone(view, at)) return null;
  let iban = '';
  let end = at;
  while (iban.length < length && end < view.length) {
    const run = Math.min(view.runEnd(UPPER_DIGIT, end), end + length - iban.length);
    if (run === end) return null;
    iban += view.text(end, run);
    end = run;
    if (iban.length === length) break;
    const isParted = (view.bytes[end] === 0x20 || view.bytes[end] === 0x2d) && iban.length % 4 === 0;
    if (!isParted) return null;
    end++;
  }
  if (iban.length !== length || (end < view.length && isWord(view.bytes[end]!))) return null;
  return { end, iban };
}

export const isIban = (iban: string): boolean =>
  /^[A-Z]{2}\d\d[A-Z0-9]+$/.test(iban) && /\d{4}/.test(iban.slice(4)) && mod97(iban.slice(4) + iban.slice(0, 4)) === 1;

function freshIban(random: Random, country: string): string {
  const letters = EXAMPLE_ACCOUNTS[country] === 'A' ? random.chars('A-Z', 4) : '';
  const account = letters + random.chars('0-9', IBAN_LENGTHS.get(country)! - 4 - letters.length);
  return `${country}${String(98 - mod97(`${account}${country}00`)).padStart(2, '0')}${account}`;
}

const CARD_SOURCE = "ISO/IEC 7812-1 (issuer identification, check digit); the networks' published number ranges";

export const finance: readonly Detector[] = [
  detector({
    id: 'payment-card',
    description: 'Number of a payment card: issuer, length and check digit fit',
    source: CARD_SOURCE,
    keywords: [],
    seek: 'numbers',
    match: (view, at) => matchCard(view, at, (digits) => !TEST_CARDS.test(digits)),
    accept: () => true,
    truePositives: (random) => [
      `card ${freshCard(random, '4', 16)}`,
      grouped(freshCard(random, '4', 16), ' ', [4, 4, 4, 4]),
      grouped(freshCard(random, '53', 16), '-', [4, 4, 4, 4]),
      grouped(freshCard(random, '37', 15), ' ', [4, 6, 5]),
      `{"pan":"${freshCard(random, '2245', 16)}"}`,
      `number=${freshCard(random, '6011', 16)}`,
    ],
    falsePositives(random) {
      const card = freshCard(random, '4', 16);
      const wrong = `${card.slice(0, -1)}${(Number(card.at(-1)) + 1) % 10}`;
      return [
        `card ${wrong}`,
        grouped(wrong, ' ', [4, 4, 4, 4]),
        `0.${card}`,
        `a${card}b`,
        `[${card}, ${wrong}, ${wrong}1]`,
        `card ${'4'.repeat(16)}`,
        'order 1234 5678 9012 3456',
      ];
    },
  }),
  detector({
    id: 'payment-test-card',
    description: 'Number of a test card, as the documentation of payment services prints it',
    source: 'Stripe Docs, "Test card numbers"',
    keywords: [],
    seek: 'numbers',
    byDefault: false,
    match: (view, at) => matchCard(view, at, (digits) => TEST_CARDS.test(digits)),
    accept: () => true,
    truePositives: () => [`card ${'42'.repeat(8)}`, grouped('42'.repeat(8), ' ', [4, 4, 4, 4])],
  }),
  detector({
    id: 'iban',
    description: "International bank account number: the country's length and the check digits fit",
    source: 'ISO 13616; SWIFT, "IBAN registry"',
    keywords: [],
    seek: 'numbers',
    match(view, at) {
      const found = ibanAt(view, at);
      return found === null ? null : { start: at, end: found.end };
    },
    accept(found) {
      const iban = found.replace(/[ -]/g, '');
      return isIban(iban) && !EXAMPLE_IBANS.test(iban);
    },
    truePositives: (random) =>
      Object.keys(EXAMPLE_ACCOUNTS).flatMap((country) => {
        const iban = freshIban(random, country);
        return [iban, iban.replace(/(.{4})(?=.)/g, '$1 ')];
      }),
    falsePositives(random) {
      const iban = freshIban(random, 'DE');
      return [
        `${iban.slice(0, -1)}${(Number(iban.at(-1)) + 1) % 10}`,
        `X${iban}`,
        `${iban}0`,
        'DE89 3704 0044 0532 0130 00',
      ];
    },
  }),
  detector({
    id: 'bank-routing-number',
    description: 'Routing number of a bank in the United States, beside its name',
    source: 'American Bankers Association, "Routing number policy"',
    keywords: ['routing', 'aba_number', 'aba number'],
    anyCase: true,
    byDefault: false,
    match(view, at) {
      const text = view.text(at, Math.min(view.length, at + 48));
      const found = /^[a-z_ ]{3,24}(?:no|number|#)?["'\\]{0,3}\s?[:=]?\s?["'\\]{0,3}(\d{9})(?!\d)/i.exec(text);
      return found === null ? null : { start: at + found[0].length - 9, end: at + found[0].length };
    },
    accept(found) {
      const sum = [...found].reduce((total, digit, index) => total + Number(digit) * [3, 7, 1][index % 3]!, 0);
      return sum % 10 === 0 && variety(found) > 2;
    },
    truePositives(random) {
      const eight = `0${random.chars('1-9', 7)}`;
      const sum = [...eight].reduce((total, digit, index) => total + Number(digit) * [3, 7, 1][index % 3]!, 0);
      return [`routing number: ${eight}${(10 - (sum % 10)) % 10}`];
    },
  }),
];
