// Git packs made by hand: what git would not write, and what somebody would who wants to hide something or to keep the proxy busy.
import { createHash } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Match } from '../../../src/dlp/types.ts';
import { fixture, plain, random, seed } from './samples.ts';

const { scanner, value } = fixture();
const COMMIT = 1;
const BLOB = 3;
const OFS = 6;
const REF = 7;

function head(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1]! |= 0x80;
    bytes.push(rest & 127);
  }
  return Buffer.from(bytes);
}

const whole = (type: number, data: Buffer): Buffer => Buffer.concat([head(type, data.length), deflateSync(data)]);
const named = (id: string, delta: Buffer): Buffer =>
  Buffer.concat([head(REF, delta.length), Buffer.from(id, 'hex'), deflateSync(delta)]);

/** A delta on what begins `back` bytes before. */
function offset(back: number, delta: Buffer): Buffer {
  const bytes = [back & 127];
  for (let rest = back >> 7; rest > 0; rest = (rest - 1) >> 7) bytes.unshift(0x80 | ((rest - 1) & 127));
  return Buffer.concat([head(OFS, delta.length), Buffer.from(bytes), deflateSync(delta)]);
}

function varint(size: number): number[] {
  const bytes: number[] = [];
  for (let rest = size; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push(0x80 | (rest & 127));
  }
}

type Step = string | readonly [from: number, size: number];

function delta(baseBytes: number, steps: readonly Step[]): Buffer {
  const out: number[] = [];
  let size = 0;
  for (const step of steps) {
    if (typeof step === 'string') {
      out.push(step.length, ...Buffer.from(step));
      size += step.length;
      continue;
    }
    const [from, length] = step;
    out.push(
      0xff,
      from & 255,
      (from >> 8) & 255,
      (from >> 16) & 255,
      0,
      length & 255,
      (length >> 8) & 255,
      length >> 16,
    );
    size += length;
  }
  return Buffer.from([...varint(baseBytes), ...varint(size), ...out]);
}

const id = (type: string, data: Buffer): string =>
  createHash('sha1').update(`${type} ${data.length}\0`).update(data).digest('hex');

function pack(objects: readonly Buffer[]): Buffer {
  const start = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  start.writeUInt32BE(objects.length, 8);
  return Buffer.concat([start, ...objects, Buffer.alloc(20)]);
}

interface Seen {
  readonly found: readonly string[];
  readonly unjudged: string | undefined;
}

const seenIn = (matches: readonly Match[]): readonly string[] => [...new Set(matches.map(({ detector }) => detector))];

function both(data: Buffer): readonly [Seen, Seen] {
  const scan = scanner.scanBody('body', data, plain);
  const stream = scanner.scanStream('body', plain, null);
  const steps = [];
  for (let at = 0; at < data.length; at += 777) steps.push(stream.push(data.subarray(at, at + 777)));
  steps.push(stream.end());
  expect(Buffer.concat(steps.map(({ release }) => release)).equals(data)).toBe(true);
  return [
    { found: seenIn(scan.matches), unjudged: scan.unjudged?.kind },
    {
      found: seenIn(steps.flatMap(({ matches }) => matches)),
      unjudged: steps.find(({ unjudged }) => unjudged !== null)?.unjudged?.kind,
    },
  ];
}

const noise = (bytes: number): Buffer => Buffer.from(random.chars('a-z \n', bytes));
const half = value.length >> 1;

