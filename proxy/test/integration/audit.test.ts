import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditFailure } from '../../src/audit/failure.ts';
import { type AuditSink, openAuditSink } from '../../src/audit/sink.ts';
import type { RecordDraft } from '../../src/pipeline/types.ts';

const draft = (id: string, path = '/'): RecordDraft => ({
  ts: '2026-11-21T08:00:00.000Z',
  id,
  session: 's-1',
  via: 'connect',
  host: 'api.example',
  port: 443,
  method: 'GET',
  path,
  status: 200,
  verdict: 'allow',
  stage: 'none',
  rule: 'allow.0',
  reason: '',
  findings: [],
  injected: [],
  bytes_out: 0,
  bytes_in: 0,
  ms: 1,
});

let directory: string;
let path: string;
const sinks: AuditSink[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bottle-audit-'));
  path = join(directory, 'audit.jsonl');
});

afterEach(() => {
  for (const sink of sinks.splice(0)) sink.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(at = path): AuditSink {
  const sink = openAuditSink(at);
  sinks.push(sink);
  return sink;
}

const lines = (at = path): string[] => readFileSync(at, 'utf8').split('\n').slice(0, -1);

function expectWholeChain(at = path): void {
  let prev = '';
  for (const line of lines(at)) {
    expect(JSON.parse(line).prev).toBe(prev);
    prev = createHash('sha256').update(line).digest('hex').slice(0, 32);
  }
}

describe('an orderly log', () => {
  test('opening leaves an empty file, each append one whole line, chained by hash', () => {
    const sink = open();
    expect(readFileSync(path, 'utf8')).toBe('');
    for (const id of ['a', 'b', 'c']) {
      sink.assertWritable();
      sink.append(draft(id));
    }
    expect(lines().map((line) => JSON.parse(line).id)).toEqual(['a', 'b', 'c']);
    expectWholeChain();
  });

  test('a second process goes on with the chain of the first', () => {
    const first = open();
    first.append(draft('a', `/${'x'.repeat(200_000)}`));
    first.append(draft('b', `/${'y'.repeat(200_000)}`));
    first.close();
    open().append(draft('c'));
    expect(lines()).toHaveLength(3);
    expectWholeChain();
  });

  test('a line that a crash left half-written is cut off, and the chain goes on', () => {
    const first = open();
    first.append(draft('a'));
    first.close();
    appendFileSync(path, lines()[0]!.slice(0, 50));
    open().append(draft('b'));
    expect(lines().map((line) => JSON.parse(line).id)).toEqual(['a', 'b']);
    expectWholeChain();
  });

  test('after close nothing is written any more', () => {
    const sink = open();
    sink.close();
    sink.close();
    expect(() => sink.append(draft('a'))).toThrow(AuditFailure);
    expect(() => sink.assertWritable()).toThrow(AuditFailure);
    expect(lines()).toEqual([]);
  });
});

describe('opening refuses', () => {
  test('/dev/full', () => {
    expect(() => openAuditSink('/dev/full')).toThrow(/ENOSPC/);
  });

  test('/dev/null, where records would be lost', () => {
    expect(() => openAuditSink('/dev/null')).toThrow(/not a regular file/);
  });

  test('a directory', () => {
    expect(() => openAuditSink(directory)).toThrow(AuditFailure);
  });

  test('a directory that is not there', () => {
    expect(() => openAuditSink(join(directory, 'no', 'audit.jsonl'))).toThrow(/ENOENT/);
  });

  test.each(['export PATH=/bin', 'first\nsecond\n', '{"v":1}\n', '\n'])(
    'a file of another kind (%j), and leaves it as it was',
    (text) => {
      writeFileSync(path, text);
      expect(() => openAuditSink(path)).toThrow(/something else than audit records/);
      expect(readFileSync(path, 'utf8')).toBe(text);
    },
  );
});

describe('a file system of its own', () => {
  let mount: string;

  beforeEach(() => {
    mount = join(directory, 'mount');
    mkdirSync(mount);
    // Needs root, as the tests of namespaces do.
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount]);
  });

  afterEach(() => {
    for (const sink of sinks.splice(0)) sink.close();
    execFileSync('umount', [mount]);
  });

  test('that is read-only refuses at opening', () => {
    execFileSync('mount', ['-o', 'remount,ro', mount]);
    expect(() => openAuditSink(join(mount, 'audit.jsonl'))).toThrow(/EROFS/);
  });

  test('that is full refuses at opening and leaves nothing half-written', () => {
    const at = join(mount, 'audit.jsonl');
    writeFileSync(join(mount, 'ballast'), Buffer.alloc(2 * 1024 * 1024));
    expect(() => openAuditSink(at)).toThrow(/ENOSPC/);
    expect(statSync(at).size).toBe(0);
  });

  test('that runs full refuses before the exchange, and takes records again once there is space', async () => {
    const at = join(mount, 'audit.jsonl');
    const sink = open(at);
    sink.append(draft('a'));
    writeFileSync(join(mount, 'ballast'), Buffer.alloc(1984 * 1024));
    await expect.poll(() => refusal(sink)).toMatch(/less than 131072 bytes are free/);
    expect(() => sink.append(draft('b'))).toThrow(AuditFailure);
    rmSync(join(mount, 'ballast'));
    await expect.poll(() => refusal(sink)).toBe('');
    sink.append(draft('c'));
    expect(lines(at).map((line) => JSON.parse(line).id)).toEqual(['a', 'c']);
    expectWholeChain(at);
  });

  test('that has room for half a record keeps none of it', async () => {
    const at = join(mount, 'audit.jsonl');
    const sink = openAuditSink(at, { minFreeBytes: 0 });
    sinks.push(sink);
    sink.append(draft('a'));
    writeFileSync(join(mount, 'ballast'), Buffer.alloc(2 * 1024 * 1024 - 3 * 4096));
    expect(() => sink.append(draft('b', `/${'x'.repeat(100_000)}`))).toThrow(/ENOSPC/);
    expect(lines(at).map((line) => JSON.parse(line).id)).toEqual(['a']);
    expect(readFileSync(at, 'utf8').endsWith('}\n')).toBe(true);
    rmSync(join(mount, 'ballast'));
    await expect.poll(() => refusal(sink)).toBe('');
    sink.append(draft('c'));
    expectWholeChain(at);
  });
});

test('a log that is removed while it is written refuses, then goes on in a new file', async () => {
  const sink = open();
  sink.append(draft('a'));
  rmSync(path);
  await delay(25);
  expect(() => sink.assertWritable()).toThrow(/was removed/);
  await expect.poll(() => refusal(sink)).toBe('');
  sink.append(draft('b'));
  expect(lines().map((line) => JSON.parse(line))).toMatchObject([{ id: 'b', prev: '' }]);
});

test('a failed log stays failed for every exchange until a trial write succeeds', async () => {
  const sink = open();
  rmSync(directory, { recursive: true });
  await delay(25);
  expect(() => sink.assertWritable()).toThrow(/was removed/);
  for (let i = 0; i < 100; i++) expect(() => sink.append(draft('x'))).toThrow(AuditFailure);
  await expect.poll(() => refusal(sink)).toMatch(/ENOENT/);
  mkdirSync(directory);
  await expect.poll(() => refusal(sink)).toBe('');
});

function refusal(sink: AuditSink): string {
  try {
    sink.assertWritable();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
