import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Ancestry } from '../../../src/pipeline/git/ancestry.ts';
import { readPushRequest } from '../../../src/pipeline/git/push-request.ts';
import { compilePushRule } from '../../../src/pipeline/git/push-rule.ts';
import { route, session } from './session.ts';

const ZERO = '0'.repeat(40);
const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const packet = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;

describe('the commands of a push', () => {
  const two = `${packet(`${ZERO} ${A} refs/heads/x\0report-status side-band-64k`)}${packet(`${A} ${ZERO} refs/tags/y\n`)}0000`;

  test('are read, and where they end', () => {
    expect(readPushRequest(Buffer.from(`${two}PACK`))).toEqual({
      commands: [
        { ref: 'refs/heads/x', before: null, after: A },
        { ref: 'refs/tags/y', before: A, after: null },
      ],
      hasSideBand: true,
      endsAt: two.length,
    });
  });

  test('are not there before the flush, wherever the bytes are cut', () => {
    for (let cut = 0; cut < two.length; cut++) expect(readPushRequest(Buffer.from(two.slice(0, cut)))).toBe('more');
  });

  test('end behind the options, where the client announces some', () => {
    const head = `${packet(`${ZERO} ${A} refs/heads/x\0push-options`)}0000`;
    const options = `${packet('ci.skip')}0000`;
    expect(readPushRequest(Buffer.from(head))).toBe('more');
    expect(readPushRequest(Buffer.from(`${head}${options}PACK`))).toMatchObject({
      endsAt: head.length + options.length,
    });
  });
});

describe('the rule of a push', () => {
  const { judge } = compilePushRule({ refs: ['refs/heads/agent/**', 'refs/tags/v*'], force: false, delete: false });

  test.each([
    'refs/heads/agent',
    'refs/heads/agent/',
    'refs/heads/agent//x',
    'refs/heads/agent/../main',
    'refs/heads/agent/.x',
    'refs/heads/agent/x.lock',
    'refs/heads/agent/x.lock/y',
    'refs/heads/agent/x\\y',
    'refs/heads/agent/x y',
    'refs/heads/agent/x:y',
    'refs/heads/agent/x^',
    'refs/heads/agent/x~1',
    'refs/heads/agent/@{1}',
    'refs/heads/agent/x.',
    'refs/heads/agent/*',
    'refs/tags/v1/x',
    'HEAD',
    'heads/agent/x',
    'refs//heads/agent/x',
    ' refs/heads/agent/x',
    'refs/heads/Agent/x',
    'agent/x',
  ])('%j is not allowed', (ref) => {
    expect(judge([{ ref, before: null, after: A }])).toMatchObject({ ref });
  });

  test.each(['refs/heads/agent/x', 'refs/heads/agent/x/y', 'refs/heads/agent/ünï', 'refs/tags/v1'])('%j is', (ref) => {
    expect(judge([{ ref: Buffer.from(ref).toString('latin1'), before: null, after: A }])).toBeNull();
  });

  test('deleting and moving', () => {
    expect(judge([{ ref: 'refs/heads/agent/x', before: A, after: null }])).toMatchObject({
      why: 'it would be deleted',
    });
    expect(judge([{ ref: 'refs/tags/v1', before: A, after: B }])).toMatchObject({
      why: expect.stringMatching(/moved/),
    });
    expect(judge([{ ref: 'refs/heads/agent/x', before: A, after: B }])).toBeNull();
  });
});

