// What real tools pack: git pushes, tar, zip, documents. A secret in them is found, whole or as the body streams, and what nobody here can read is said to be that.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
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
    for (let i = 0; i < 10; i++)
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

describe(`archives (BOTTLE_SEED=${seed})`, () => {
  const secret = `value = ${token}\n`;
  const files = (): string => {
    const at = folder();
    mkdirSync(join(at, 'src'));
    writeFileSync(join(at, 'src', 'note.txt'), `${lines(40)}\n${secret}${lines(40)}\n`);
    writeFileSync(join(at, 'src', 'other.bin'), Buffer.from(random.chars('\0-ÿ', 5000), 'latin1'));
    return at;
  };
  /** A document of an office program: a zip with XML in it. */
  const python = (script: string): Buffer => run(folder(), 'python3', ['-c', script]);
  const zipped = (options: string, write: string): Buffer =>
    python(
      `import zipfile,sys,io\nb=io.BytesIO()\nz=zipfile.ZipFile(b,'w'${options})\n${write}\nz.close()\nsys.stdout.buffer.write(b.getvalue())`,
    );

  test.each<readonly [string, string, () => Buffer]>([
    ['tar', '', () => run(files(), 'tar', ['-cf', '-', '.'])],
    ['tar with long names (pax)', '', () => run(files(), 'tar', ['--format=pax', '-cf', '-', '.'])],
    ['tar.gz', 'gzip', () => run(files(), 'tar', ['-czf', '-', '.'])],
    ['tar.zst', 'zstd', () => run(files(), 'tar', ['--zstd', '-cf', '-', '.'])],
    ['gzip with a name', 'gzip', () => run(files(), 'gzip', ['-9', '-N', '-c', 'src/note.txt'])],
    [
      'gzip in several members',
      'gzip',
      () =>
        Buffer.concat([
          run(root, 'gzip', ['-c'], lines(5)),
          run(root, 'gzip', ['-c'], secret),
          run(root, 'gzip', ['-c'], lines(5)),
        ]),
    ],
    ['zip', 'zip', () => run(files(), 'zip', ['-q', '-r', '-', '.'])],
    ['zip, stored', '', () => run(files(), 'zip', ['-q', '-0', '-r', '-', '.'])],
    ['zip, sizes behind the members', 'zip', () => run(root, 'zip', ['-q', '-', '-'], `${lines(50)}${secret}`)],
    [
      'zip in a zip',
      'zip',
      () => {
        const at = files();
        run(at, 'zip', ['-q', '-r', 'inner.zip', 'src']);
        return run(at, 'zip', ['-q', '-', 'inner.zip']);
      },
    ],
    [
      'tar.gz in a zip',
      'zip > gzip',
      () => {
        const at = files();
        run(at, 'tar', ['-czf', 'inner.tgz', 'src']);
        return run(at, 'zip', ['-q', '-', 'inner.tgz']);
      },
    ],
    [
      'zip64',
      'zip',
      () =>
        zipped(
          `,zipfile.ZIP_DEFLATED`,
          `f=z.open('a','w',force_zip64=True)\nf.write(b'''${lines(9)} ${token}''')\nf.close()`,
        ),
    ],
    [
      'a document',
      'zip',
      () => zipped(`,zipfile.ZIP_DEFLATED`, `z.writestr('word/document.xml','''<w:t>${lines(9)} ${token}</w:t>''')`),
    ],
    [
      'ar with a gzip',
      'gzip',
      () => {
        const at = files();
        run(at, 'tar', ['-czf', 'data.tar.gz', 'src']);
        run(at, 'ar', ['rc', 'x.deb', 'data.tar.gz']);
        return readFileSync(join(at, 'x.deb'));
      },
    ],
    [
      'sqlite',
      '',
      () => {
        const at = folder();
        run(at, 'sqlite3', ['x.db'], `create table t(a text);insert into t values('${token}');`);
        return readFileSync(join(at, 'x.db'));
      },
    ],
  ])('%s', (_, chain, make) => expectFound(make(), 'github-token', chain));

  test('a secret in a name of a tar that stands in two fields', () => {
    const at = folder();
    const long = `${'d'.repeat(60)}/${value}/${'e'.repeat(60)}`;
    mkdirSync(join(at, long), { recursive: true });
    writeFileSync(join(at, long, 'f'), 'x');
    expectFound(run(at, 'tar', ['--format=ustar', '-cf', '-', '.']), 'known-secret');
  });

  test.each<readonly [string, (at: string) => Buffer]>([
    ['xz', (at) => run(at, 'xz', ['-c', 'src/note.txt'])],
    ['lzma', (at) => run(at, 'xz', ['--format=lzma', '-c', 'src/note.txt'])],
    ['bzip2', (at) => run(at, 'bzip2', ['-c', 'src/note.txt'])],
    ['lz4', (at) => run(at, 'lz4', ['-q', '-c', 'src/note.txt'])],
    ['openssl', (at) => run(at, 'openssl', ['enc', '-aes-256-cbc', '-pbkdf2', '-k', 'x', '-in', 'src/note.txt'])],
    [
      'a message for a password (gpg -c)',
      // Session key: version 4, AES-256, salted and iterated SHA-1; then the data, with integrity protection.
      () =>
        Buffer.concat([
          Buffer.from('8c0d0409030265f1', 'hex'),
          randomBytes(7),
          Buffer.from('60d2c0', 'hex'),
          randomBytes(300),
        ]),
    ],
    [
      'a message for a key (gpg -e)',
      () =>
        Buffer.concat([Buffer.from('85018c03', 'hex'), randomBytes(8), Buffer.from('010bff', 'hex'), randomBytes(600)]),
    ],
    [
      'a message of PGP in letters',
      () => Buffer.from(`-----BEGIN PGP MESSAGE-----\n\n${random.chars('A-Za-z0-9', 64)}\n-----END PGP MESSAGE-----\n`),
    ],
    ['an encrypted zip', (at) => run(at, 'zip', ['-q', '-P', 'x', '-', 'src/note.txt'])],
    ['an encrypted zip, sizes behind', () => run(root, 'zip', ['-q', '-P', 'x', '-', '-'], secret)],
    ['a zip with bzip2', (at) => run(at, 'zip', ['-q', '-Z', 'bzip2', '-', 'src/note.txt'])],
    ['a zip with lzma', () => zipped(',zipfile.ZIP_LZMA', `z.writestr('a','''${lines(20)} ${token}''')`)],
    [
      'tar with an xz in it',
      (at) => {
        run(at, 'xz', ['src/note.txt']);
        return run(at, 'tar', ['-cf', '-', 'src']);
      },
    ],
    [
      'a tar.gz with a bzip2 in it',
      (at) => {
        run(at, 'bzip2', ['src/note.txt']);
        return run(at, 'tar', ['-czf', '-', 'src']);
      },
    ],
    [
      'a package of a distribution with xz',
      (at) => {
        run(at, 'tar', ['-cJf', 'data.tar.xz', 'src']);
        run(at, 'ar', ['rc', 'x.deb', 'data.tar.xz']);
        return readFileSync(join(at, 'x.deb'));
      },
    ],
    [
      'a zip whose directory calls a packed member stored',
      () => {
        const data = zipped(',zipfile.ZIP_DEFLATED', `z.writestr('a','''${lines(20)} ${token}''')`);
        // The head says that the content stands there as it is; the directory, which most readers use, knows better.
        data.writeUInt16LE(0, 8);
        return data;
      },
    ],
  ])('%s cannot be read, and that is said', (_, make) => {
    const packed = make(files());
    expectRefused(packed);
    // A part of a form, and base64 in a text: there it is a match, which can be replaced.
    const form = Buffer.concat([
      Buffer.from('--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n'),
      packed,
      Buffer.from('\r\n--b--\r\n'),
    ]);
    expectRefused(form);
    const body = Buffer.from(JSON.stringify({ note: 'see', data: packed.toString('base64') }));
    const scan = scanner.scanBody('body', body, octets);
    expect(scan.matches.map(({ detector }) => detector)).toContain('undecodable');
    expect(scan.unjudged).toBeNull();
    const rewritten = JSON.parse(scan.rewrite(() => true).toString()) as { note: string; data: string };
    expect(rewritten.note).toBe('see');
    expect(rewritten.data).toMatch(/^bottle-redacted-undecodable-[0-9a-f]{8}$/);
  });

  test('what is larger than is held is read to its end as it streams', () => {
    const at = files();
    writeFileSync(
      join(at, 'src', 'large.txt'),
      Buffer.concat([randomBytes(3_000_000), Buffer.from(secret), randomBytes(1_000_000)]),
    );
    run(at, 'tar', ['-czf', '../large.tgz', '--sort=name', '.']);
    const archive = readFileSync(join(at, '..', 'large.tgz'));
    run(at, 'zip', ['-q', '-r', '../large.zip', '.']);
    const zip = readFileSync(join(at, '..', 'large.zip'));
    const upload = Buffer.from(
      JSON.stringify({ name: 'x', _attachments: { 'x.tgz': { data: archive.toString('base64') } } }),
    );
    const repo = repository();
    commit(repo, { 'large.txt': readFileSync(join(at, 'src', 'large.txt')), 'inner.tgz': archive });
    const packs = pack(repo, [], 'HEAD\n');
    for (const [name, body] of Object.entries({ archive, zip, upload, packs })) {
      const seen = streamed(body, 65_536);
      expect(wheres(seen, 'github-token').length, name).toBeGreaterThan(0);
      expect(seen.unjudged, name).toBeUndefined();
      expect(seen.released.equals(body), name).toBe(true);
    }
  });

  test('a bomb is said to be too much', () => {
    const small = fixture({ decodedBytes: 8 * 1024 * 1024 }).scanner;
    const zeros = Buffer.alloc(40 * 1024 * 1024);
    const at = folder();
    writeFileSync(join(at, 'zeros'), zeros);
    const repo = repository();
    commit(repo, { zeros });
    const bombs = {
      zip: run(at, 'zip', ['-q', '-', 'zeros']),
      gzip: run(at, 'gzip', ['-c', 'zeros']),
      pack: pack(repo, [], 'HEAD\n'),
    };
    for (const [name, body] of Object.entries(bombs)) {
      expect(small.scanBody('body', body, octets).unjudged?.kind, name).toBe('over_budget');
      const scan = small.scanStream('body', octets, null);
      expect(
        [scan.push(body), scan.end()].map(({ unjudged }) => unjudged?.kind),
        name,
      ).toContain('over_budget');
    }
  });
});
