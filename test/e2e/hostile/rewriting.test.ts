// Routes that redact or only log: what leaves is the same bytes but for the secret; and benign traffic is never touched.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { request, send } from './raw-client.ts';
import { type Rig, startRig } from './rig.ts';
import { chars, TOKENS } from './tokens.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const known = chars(LETTERS, 40);
const token = TOKENS['github classic']?.() ?? '';
const other = TOKENS['stripe secret']?.() ?? '';

let rig: Rig;
let placeholder: string;
beforeAll(async () => {
  rig = await startRig({
    spec: `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
egress:
  allow:
    - { host: redact.example, dlp: { on_match: redact } }
    - { host: log.example, dlp: { on_match: log } }
    - { host: except.example, dlp: { except: [github-token] } }
    - { host: narrow.example, rules: ["GET /a/*", "POST /a/*"], dlp: { on_match: redact } }
    - block.example
`,
    env: { HOSTILE_TOKEN: known },
    hosts: ['redact', 'log', 'except', 'narrow', 'block'].map((name) => `${name}.example:443`),
  });
  placeholder = rig.placeholders.TOKEN ?? '';
});
afterAll(() => rig.stop());

async function attempt(host: string, bytes: Buffer) {
  rig.arrived();
  const before = rig.records().length;
  const answer = await send(rig, host, bytes);
  const arrived = rig.arrived();
  const headEnd = arrived.indexOf('\r\n\r\n');
  return {
    answer,
    arrived,
    head: arrived.slice(0, headEnd),
    body: Buffer.from(arrived.slice(headEnd + 4), 'latin1'),
    records: rig.records().slice(before),
  };
}

const length = (head: string): number => Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? -1);
const json = (body: string, host = 'redact.example') =>
  request('POST /v1/messages', host, ['Content-Type: application/json'], body);
/** What stands where the secret was. */
const hole = (sent: string, secret: string, arrived: string): string => {
  const at = sent.indexOf(secret);
  const rest = sent.slice(at + secret.length);
  expect(arrived.startsWith(sent.slice(0, at))).toBe(true);
  expect(arrived.endsWith(rest)).toBe(true);
  return arrived.slice(at, arrived.length - rest.length);
};

