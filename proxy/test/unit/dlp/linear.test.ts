// Cost: what an agent sends must not be able to make the search slow. Work is counted, not timed: views and their bytes, detectors tried, and
// bytes that they walk over. Each stays below a stated multiple of the input, and four times the input is less than seven times the work (a square would be sixteen).
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { compileEngine } from '../../../src/dlp/engine.ts';
import { Hunt } from '../../../src/dlp/hunt.ts';
import { View } from '../../../src/dlp/view.ts';
import { HOSTILE_ARCHIVES, tarFile } from './hostile-archives.ts';
import { hostileBodies } from './hostile-bodies.ts';
import { HOSTILE_MESSAGES } from './hostile-messages.ts';
import { fixture, plain, random, seed } from './samples.ts';

const { scanner, value, placeholder } = fixture();
const secrets = [{ name: 'API_TOKEN', value, placeholder }];
const DECODED_BYTES = 64 * 1024 * 1024;

/** Of a body of N bytes: bytes of all views, tries of detectors, and bytes that these walk over, at most so many times N and a constant. */
const VIEW_BYTES = 16;
const LOOKS = 8;
const STEPS = 200;
const CONSTANT = 1 << 20;

const engine = compileEngine({
  secrets,
  detectors: null,
  fingerprintKey: randomBytes(32),
  decodedBytes: DECODED_BYTES,
});

interface Work {
  readonly views: number;
  /** Bytes of all views. */
  readonly bytes: number;
  /** Times that a detector was tried. */
  readonly looks: number;
  /** Bytes that detectors walked over or read. */
  readonly steps: number;
  readonly isOverBudget: boolean;
}

function workOn(body: Buffer): Work {
  const root = new View(body, body.length);
  const hunt = new Hunt(engine, body.length, DECODED_BYTES);
  hunt.search(root);
  return { ...hunt.work, steps: root.steps, isOverBudget: hunt.isOverBudget };
}

/** Length of the longer bodies; the long mode looks closer. */
const BYTES = process.env.BOTTLE_FUZZ === undefined ? 60_000 : 480_000;

const HOSTILE = hostileBodies(value);

/** Compares bodies of which one is four times as long as the other. */
function expectLinear(name: string, small: Buffer, large: Buffer): Work {
  const [one, four] = [workOn(small), workOn(large)];
  expect(four.bytes, name).toBeLessThan(large.length * VIEW_BYTES + CONSTANT);
  expect(four.looks, name).toBeLessThan(large.length * LOOKS + 1000);
  expect(four.steps, name).toBeLessThan(large.length * STEPS + CONSTANT);
  for (const kind of ['views', 'bytes', 'looks', 'steps'] as const) {
    expect(four[kind], `${name}: ${kind} of ${JSON.stringify([one, four])}`).toBeLessThan(
      7 * Math.max(one[kind], 2 * small.length),
    );
  }
  return four;
}

describe(`hostile input (BOTTLE_SEED=${seed})`, () => {
  test.each(Object.entries(HOSTILE))('%s takes work in proportion to its length', (name, make) => {
    expectLinear(name, Buffer.from(make(BYTES / 4)), Buffer.from(make(BYTES)));
  });

  test.each(Object.entries(HOSTILE_ARCHIVES))('%s take work in proportion to their length', (name, make) => {
    expectLinear(name, make(BYTES / 4), make(BYTES));
  });

  test.each(Object.entries(HOSTILE_MESSAGES))('%s: work in proportion to their length', (name, make) => {
    expectLinear(name, make(BYTES / 4), make(BYTES));
  });

  test('of 10,000 empty files in a tar no view is made but for what they are called', () => {
    const files = Array.from({ length: 10_000 }, (_, index) => tarFile(`f${index}`, ''));
    const work = expectLinear('10,000 files', Buffer.concat(files.slice(0, 2500)), Buffer.concat(files));
    expect(work.isOverBudget).toBe(false);
    expect(work.views).toBeLessThan(files.length / 10);
  });

  test('archives in a stream leave to their last byte, read or refused', () => {
    const small = fixture({ decodedBytes: 1 << 22 }).scanner;
    for (const [name, make] of Object.entries(HOSTILE_ARCHIVES)) {
      const body = make(BYTES);
      const scan = small.scanStream('body', { contentType: '', contentEncoding: '' }, null);
      let released = 0;
      for (let at = 0; at < body.length; at += 5000) {
        released += scan.push(body.subarray(at, at + 5000)).release.length;
      }
      expect(released + scan.end().release.length, name).toBe(body.length);
    }
  });

  test('deep nesting, long keys and broken JSON neither throw nor hang when a finding has to be placed', () => {
    for (const text of [
      `${'['.repeat(50_000)}"${value}"`,
      `${'{"a":'.repeat(50_000)}"${value}"`,
      `{"${'k'.repeat(50_000)}":"${value}"}`,
      `{"a":"${value}`,
      `]]}}${value}`,
      `"\\${value}`,
    ]) {
      const scan = scanner.scanBody('body', Buffer.from(text), plain);
      expect(scan.matches.length).toBeGreaterThan(0);
      expect(scan.matches[0]!.where.length).toBeLessThan(1000);
    }
  });

  test('random bytes in any length neither throw nor match', () => {
    for (let i = 0; i < 400; i++) {
      const body = Buffer.from(random.chars('\0-ÿ', random.number(0, 300)), 'latin1');
      const contentEncoding = ['', 'gzip', 'br', 'deflate', 'zstd'][i % 5]!;
      const contentType = [
        'application/json',
        'multipart/form-data; boundary=x',
        'application/x-www-form-urlencoded',
        '',
      ][i % 4]!;
      expect(scanner.scanBody('body', body, { contentType, contentEncoding }).matches).toEqual([]);
    }
  });
});
