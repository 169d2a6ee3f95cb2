// What a refused client reads: inside TLS, in the shape its library shows, with an id that finds the record, without a secret.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, openHost, request, send } from './raw-client.ts';
import { type Rig, startRig } from './rig.ts';
import { TOKENS } from './tokens.ts';

const secret = randomBytes(20).toString('hex');
const token = TOKENS['github classic']?.() ?? '';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({
    spec: `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
egress:
  allow:
    - { host: open.example, rules: ["GET /ok/**", "POST /ok/**"] }
    - { host: claude.example, error_shape: anthropic, rules: ["POST /v1/**"], dlp: { on_match: block } }
    - { host: gpt.example, error_shape: openai, rules: ["POST /v1/**", "GET /v1/**"], dlp: { on_match: block } }
    - { host: gemini.example, error_shape: google, rules: ["POST /v1/**"], dlp: { on_match: block } }
    - { host: git.example, rules: ["GET /acme/ok.git/**", "POST /acme/ok.git/git-upload-pack"] }
  deny: [denied.example]
`,
    env: { HOSTILE_TOKEN: secret },
    hosts: ['open', 'claude', 'gpt', 'gemini', 'git', 'denied'].map((name) => `${name}.example:443`),
  });
});
afterAll(async () => {
  expect(rig.stderr()).toBe('');
  await rig.stop();
});

interface Refused {
  readonly answer: Answer;
  readonly body: Record<string, unknown>;
  readonly id: string;
}

async function refused(host: string, bytes: Buffer, status: number): Promise<Refused> {
  rig.arrived();
  const before = rig.records().length;
  const answer = await send(rig, host, bytes);
  expect(rig.arrived()).toBe('');
  const records = rig.records().slice(before);
  expect(records).toHaveLength(1);
  const record = records[0];
  expect(answer.status).toBe(status);
  expect(record).toMatchObject({ verdict: 'block', status, host });
  expect(answer.blockedBy).toBe(`${record?.stage} ${record?.rule} ${record?.id}`);
  expect(record?.id).toMatch(/^[a-z2-7]{12}$/);
  for (const text of [secret, token]) expect(answer.head + answer.body).not.toContain(text.slice(6, 26));
  const isJson = /\r\ncontent-type: application\/json/i.test(answer.head);
  return { answer, body: isJson ? JSON.parse(answer.body) : {}, id: record?.id ?? '' };
}

describe('a refusal', () => {
  test.each([
    ['an unlisted host', 'other.example', 'GET /', null, 'policy', 'default'],
    ['a denied host', 'denied.example', 'GET /', null, 'policy', 'deny.0'],
    ['a path without rule', 'open.example', 'GET /no', null, 'policy', 'allow.0'],
    ['a method without rule', 'open.example', 'DELETE /ok/1', null, 'policy', 'allow.0'],
    ['an ambiguous path', 'open.example', 'GET /ok/..%2fno', null, 'policy', 'ambiguous-path'],
    ['a secret', 'open.example', 'POST /ok/1', secret, 'dlp', 'known-secret'],
    ['a token', 'open.example', 'POST /ok/1', `{"t":"${token}"}`, 'dlp', 'github-token'],
  ])(
    'of %s is 403, and says what, why, how to allow it, and which record',
    async (_, host, line, body, stage, rule) => {
      const seen = await refused(host, request(line, host, [], body), 403);
      expect(seen.body).toMatchObject({ blocked: true, stage, rule, id: seen.id });
      const { error, reason, fix } = seen.body;
      expect(error).toBe(`bottle: ${reason}; ${fix} (${seen.id})`);
      expect(String(fix).length).toBeGreaterThan(10);
    },
  );

  test('of a HEAD has no body, and the connection goes on', async () => {
    const client = await openHost(rig, 'open.example');
    client.send(request('HEAD /no', 'open.example'));
    expect((await client.answer(true)).status).toBe(403);
    client.send(request('GET /ok/1', 'open.example'));
    expect((await client.answer()).status).toBe(200);
    client.close();
  });

  test('never quotes what was found, nor what an agent wrote that could be taken for markup or a line', async () => {
    const { answer } = await refused(
      'open.example',
      request(`GET /no/%0d%0aSet-Cookie:x/<script>/${token}`, 'open.example'),
      403,
    );
    expect(answer.head).not.toMatch(/set-cookie/i);
    const { body } = await refused('open.example', request('GET /no?<b>=1&"x"=', 'open.example'), 403);
    expect(String(body.error)).toMatch(/^[\x20-\x7e]+$/);
  });

  test('of another host at the same address is no reason to stop: the next host works', async () => {
    await refused('other.example', request('GET /', 'other.example'), 403);
    expect((await send(rig, 'open.example', request('GET /ok/1', 'open.example'))).status).toBe(200);
  });
});

