// Redaction as a property: random messages of every shape, random secrets in random dress at random places. Nothing of a secret is left,
// nothing else has changed.
import { describe, expect, test } from 'vitest';
import { mergeEdits } from '../../../src/dlp/rewrite.ts';
import type { BodyMeta, Match } from '../../../src/dlp/types.ts';
import { fixture, freshTokens, jwt, pem, random, seed } from './samples.ts';

const { scanner, value } = fixture();
const all = (): boolean => true;

/** In words, so that nothing of it is taken for something. */
const word = (): string => random.chars('a-z', random.number(2, 8));
const words = (count: number): string => Array.from({ length: count }, word).join(' ');

interface Planted {
  readonly secret: string;
  readonly dressed: string;
}

const DRESSES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => Buffer.from(text).toString('base64'),
  (text) => Buffer.from(text).toString('hex'),
  (text) => encodeURIComponent(Buffer.from(text).toString('base64')),
];

const pick = <T>(list: readonly T[]): T => list[random.number(0, list.length - 1)]!;

function plant(): Planted {
  const tokens = freshTokens().map(([, token]) => token);
  const secret = pick([
    value,
    ...tokens,
    jwt(),
    pem(),
    `postgres://app:${random.chars('A-Za-z0-9', 24)}@db.internal:5432/app`,
  ]);
  return { secret, dressed: pick(DRESSES)(secret) };
}

interface Shape {
  readonly name: string;
  readonly meta: BodyMeta;
  write(planted: readonly Planted[]): string;
  /** Throws when it is none any more. */
  parse(body: string): unknown;
}

const type = (contentType: string): BodyMeta => ({ contentType, contentEncoding: '' });
const BOUNDARY = 'bxbxbxbxbxbx';

const SHAPES: readonly Shape[] = [
  {
    name: 'JSON',
    meta: type('application/json'),
    write: (planted) => {
      const parts = planted.map(({ dressed }) => {
        const text = JSON.stringify(`${words(3)} ${dressed} ${words(2)}`);
        return pick([() => text, () => `{"b" : 1.50,"a": ${text}, "n":[1e3, -0.0,true]}`, () => `[ ${text}, null ]`])();
      });
      return `{ "z":${random.number(0, 99)}.0, "list" : [${parts.join(' , ')}],"a":"\\u00e9 ${words(4)}" }\r\n`;
    },
    parse: (body) => JSON.parse(body),
  },
  {
    name: 'a form',
    meta: type('application/x-www-form-urlencoded'),
    write: (planted) => planted.map(({ dressed }, i) => `f${i}=${encodeURIComponent(dressed)}&x=${word()}`).join('&'),
    parse: (body) => {
      for (const pair of body.split('&')) decodeURIComponent(pair);
    },
  },
  {
    name: 'multipart',
    meta: type(`multipart/form-data; boundary=${BOUNDARY}`),
    write: (planted) =>
      `${planted
        .map(
          ({ dressed }, i) =>
            `--${BOUNDARY}\r\nContent-Disposition: form-data; name="p${i}"\r\n\r\n${words(3)}\r\n${dressed}\r\n`,
        )
        .join('')}--${BOUNDARY}--\r\n`,
    parse: (body) => {
      if (!body.endsWith(`\r\n--${BOUNDARY}--\r\n`)) throw new Error('no end');
    },
  },
  {
    name: 'text',
    meta: type('text/plain'),
    write: (planted) => planted.map(({ dressed }) => `${words(5)} "${dressed}"\n`).join(''),
    parse: () => {},
  },
];

/** What stands outside of the spans must stand there still, with one text in each span's place. */
function outside(body: string, spans: readonly { readonly start: number; readonly end: number }[]): string[] {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end } of spans) {
    parts.push(body.slice(at, start));
    at = end;
  }
  return [...parts, body.slice(at)];
}

const PLACEHOLDER = /bottle-redacted-[a-z0-9-]+?-[0-9a-f]{8}/;

/** Simple decodings of a text, one on top of the other. */
function decodings(text: string): string[] {
  const unescaped = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const unjson = unescaped.replaceAll('\\n', '\n');
  const runs = unjson.match(/[A-Za-z0-9+/=_-]{16,}/g) ?? [];
  return [
    text,
    unescaped,
    unjson,
    ...runs.flatMap((run) => [
      Buffer.from(run, 'base64').toString('latin1'),
      Buffer.from(run, 'hex').toString('latin1'),
    ]),
  ];
}

/** The part of a secret that nobody may have; of a connection string that is its password. */
const heart = (secret: string): string =>
  /:\/\/[^:]+:([^@]+)@/.exec(secret)?.[1] ??
  secret
    .replace(/^-----BEGIN[^\n]*\n/, '')
    .slice(-60)
    .replace(/\n-----END[\s\S]*$/, '')
    .slice(-30);

