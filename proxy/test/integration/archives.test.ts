// What real tools pack: git pushes, tar, zip, documents. A secret in them is found, whole or as the body streams, and what nobody here can read is said to be that.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Match, StreamStep } from '../../src/dlp/types.ts';
import { fixture, random, seed } from '../unit/dlp/samples.ts';

const { scanner, value } = fixture();
const token = `ghp_${random.chars('A-Za-z0-9', 36)}`;
const octets = { contentType: 'application/octet-stream', contentEncoding: '' };

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'archives-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function run(folder: string, command: string, args: readonly string[], input: string | Buffer = ''): Buffer {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: root,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b.test',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b.test',
  };
  return execFileSync(command, [...args], {
    cwd: folder,
    input,
    env,
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

const folder = (): string => mkdtempSync(join(root, 'f-'));
const words = (count: number): string =>
  Array.from({ length: count }, () => random.chars('a-z', random.number(3, 9))).join(' ');
const lines = (count: number): string => Array.from({ length: count }, () => words(8)).join('\n');

interface Seen {
  readonly matches: readonly Match[];
  readonly unjudged: string | undefined;
}

const whole = (body: Buffer): Seen => {
  const { matches, unjudged } = scanner.scanBody('body', body, octets);
  return { matches, unjudged: unjudged?.kind };
};

/** As it streams; nothing may leave before it was judged, so what left is counted when the first match comes. */
function streamed(body: Buffer, chunkBytes: number): Seen & { readonly released: Buffer } {
  const scan = scanner.scanStream('body', octets, null);
  const steps: StreamStep[] = [];
  for (let at = 0; at < body.length; at += chunkBytes) steps.push(scan.push(body.subarray(at, at + chunkBytes)));
  steps.push(scan.end());
  return {
    matches: steps.flatMap(({ matches }) => matches),
    unjudged: steps.find(({ unjudged }) => unjudged !== null)?.unjudged?.kind,
    released: Buffer.concat(steps.map(({ release }) => release)),
  };
}

const wheres = (seen: Seen, detector: string): readonly string[] =>
  seen.matches.filter((match) => match.detector === detector).map(({ where }) => where);

/** Found in both ways. */
function expectFound(body: Buffer, detector = 'github-token', chain = ''): void {
  const seen = whole(body);
  expect(wheres(seen, detector).join(), `whole, BOTTLE_SEED=${seed}`).toContain(chain);
  expect(seen.matches.map((match) => match.detector)).toContain(detector);
  expect(seen.unjudged).toBeUndefined();
  for (const chunkBytes of [1000, 65_536]) {
    const stream = streamed(body, chunkBytes);
    expect(
      stream.matches.map((match) => match.detector),
      `streamed by ${chunkBytes}`,
    ).toContain(detector);
    expect(stream.unjudged).toBeUndefined();
    expect(stream.released.equals(body)).toBe(true);
  }
}

function expectClean(body: Buffer): void {
  for (const seen of [whole(body), streamed(body, 30_000)]) {
    expect(seen.matches).toEqual([]);
    expect(seen.unjudged).toBeUndefined();
  }
}

function expectRefused(body: Buffer, kind: 'undecodable' | 'over_budget' = 'undecodable'): void {
  expect(whole(body).unjudged).toBe(kind);
  expect(streamed(body, 10_000).unjudged).toBe(kind);
}

function repository(): string {
  const at = folder();
  run(at, 'git', ['init', '-q', '-b', 'main', '.']);
  return at;
}

function commit(at: string, files: Readonly<Record<string, string | Buffer>>, message = 'change'): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(at, name, '..'), { recursive: true });
    writeFileSync(join(at, name), text);
  }
  run(at, 'git', ['add', '-A']);
  run(at, 'git', ['commit', '-q', '--allow-empty', '-F', '-'], message);
  return run(at, 'git', ['rev-parse', 'HEAD']).toString().trim();
}

const pack = (at: string, args: readonly string[], revs: string): Buffer =>
  run(at, 'git', ['pack-objects', '--stdout', '--revs', '-q', '--no-reuse-delta', ...args], revs);

/** As `git push` sends it. */
const pushed = (data: Buffer, head: string): Buffer => {
  const line = `${'0'.repeat(40)} ${head} refs/heads/main\0 report-status side-band-64k agent=git/2\n`;
  return Buffer.concat([Buffer.from(`${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`), data]);
};