describe.each(['sha1', 'sha256'])('going forward, %s', (format) => {
  const directory = mkdtempSync(join(tmpdir(), 'bottle-git-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', directory, '-c', 'user.name=a', '-c', 'user.email=a@x.example', ...args], {
      encoding: 'utf8',
    }).trim();
  let [first, tip, other, merged] = ['', '', '', ''];
  const packOf = (...revisions: string[]) =>
    execFileSync('git', ['-C', directory, 'pack-objects', '--revs', '--stdout', '-q', '--thin'], {
      input: `${revisions.join('\n')}\n`,
    });

  beforeAll(() => {
    git('init', '-q', '-b', 'main', `--object-format=${format}`);
    const commit = (text: string) => {
      writeFileSync(join(directory, 'a'), text);
      git('add', '.');
      git('commit', '-qm', text);
      return git('rev-parse', 'HEAD');
    };
    first = commit('first');
    for (let i = 0; i < 20; i++) tip = commit(`${'long '.repeat(200)}${i}`);
    git('switch', '-qc', 'other', first);
    writeFileSync(join(directory, 'b'), 'b');
    git('add', '.');
    git('commit', '-qm', 'other');
    other = git('rev-parse', 'HEAD');
    git('merge', '-qm', 'merged', 'main');
    merged = git('rev-parse', 'HEAD');
  });

  function read(pack: Buffer, step = pack.length): Ancestry {
    const ancestry = new Ancestry(first.length);
    for (let at = 0; at < pack.length; at += step) ancestry.push(pack.subarray(at, at + step));
    return ancestry;
  }

  test.each([1, 7, 1000, 1e6])('is proved from a pack in pieces of %d', (step) => {
    expect(read(packOf(tip, `^${first}`), step).isForward(first, tip)).toBe(true);
    expect(read(packOf(merged, `^${tip}`), step).isForward(tip, merged)).toBe(true);
    expect(read(packOf(merged, `^${other}`), step).isForward(other, merged)).toBe(true);
  });

  test('is not proved by a pack that lacks a commit, has none, is damaged or is another history', () => {
    expect(read(packOf(tip, `^${tip}~3`)).isForward(first, tip)).toBe(false);
    expect(read(packOf(other, `^${first}`)).isForward(tip, other)).toBe(false);
    expect(read(Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')).isForward(first, tip)).toBe(false);
    const damaged = packOf(tip, `^${first}`);
    damaged.fill(0xff, 12, 40);
    expect(read(damaged).isForward(first, tip)).toBe(false);
    expect(read(Buffer.from('no pack at all')).isForward(first, tip)).toBe(false);
  });

  test('a commit that only says so has another name', () => {
    const forged = git('commit-tree', `${first}^{tree}`, '-p', first, '-m', 'forged');
    expect(read(packOf(forged, `^${first}`)).isForward(first, tip)).toBe(false);
    expect(read(packOf(forged, `^${first}`)).isForward(first, forged)).toBe(true);
  });
});

describe('a push that says to be something else', () => {
  const toMain = Buffer.from(`${packet(`${ZERO} ${A} refs/heads/main\0report-status side-band-64k`)}0000PACK`);
  const { admit, pipeline } = session([
    route('git', 'git.example', { push: { refs: ['refs/heads/agent/**'], force: false, delete: false } }),
  ]);
  const push = (target: string, contentType = 'application/x-git-receive-pack-request') =>
    admit({ host: 'git.example', method: 'POST', target, headers: { 'Content-Type': contentType } });

  test.each(['application/grpc', 'application/grpc-web+proto', 'application/connect+json'])(
    'with the type %s, is read as a push',
    (contentType) => {
      const admitted = push('/acme/web.git/git-receive-pack', contentType);
      expect(pipeline.streamEnvelopes(admitted)).toBeNull();
      expect(pipeline.judgeBody(admitted, toMain)).toMatchObject({ do: 'refuse', refusal: { rule: 'push' } });
    },
  );

  test.each([
    '/acme/web.git/git-receive-pack/',
    '/acme/web.git/git-receive-pack//',
    '/acme/web.git/git-receive-pack/.',
    '/acme/web.git/GIT-Receive-Pack',
    '/acme/web.git/git%2Dreceive-pack',
    '/acme/web.git/git%252Dreceive-pack',
    '/acme/web.git%2Fgit-receive-pack',
    '/acme/web.git/git-receive-pack;a=b',
    '/acme/web.git/git-receive-pack%3Fx',
    '/acme/web.git/x/%2E%2E/git-receive-pack?a=b',
    '/acme/web.git/%ff/../git-receive-pack',
  ])('at %s, is read as a push', (target) => {
    const admitted = push(target);
    expect(pipeline.judgeBody(admitted, toMain)).toMatchObject({ do: 'refuse', refusal: { rule: 'push' } });
    expect(pipeline.streamBody(admitted).push(toMain)).toMatchObject({ do: 'refuse', refusal: { rule: 'push' } });
  });

  test('behind a header that may replace the path, is read as a push', () => {
    const headers = { 'X-Original-URL': '/acme/web.git/git-receive-pack' };
    const admitted = admit({ host: 'git.example', method: 'POST', target: '/', headers });
    expect(pipeline.judgeBody(admitted, toMain)).toMatchObject({ do: 'refuse', refusal: { rule: 'push' } });
  });

  test('is none where nothing of the kind is in its path', () => {
    const admitted = push('/acme/web.git/git-upload-pack', 'text/plain');
    expect(pipeline.judgeBody(admitted, Buffer.from('0000'))).toMatchObject({ do: 'pass' });
  });
});