describe('the shape that a model API client understands', () => {
  const chat = JSON.stringify({ messages: [{ role: 'user', content: `my token is ${token}` }] });

  test('anthropic', async () => {
    const { body, id } = await refused('claude.example', request('POST /v1/messages', 'claude.example', [], chat), 400);
    expect(body).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' }, blocked: true, id });
    expect((body.error as { message: string }).message).toMatch(/^bottle: github-token in body .*\(\w{12}\)$/);
  });

  test('openai', async () => {
    const { body } = await refused('gpt.example', request('POST /v1/chat/completions', 'gpt.example', [], chat), 400);
    expect(body).toMatchObject({ error: { type: 'invalid_request_error' } });
    expect((body.error as { message: string }).message).toMatch(/^bottle: /);
  });

  test('openai, a WebSocket: 426, so that the client falls back', async () => {
    const fields = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ];
    const { answer } = await refused('gpt.example', request('GET /v2/realtime', 'gpt.example', fields), 426);
    expect(answer.head).toMatch(/upgrade/i);
  });

  test('google', async () => {
    const { body } = await refused('gemini.example', request('POST /v1/models', 'gemini.example', [], chat), 400);
    expect(body).toMatchObject({ error: { code: 400, status: 'INVALID_ARGUMENT' } });
  });

  test('a path without rule of such a host has the same shape', async () => {
    const { body } = await refused('claude.example', request('GET /admin', 'claude.example'), 400);
    expect(body).toMatchObject({ type: 'error' });
  });
});

describe('the shape that other clients understand', () => {
  test('git fetch: 403 in plain text', async () => {
    const { answer } = await refused(
      'git.example',
      request('GET /acme/no.git/info/refs?service=git-upload-pack', 'git.example'),
      403,
    );
    expect(answer.head).toMatch(/content-type: text\/plain/i);
    expect(answer.body).toMatch(/^bottle: /);
  });

  test('git push: a report with a line for every ref', async () => {
    const line = (text: string): string => (text.length + 4).toString(16).padStart(4, '0') + text;
    const push =
      line(`${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/main\0 report-status side-band-64k\n`) +
      line(`${'0'.repeat(40)} ${'2'.repeat(40)} refs/heads/two\n`) +
      '0000PACK';
    const { answer } = await refused(
      'git.example',
      request('POST /acme/ok.git/git-receive-pack', 'git.example', [], push),
      200,
    );
    expect(answer.head).toMatch(/content-type: application\/x-git-receive-pack-result/i);
    expect(answer.body).toContain('ng refs/heads/main ');
    expect(answer.body).toContain('ng refs/heads/two ');
  });

  test('gRPC: trailers only, with a status', async () => {
    const { answer } = await refused(
      'open.example',
      request(
        'POST /pkg.Service/Call',
        'open.example',
        ['Content-Type: application/grpc'],
        Buffer.from([0, 0, 0, 0, 0]),
      ),
      200,
    );
    expect(answer.head).toMatch(/grpc-status: 7/i);
    expect(answer.head).toMatch(/grpc-message: bottle/i);
  });

  test('a WebSocket: 403', async () => {
    const fields = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ];
    await refused('open.example', request('GET /no', 'open.example', fields), 403);
  });
});