const PACKINGS: readonly (readonly [string, readonly string[]])[] = [
  ['as they come', []],
  ['with offsets', ['--delta-base-offset']],
  ['with deep chains', ['--delta-base-offset', '--depth=4000', '--window=50']],
  ['without compression', ['--compression=0']],
];

describe(`git packs (BOTTLE_SEED=${seed})`, () => {
  const text = lines(300);

  test.each(PACKINGS)('a file, %s', (_, args) => {
    const at = repository();
    commit(at, { 'a.txt': text, 'b/c.txt': lines(50) });
    const head = commit(at, { 'a.txt': `${text.slice(0, 9000)}\nkey = ${token}\n${text.slice(9000)}` });
    commit(at, { 'a.txt': text });
    const data = pack(at, args, 'HEAD\n');
    // Without compression the token is seen where it stands.
    const chain = args.includes('--compression=0') ? 'body' : 'git-pack > blob';
    expectFound(pushed(data, head), 'github-token', chain);
    expectFound(data);
  });

  test.each([
    ['a commit message', (at: string) => commit(at, {}, `see ${token}\n`), 'git-pack > commit'],
    ['the name of a file', (at: string) => commit(at, { [`x/${token}`]: 'a' }), 'git-pack > tree'],
    [
      'the message of a tag',
      (at: string) => {
        commit(at, { a: 'b' });
        return run(at, 'git', ['tag', '-a', 'v1', '-m', token]).toString();
      },
      'git-pack > tag',
    ],
  ])('%s', (_, make, chain) => {
    const at = repository();
    make(at);
    expectFound(pack(at, ['--all'], ''), 'github-token', chain);
  });

  test.each(PACKINGS)('a thin pack, %s: what the other side does not have', (_, args) => {
    const at = repository();
    const base = commit(at, { 'a.txt': text });
    const head = commit(at, { 'a.txt': `${text.slice(0, 9000)}\nkey = ${token}\n${text.slice(9000)}` });
    const data = pack(at, ['--thin', ...args], `${head}\n^${base}\n`);
    expect(data.length).toBeLessThan(2000);
    expectFound(pushed(data, head), 'github-token', args.includes('--compression=0') ? 'body' : 'git-pack > ');
  });

  test.each(PACKINGS)('a secret of which a delta brings one half, %s', (_, args) => {
    const at = repository();
    // Long enough that git makes a delta of it, and the second half comes first.
    const first = `${text}\nkey = ${value.slice(20)}\n${lines(20)}`;
    commit(at, { 'a.txt': first });
    commit(at, { 'a.txt': first.replace(value.slice(20), value) });
    expectFound(pack(at, args, 'HEAD\n'), 'known-secret');
  });

  test('a push over the wire', () => {
    const at = repository();
    const bare = folder();
    run(bare, 'git', ['init', '-q', '--bare', '.']);
    commit(at, { 'a.txt': text });
    run(at, 'git', ['push', '-q', bare, 'main']);
    const head = commit(at, { 'a.txt': `${text}\n${token}\n` });
    // What send-pack writes to the other side.
    const dump = join(root, 'sent');
    const script = join(root, 'receive.sh');
    writeFileSync(script, `#!/bin/sh\ntee ${dump} | git receive-pack "$@"\n`, { mode: 0o755 });
    run(at, 'git', ['push', '-q', `--receive-pack=${script}`, bare, 'main']);
    const sent = readFileSync(dump);
    expect(sent.includes(head)).toBe(true);
    expect(sent.includes('PACK')).toBe(true);
    expect(sent.includes(token)).toBe(false);
    expectFound(sent);
  });

  test('a clean history, with its deltas', () => {
    const at = repository();
    for (let i = 0; i < 30; i++)
      commit(at, {
        'a.txt': `${text}\n${words(20)}`,
        [`d${i}/x.bin`]: Buffer.from(random.chars('\0-ÿ', 900), 'latin1'),
      });
    expectClean(pushed(pack(at, ['--delta-base-offset'], 'HEAD\n'), '0'.repeat(40)));
  });

  test('a pack that is cut, or damaged, cannot be read', () => {
    const at = repository();
    commit(at, { 'a.txt': text });
    const data = pack(at, [], 'HEAD\n');
    expectRefused(data.subarray(0, data.length - 400));
    const damaged = Buffer.from(data);
    damaged.fill(0xee, 400, 440);
    expectRefused(damaged);
  });
});