describe('a route that redacts', () => {
  test.each([
    ['a value', (secret: string) => `{"a": 1.50, "b" :"x ${secret} y", "c": [1e3,true ], "ü":"\\u00e4"}`],
    ['a value alone', (secret: string) => `{"k":"${secret}"}`],
    ['a key', (secret: string) => `{"${secret}":1}`],
    [
      'deep',
      (secret: string) => `{"messages":[{"role":"user","content":[{"type":"text","text":"use ${secret}\\nplease"}]}]}`,
    ],
    ['JSON inside JSON', (secret: string) => `{"arguments":"{\\"t\\": \\"${secret}\\"}"}`],
    ['pretty printed', (secret: string) => `{\n  "a": "${secret}",\n  "z": 0\n}\n`],
  ] as const)('takes out of JSON exactly the secret: %s', async (_, make) => {
    for (const secret of [known, placeholder, token]) {
      const sent = make(secret);
      const seen = await attempt('redact.example', json(sent));
      expect(seen.answer.status).toBe(200);
      const arrived = seen.body.toString('utf8');
      expect(arrived).not.toContain(secret.slice(6, 30));
      expect(hole(sent, secret, arrived)).toMatch(/^[\x20-\x7e]{3,80}$/);
      expect(() => JSON.parse(arrived)).not.toThrow();
      expect(length(seen.head)).toBe(seen.body.length);
      expect(seen.records).toMatchObject([{ verdict: 'redact', status: 200 }]);
    }
  });

  test('the same secret gets the same stand-in, another one another', async () => {
    const sent = `{"a":"${token}","b":"${other}","c":"${token}"}`;
    const { body } = await attempt('redact.example', json(sent));
    const { a, b, c } = JSON.parse(body.toString());
    expect(a).toBe(c);
    expect(a).not.toBe(b);
    const again = JSON.parse((await attempt('redact.example', json(`{"a":"${token}"}`))).body.toString());
    expect(again.a).toBe(a);
  });

  test('JSON stays JSON when a number, an escaped or an encoded text held it', async () => {
    for (const sent of [
      `{"a":"${Buffer.from(`x ${known}`).toString('base64')}","z":1}`,
      `{"a":"${[...known].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')}","z":1}`,
      `{"a":"${Buffer.from(known).toString('hex')}","z":1}`,
      `{"a":[${[...Buffer.from(known)].join(',')}],"z":1}`,
      `{"a":${JSON.stringify([...known])},"z":1}`,
      `{"a":"${known.slice(0, 20)}","b":"${known.slice(20)}","z":1}`,
      `{"a":"${token}\\u0022,\\"b","z":1}`,
    ]) {
      const seen = await attempt('redact.example', json(sent));
      // Refused is as good; what leaves must be whole and clean.
      if (seen.answer.status !== 200) {
        expect(seen.arrived).toBe('');
        continue;
      }
      const text = seen.body.toString();
      expect(JSON.parse(text)).toMatchObject({ z: 1 });
      expect(text).not.toBe(sent);
      expect(length(seen.head)).toBe(seen.body.length);
    }
  });

  test.each([
    ['gzip', gzipSync, gunzipSync],
    ['br', brotliCompressSync, brotliDecompressSync],
  ] as const)('inside %s, the length put right', async (coding, encode, decode) => {
    const sent = `{"a":"${token}","b":"ok"}`;
    const seen = await attempt(
      'redact.example',
      request(
        'POST /x',
        'redact.example',
        ['Content-Type: application/json', `Content-Encoding: ${coding}`],
        encode(Buffer.from(sent)),
      ),
    );
    expect(seen.answer.status).toBe(200);
    expect(length(seen.head)).toBe(seen.body.length);
    const text = decode(seen.body).toString();
    expect(text).not.toContain(token);
    expect(JSON.parse(text)).toMatchObject({ b: 'ok' });
  });

  test('in a query, a path, fields, a cookie, a form and a multipart body', async () => {
    const target = `/a/${token}/b?x=1&t=${token}&y=%20z`;
    const seen = await attempt(
      'redact.example',
      request(`GET ${target}`, 'redact.example', [`X-A: a ${token} b`, `Cookie: a=1; t=${token}; b=2`, 'X-B: keep']),
    );
    expect(seen.answer.status).toBe(200);
    expect(seen.head).not.toContain(token);
    expect(seen.head).toMatch(
      /^GET \/a\/[^/ ]+\/b\?x=1&t=[^& ]+&y=%20z HTTP\/1\.1\r\nHost: redact\.example\r\nX-A: a \S+ b\r\nCookie: a=1; t=[^;\r]+; b=2\r\nX-B: keep$/,
    );
    for (const body of [
      `a=1&t=${token}&b=2`,
      `--b\r\nContent-Disposition: form-data; name="t"\r\n\r\n${token}\r\n--b--\r\n`,
    ]) {
      const posted = await attempt('redact.example', request('POST /f', 'redact.example', [], body));
      const arrived = posted.body.toString();
      expect(hole(body, token, arrived)).not.toContain(token.slice(8, 20));
      expect(length(posted.head)).toBe(posted.body.length);
    }
  });

  test('chunked', async () => {
    const sent = `{"a":"${token}","z":1}`;
    const bytes = Buffer.from(
      `POST /x HTTP/1.1\r\nHost: redact.example\r\nTransfer-Encoding: chunked\r\n\r\n${[...sent].map((c) => `1\r\n${c}\r\n`).join('')}0\r\n\r\n`,
    );
    const seen = await attempt('redact.example', bytes);
    expect(seen.answer.status).toBe(200);
    expect(seen.arrived).not.toContain(token.slice(4, 20));
    expect(seen.arrived.endsWith('0\r\n\r\n')).toBe(true);
  });

  test('a body larger than is held: what leaves is the same but for the secret', async () => {
    const filler = 'The quick brown fox jumps over the lazy dog. '.repeat(70_000);
    const sent = `${filler}${token} and ${known}${filler}`;
    const seen = await attempt('redact.example', request('POST /x', 'redact.example', [], sent));
    expect(seen.answer.status).toBe(200);
    expect(seen.arrived).not.toContain(token.slice(4, 20));
    expect(seen.arrived).not.toContain(known.slice(4, 20));
    expect(seen.head).toMatch(/transfer-encoding: chunked/i);
    expect(seen.records).toMatchObject([{ verdict: 'redact' }]);
    expect(seen.arrived.length).toBeGreaterThan(2 * filler.length);
  });

  test('where a rewrite is impossible, or would leave the rules, the request is refused', async () => {
    for (const [host, bytes] of [
      ['redact.example', request('GET /', 'redact.example', [`${token}: x`])],
      ['redact.example', request('GET /', 'redact.example', [`X-A: ${known.slice(0, 20)}`, `X-B: ${known.slice(20)}`])],
      ['redact.example', request('POST /x', 'redact.example', ['Content-Encoding: rot13'], known)],
    ] as const) {
      const seen = await attempt(host, bytes);
      expect(seen.arrived).toBe('');
      expect(seen.records).toMatchObject([{ verdict: 'block' }]);
    }
  });
});