describe(`a secret that only a delta puts together (BOTTLE_SEED=${seed})`, () => {
  /** The two halves far apart. */
  const base = Buffer.concat([
    noise(5000),
    Buffer.from(value.slice(half)),
    noise(5000),
    Buffer.from(value.slice(0, half)),
    noise(5000),
  ]);
  const second = 5000;
  const first = 10_000 + value.length - half;
  const joined = delta(base.length, ['x = ', [first, half], [second, value.length - half], '\n', [0, 9000]]);
  const holder = whole(BLOB, base);

  test.each<readonly [string, () => readonly Buffer[]]>([
    ['by offset', () => [holder, offset(holder.length, joined)]],
    ...[0, 100, 10_000, 17_000].map((gap): readonly [string, () => readonly Buffer[]] => [
      `by offset, over ${gap} bytes`,
      () => {
        const between = whole(COMMIT, Buffer.alloc(0));
        const filler =
          gap === 0 ? between : Buffer.concat([head(BLOB, gap), deflateSync(Buffer.alloc(gap, 'n '), { level: 0 })]);
        return [holder, filler, offset(holder.length + filler.length, joined)];
      },
    ]),
    ['by name', () => [holder, named(id('blob', base), joined)]],
    ['by name, before its base', () => [named(id('blob', base), joined), holder]],
    [
      'over a delta that changes nothing, before its base',
      () => {
        const same = delta(base.length, [[0, base.length]]);
        const next = named(id('blob', base), same);
        return [next, offset(next.length, joined), holder];
      },
    ],
    [
      'at the end of four thousand deltas',
      () => {
        const objects = [holder];
        const same = delta(base.length, [[0, base.length]]);
        for (let i = 0; i < 4094; i++) objects.push(offset(objects.at(-1)!.length, same));
        return [...objects, offset(objects.at(-1)!.length, joined)];
      },
    ],
    [
      'character by character',
      () => [
        holder,
        offset(
          holder.length,
          delta(
            base.length,
            Array.from({ length: value.length }, (_, i): Step => [i < half ? first + i : second + i - half, 1]),
          ),
        ),
      ],
    ],
  ])('%s', (_, make) => {
    expect(both(pack(make())).map((seen) => seen.unjudged)).toEqual([undefined, undefined]);
    for (const { found } of both(pack(make()))) expect(found).toContain('known-secret');
  });

  test('inserted on a base that only the other side has', () => {
    const thin = named('ab'.repeat(20), delta(9000, [[0, 4000], `key ${value} end`, [4000, 5000]]));
    for (const { found, unjudged } of both(pack([thin]))) {
      expect(found).toContain('known-secret');
      expect(unjudged).toBeUndefined();
    }
  });
});

describe('what keeps busy, or hides', () => {
  test('a delta that gives more than it may is too much', () => {
    const base = Buffer.alloc(60_000, 'ab cd ');
    const holder = whole(BLOB, base);
    const many = delta(
      base.length,
      Array.from({ length: 4000 }, (): Step => [0, 60_000]),
    );
    expect(both(pack([holder, offset(holder.length, many)])).map(({ unjudged }) => unjudged)).toEqual([
      'over_budget',
      'over_budget',
    ]);
  });

  const blob = whole(BLOB, noise(3000));
  test.each<readonly [string, readonly Buffer[]]>([
    [
      'a size that is not that of the object',
      [blob, Buffer.concat([head(BLOB, 5), deflateSync(Buffer.from(`key ${value}`))])],
    ],
    ['a delta on a base of another size', [blob, offset(blob.length, delta(2999, [[0, 100], value])), blob]],
    [
      'a delta whose instructions are cut',
      [blob, offset(blob.length, Buffer.concat([delta(3000, [value]), Buffer.from([0x7f])]))],
    ],
  ])('%s is refused, and searched as far as that goes', (_, objects) => {
    for (const { found, unjudged } of both(pack(objects))) {
      expect(unjudged).toBe('undecodable');
      expect(found).toContain('known-secret');
    }
  });

  test('objects behind a damaged one are still searched where the pack is held', () => {
    const bad = Buffer.concat([head(COMMIT, 90), deflateSync(noise(90))]);
    bad.fill(0xff, 12, 30);
    const scan = scanner.scanBody('body', pack([blob, bad, whole(BLOB, Buffer.from(`key ${value}`))]), plain);
    expect(scan.unjudged?.kind).toBe('undecodable');
    expect(seenIn(scan.matches)).toContain('known-secret');
  });

  test('ten thousand small objects are no reason to refuse', () => {
    const objects = Array.from({ length: 10_000 }, (_, i) => whole(BLOB, Buffer.from(`file ${i}\n`)));
    objects.push(whole(BLOB, Buffer.from(value)));
    for (const { found, unjudged } of both(pack(objects))) {
      expect(unjudged).toBeUndefined();
      expect(found).toContain('known-secret');
    }
  });

  test('tens of thousands of archives in one body are too many', () => {
    const one = Buffer.concat([gzipSync('ab'), Buffer.from('zz')]);
    const data = Buffer.concat(Array.from({ length: 20_000 }, () => one));
    expect(both(data).map(({ unjudged }) => unjudged)).toEqual(['over_budget', 'over_budget']);
  });

  test('every cut of a pack neither throws nor hangs', () => {
    const data = pack([blob, offset(blob.length, delta(3000, [[0, 500], 'abc'])), whole(COMMIT, noise(50))]);
    for (let length = 0; length < data.length; length += 13)
      expect(both(data.subarray(0, length)).every(({ found }) => found.length === 0)).toBe(true);
  });
});