const edits = (matches: readonly Match[]) => mergeEdits(matches.map(({ start, end }) => ({ start, end, text: '' })));

describe(`redaction (BOTTLE_SEED=${seed})`, () => {
  test.each(SHAPES.map((shape) => [shape.name, shape] as const))('of %s', (_, shape) => {
    for (let round = 0; round < 40; round++) {
      const planted = Array.from({ length: random.number(1, 4) }, plant);
      // The same one again.
      if (random.number(0, 1) === 1) planted.push(planted[0]!);
      const body = shape.write(planted);
      const scan = scanner.scanBody('body', Buffer.from(body), shape.meta);
      const redacted = scan.rewrite(all).toString();
      const about = `round ${round}: ${planted.map(({ dressed }) => dressed.slice(0, 40)).join(' | ')}`;

      // Every byte outside of the spans is there still, in its order.
      let rest = redacted;
      const parts = outside(body, edits(scan.matches));
      parts.forEach((part, i) => {
        expect(rest.startsWith(part), `${about}: part ${i}`).toBe(true);
        rest = rest.slice(part.length);
        if (i === parts.length - 1) return;
        const [name] = PLACEHOLDER.exec(rest) ?? [];
        expect(rest.startsWith(name ?? '!'), `${about}: placeholder ${i}`).toBe(true);
        rest = rest.slice(name!.length);
      });
      expect(rest, about).toBe('');

      // It is still what it was.
      expect(() => shape.parse(redacted), about).not.toThrow();
      // Nothing is found in it, and nothing can be read out of it.
      expect(scanner.scanBody('body', Buffer.from(redacted), shape.meta).matches, about).toEqual([]);
      for (const text of decodings(redacted)) {
        for (const { secret } of planted) expect(text.includes(heart(secret)), about).toBe(false);
      }

      // A stream of any cut says the same.
      for (const size of [1, 13, 1000, body.length]) {
        const stream = scanner.scanStream('body', shape.meta, all);
        const bytes = Buffer.from(body);
        let streamed = '';
        for (let at = 0; at < bytes.length; at += size) streamed += stream.push(bytes.subarray(at, at + size)).release;
        streamed += stream.end().release;
        expect(streamed, `${about}: cut every ${size}`).toBe(redacted);
      }
    }
  });

  test.each([
    ['a line break', '\n'],
    ['a character by number', '\u0001'],
    ['a backslash', '\\'],
  ])('takes all or nothing of %s that stands escaped before a run of base64', (_, char) => {
    for (let i = 0; i < 20; i++) {
      const run = Buffer.from(`${random.chars('a-z', 40)} ${value}`).toString('base64');
      const body = JSON.stringify({ a: `x${char}${run}` });
      const redacted = scanner.scanBody('body', Buffer.from(body), type('application/json')).rewrite(all).toString();
      const left = (JSON.parse(redacted) as { a: string }).a.replace(PLACEHOLDER, '#');
      const kept = left.startsWith(`x${char}`) ? left.slice(2) : left.slice(1);
      // What was before it is whole; of the run a letter or two may stand.
      expect(kept).toMatch(/^[A-Za-z0-9+/]{0,3}#$/);
    }
  });

  test('keeps a multi-line key in a JSON string one string, and takes all of it', () => {
    for (let i = 0; i < 10; i++) {
      const key = pem();
      const body = JSON.stringify({ key, note: 'n' });
      const scan = scanner.scanBody('body', Buffer.from(body), type('application/json'));
      const { key: left, note } = JSON.parse(scan.rewrite(all).toString()) as { key: string; note: string };
      expect(left.trim()).toMatch(/^bottle-redacted-private-key[a-z-]*-[0-9a-f]{8}$/);
      expect(note).toBe('n');
      const token = jwt();
      const whole = scanner.scanBody('body', Buffer.from(`{"t":"${token}"}`), type('application/json'));
      expect(whole.rewrite(all).toString()).toMatch(/^\{"t":"bottle-redacted-[a-z-]*jwt[a-z-]*-[0-9a-f]{8}"\}$/);
    }
  });

  test('gives one secret one placeholder in a session, whatever message and dress it comes in', () => {
    const token = `ghp_${random.chars('A-Za-z0-9', 36)}`;
    const names = new Set<string>();
    for (const shape of SHAPES) {
      for (const dress of DRESSES) {
        const body = Buffer.from(shape.write([{ secret: token, dressed: dress(token) }]));
        const redacted = scanner.scanBody('body', body, shape.meta).rewrite(all).toString();
        names.add(PLACEHOLDER.exec(redacted)![0]);
      }
    }
    expect([...names]).toEqual([expect.stringMatching(/^bottle-redacted-github-token-[0-9a-f]{8}$/)]);
  });
});