describe('a route that only logs, and exceptions', () => {
  test('a token passes byte-exact and is in the record; what we know for sure is refused all the same', async () => {
    const seen = await attempt('log.example', json(`{"t":"${token}"}`, 'log.example'));
    expect(seen.body.toString()).toBe(`{"t":"${token}"}`);
    expect(seen.records).toMatchObject([{ verdict: 'allow', findings: [{ detector: 'github-token' }] }]);
    for (const secret of [known, placeholder]) {
      const refused = await attempt('log.example', json(`{"t":"${secret}"}`, 'log.example'));
      expect(refused.arrived).toBe('');
    }
  });

  test('an excepted detector is silent, the others are not', async () => {
    const seen = await attempt('except.example', json(`{"t":"${token}"}`, 'except.example'));
    expect(seen.body.toString()).toBe(`{"t":"${token}"}`);
    expect(seen.records).toMatchObject([{ verdict: 'allow', findings: [] }]);
    for (const secret of [known, placeholder, other]) {
      expect((await attempt('except.example', json(`{"t":"${secret} ${token}"}`, 'except.example'))).arrived).toBe('');
    }
  });
});

describe('benign traffic passes byte-exact', () => {
  const sri = (): string => `sha512-${randomBytes(64).toString('base64')}`;
  const sha = (): string => createHash('sha1').update(randomBytes(8)).digest('hex');
  const lock = JSON.stringify(
    {
      lockfileVersion: 3,
      packages: Object.fromEntries(
        Array.from({ length: 300 }, (_, i) => [
          `node_modules/pkg-${i}`,
          {
            version: `${i}.2.3`,
            resolved: `https://registry.example/pkg-${i}/-/pkg-${i}-${i}.2.3.tgz`,
            integrity: sri(),
          },
        ]),
      ),
    },
    null,
    2,
  );
  const bodies: Readonly<Record<string, () => Buffer | string>> = {
    'a lock file': () => lock,
    'go.sum': () =>
      Array.from(
        { length: 200 },
        (_, i) => `example.org/m${i} v1.${i}.0 h1:${randomBytes(32).toString('base64')}`,
      ).join('\n'),
    'a git log': () => Array.from({ length: 200 }, () => `commit ${sha()}\n    Fix the thing\n`).join('\n'),
    uuids: () => JSON.stringify(Array.from({ length: 200 }, () => randomUUID())),
    'a base64 image': () =>
      JSON.stringify({
        image: `data:image/png;base64,${Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(60_000)]).toString('base64')}`,
      }),
    'random bytes': () => randomBytes(200_000),
    'random base64': () => randomBytes(200_000).toString('base64'),
    'random hex': () => randomBytes(100_000).toString('hex'),
    'gzip of random bytes': () => gzipSync(randomBytes(50_000)),
    embeddings: () => JSON.stringify({ data: Array.from({ length: 1536 }, () => Math.random() * 2 - 1) }),
    'a signature of a thinking block': () =>
      JSON.stringify({ type: 'thinking', thinking: 'Let me see.', signature: randomBytes(400).toString('base64') }),
    'prose about tokens': () =>
      'GitHub tokens begin with ghp_ and Slack ones with xoxb-; put AWS_SECRET_ACCESS_KEY into your environment, never sk-... into code. Use ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx as a stand-in, or AKIAIOSFODNN7EXAMPLE.',
    'a public key': () =>
      `-----BEGIN PUBLIC KEY-----\n${randomBytes(91).toString('base64')}\n-----END PUBLIC KEY-----\n`,
    'a certificate': () =>
      `-----BEGIN CERTIFICATE-----\n${(
        randomBytes(600)
          .toString('base64')
          .match(/.{1,64}/g) ?? []
      ).join('\n')}\n-----END CERTIFICATE-----\n`,
    'ssh public key': () =>
      `ssh-ed25519 ${Buffer.concat([Buffer.from('0000000b7373682d65643235353139', 'hex'), randomBytes(36)]).toString('base64')} me@host`,
    'an OpenAPI conversation': () =>
      JSON.stringify({
        model: 'm-1',
        messages: Array.from({ length: 60 }, (_, i) => ({
          role: i % 2 ? 'assistant' : 'user',
          content: `Turn ${i}: please refactor src/a${i}.ts\n\`\`\`ts\nconst password = process.env.PASSWORD;\n\`\`\``,
        })),
        tools: [{ name: 'bash', input_schema: { type: 'object', properties: { token: { type: 'string' } } } }],
      }),
    'minified script': () =>
      `!function(e,t){${Array.from({ length: 3000 }, (_, i) => `var a${i}=e[${i}]||t("${(i * 7919).toString(36)}")`).join(';')}}(this,require);`,
    'JSON with odd bytes': () => Buffer.from('{"a":"\xff\xfe\x00","b":"\\ud800"}', 'latin1'),
    'telemetry ids': () =>
      JSON.stringify({
        traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
        session: randomUUID(),
      }),
    'an https URL with a user': () =>
      'git clone https://git@github.example/acme/web.git && curl https://user:pass@example.com/',
    'phone numbers and card-like numbers': () =>
      JSON.stringify(Array.from({ length: 100 }, () => chars('0123456789', 16))),
    html: () => `<html><!-- ${randomUUID()} --><body>${'<p>caf&eacute; &#233; &amp;</p>'.repeat(200)}</body></html>`,
    'chinese prose': () => '请帮我把这个函数改成异步的,然后加上测试。'.repeat(300),
    emoji: () => '🙂👩‍👩‍👧‍👦🇩🇪'.repeat(300),
    'five megabytes': () => randomBytes(3_750_000).toString('base64'),
  };

  test.each(Object.keys(bodies))('%s', async (name) => {
    for (const host of ['block.example', 'redact.example']) {
      const body = Buffer.from(bodies[name]?.() ?? '');
      const seen = await attempt(host, request('POST /data', host, ['X-Request-Id: 7'], body));
      expect(seen.answer.status).toBe(200);
      if (/transfer-encoding/i.test(seen.head)) {
        expect(seen.body.length).toBeGreaterThan(body.length);
        continue;
      }
      expect(seen.head).toBe(
        `POST /data HTTP/1.1\r\nHost: ${host}\r\nX-Request-Id: 7\r\nContent-Length: ${body.length}`,
      );
      expect(seen.body.equals(body)).toBe(true);
      expect(seen.records).toMatchObject([{ verdict: 'allow', findings: [], bytes_out: body.length }]);
    }
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const)('%s', async (coding, encode) => {
    const body = encode(Buffer.from(lock));
    const seen = await attempt(
      'block.example',
      request('POST /d', 'block.example', [`Content-Encoding: ${coding}`], body),
    );
    expect(seen.answer.status).toBe(200);
    expect(seen.body.equals(body)).toBe(true);
  });

  test.each([
    ['tracing', [`traceparent: 00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`]],
    ['an etag', [`If-None-Match: W/"${randomBytes(20).toString('base64')}"`]],
    ['a session cookie', [`Cookie: sid=${randomBytes(32).toString('base64url')}; theme=dark`]],
    ['an idempotency key', [`Idempotency-Key: ${randomUUID()}`]],
    [
      'a user agent',
      ['User-Agent: claude-cli/2.0.1 (external, cli)', 'X-Stainless-Lang: js', 'anthropic-beta: a-2025-01-01'],
    ],
    ['a range', ['Range: bytes=0-1023', 'Accept: */*;q=0.8', 'Accept-Language: de,en;q=0.5']],
  ] as const)('fields of %s', async (_, fields) => {
    const text = request(
      `GET /x?page_token=${randomBytes(40).toString('base64url')}&sha=${sha()}`,
      'block.example',
      fields,
    );
    const seen = await attempt('block.example', text);
    expect(seen.arrived).toBe(text.toString('latin1'));
  });
});

test('no secret in the log', () => {
  const log = JSON.stringify(rig.records());
  for (const secret of [known, placeholder, token, other]) expect(log).not.toContain(secret.slice(8, 28));
  expect(rig.stderr()).toBe('');
});
