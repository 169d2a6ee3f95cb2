// A secret that leaves piece by piece, over requests, messages and names: stopped before enough of it is outside, whatever the place.
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../../src/dlp/scanner.ts';
import { createPipeline } from '../../../src/pipeline/pipeline.ts';
import { EXPIRY_MS, SHARE } from '../../../src/pipeline/trail.ts';
import { githubToken, randomText, route, session, type TestSession } from './session.ts';

const cut = (text: string, size: number): string[] => text.match(new RegExp(`.{1,${size}}`, 'gs')) ?? [];
const it = (): TestSession => session([route('one', 'api.example'), route('two', '*.wild.example')]);

/** Sends one piece; the rule of its refusal, '' when it left. */
type Send = (s: TestSession, piece: string, index: number) => string;

const head = (s: TestSession, request: Parameters<TestSession['judge']>[0]): string => {
  const judged = s.judge({ host: 'api.example', ...request });
  return judged.do === 'refuse' ? judged.refusal.rule : '';
};
const inBody = (s: TestSession, body: string): string => {
  const judged = s.pipeline.judgeBody(s.admit({ host: 'api.example', method: 'POST' }), Buffer.from(body));
  return judged.do === 'refuse' ? judged.refusal.rule : '';
};

const PLACES: Readonly<Record<string, Send>> = {
  'a query value': (s, piece) => head(s, { target: `/log?d=${encodeURIComponent(piece)}` }),
  'query values of other names': (s, piece, i) => head(s, { target: `/log?p${i}=${encodeURIComponent(piece)}` }),
  'the end of the path': (s, piece) => head(s, { target: `/files/${encodeURIComponent(piece)}` }),
  'a segment of the path': (s, piece, i) => head(s, { target: `/${encodeURIComponent(piece)}/${i}/info` }),
  'a header': (s, piece) => head(s, { headers: { 'x-trace': piece } }),
  'a JSON body': (s, piece, i) => inBody(s, JSON.stringify({ seq: i, data: piece })),
  'a form': (s, piece, i) => inBody(s, `seq=${i}&data=${encodeURIComponent(piece)}`),
  'a plain body': (s, piece) => inBody(s, piece),
  'a WebSocket message': (s, piece) => {
    const judged = s.pipeline.judgeMessage(s.admit({ host: 'api.example' }), Buffer.from(piece));
    return judged.do === 'refuse' ? judged.refusal.rule : '';
  },
  'a DNS name': (s, piece) => s.pipeline.judgeName(`${piece}.wild.example`, 'A').rule.replace(/^(?!across).*/, ''),
};

const CUTS: readonly (readonly [string, (value: string) => readonly string[]])[] = [
  ['pieces of eight', (value) => cut(value, 8)],
  ['pieces of six', (value) => cut(value, 6)],
  ['backwards', (value) => cut(value, 8).reverse()],
  ['base64 in pieces', (value) => cut(Buffer.from(value).toString('base64url'), 10)],
  ['hex in pieces', (value) => cut(Buffer.from(value).toString('hex'), 12)],
];

describe('a known value in pieces', () => {
  describe.each(Object.entries(PLACES))('in %s', (place, send) => {
    test.each(CUTS)('%s does not get out', (_, pieces) => {
      const s = it();
      const sent = pieces(s.value);
      const rules = sent.map((piece, i) => send(s, place === 'a DNS name' ? piece.replaceAll('_', '-') : piece, i));
      expect(rules).toContain('across-requests');
      const left = sent.filter((_piece, i) => rules[i] === '').join('').length;
      // A piece more than the share may have left before, and one too short to count.
      expect(left / sent.join('').length).toBeLessThan(SHARE + 0.33);
    });
  });

  test('among the same innocent texts, again and again, is followed all the same', () => {
    const s = it();
    const rules = cut(s.value, 8).flatMap((piece) => [
      head(s, { target: '/files/index', headers: { 'x-trace': 'the-same-each-time' } }),
      ...Array.from({ length: 600 }, (_, i) => head(s, { target: `/files/${i}` })),
      head(s, { target: `/files/${piece}`, headers: { 'x-trace': 'the-same-each-time' } }),
    ]);
    expect(rules).toContain('across-requests');
  });

  test('goes to other hosts and places each time, and is one secret all the same', () => {
    const s = it();
    const [a, b, c] = cut(s.value, 12) as [string, string, string];
    const rules = [
      head(s, { host: 'x.wild.example', target: `/?q=${a}` }),
      head(s, { headers: { 'x-id': b } }),
      inBody(s, JSON.stringify({ note: c })),
    ];
    expect(rules).toContain('across-requests');
  });

  test('of a placeholder is the loudest alarm too', () => {
    const s = it();
    const judged = cut(s.placeholder, 8).map((piece) => s.judge({ host: 'api.example', target: `/?d=${piece}` }));
    expect(judged.map((one) => (one.do === 'refuse' ? one.refusal.stage : ''))).toContain('placeholder');
  });

  test('is forgotten after a while, and says nothing of the text', () => {
    let time = 0;
    const s = it();
    const key = Buffer.alloc(32, 1);
    const scanner = createScanner({
      secrets: [{ name: 'TOKEN', value: s.value, placeholder: s.placeholder }],
      detectors: null,
      fingerprintKey: key,
      decodedBytes: 1 << 20,
    });
    const pipeline = createPipeline(s.config, scanner, () => time);
    const ask = (piece: string) =>
      pipeline.judgeHead({
        via: 'connect',
        scheme: 'https',
        host: 'api.example',
        port: 443,
        method: 'GET',
        target: `/?d=${piece}`,
        rawHeaders: [],
      });
    for (const piece of cut(s.value, 8)) {
      expect(ask(piece).do).toBe('admit');
      time += EXPIRY_MS + 1;
    }
    const refused = cut(s.value, 8)
      .map(ask)
      .filter((one) => one.do === 'refuse');
    expect(refused.length).toBeGreaterThan(0);
    for (const piece of cut(s.value, 8)) expect(JSON.stringify(refused)).not.toContain(piece);
  });
});

describe('a format in pieces', () => {
  test.each(['a query value', 'the end of the path', 'a header', 'a JSON body', 'a plain body'])(
    'in %s is refused',
    (place) => {
      const s = it();
      const rules = cut(githubToken(), 10).map((piece, i) => PLACES[place]!(s, piece, i));
      expect(rules.at(-1)).toBe('across-requests');
    },
  );
});

describe('what passes', () => {
  test('ids, pages and words, again and again', () => {
    const s = it();
    for (let i = 0; i < 300; i++) {
      expect(
        head(s, {
          target: `/items/${randomText(8)}?page=${i}&cursor=${randomText(20)}`,
          headers: { 'x-request-id': randomText(22) },
        }),
      ).toBe('');
      expect(inBody(s, JSON.stringify({ id: randomText(12), text: 'the quick brown fox', n: i }))).toBe('');
    }
  });

  test('a hundred thousand random ids of every kind', () => {
    const s = it();
    for (let i = 0; i < 10_000; i++) {
      const ids = Array.from({ length: 10 }, (_, k) =>
        k % 2 === 0 ? randomText(20) : Buffer.from(randomText(16)).toString('hex'),
      );
      expect(inBody(s, ids.join(' '))).toBe('');
    }
  });

  test('the beginning of a secret that a person may quote', () => {
    const s = it();
    for (let i = 0; i < 20; i++)
      expect(inBody(s, JSON.stringify({ note: `the key ${s.value.slice(0, 7)}… of request ${i}` }))).toBe('');
  });
});
