// Refusals as clients see them: status, shape, size, and no way to smuggle a line into them.
import { describe, expect, test } from 'vitest';
import type { ErrorShape } from '../../../src/contract.ts';
import { renderRefusal } from '../../../src/pipeline/refusal.ts';
import type { RawAnswer, Refusal, RequestView } from '../../../src/pipeline/types.ts';
import { valuesOf, view } from './session.ts';

const ID = 'abcdefghijkl';
const refusal = (more: Partial<Refusal> = {}): Refusal => ({
  stage: 'policy',
  rule: 'default',
  reason: 'evil.test is not in the allow list',
  fix: 'add "evil.test" to egress.allow',
  errorShape: 'plain',
  findings: [],
  ...more,
});
const render = (
  more: Partial<Refusal> = {},
  request: Partial<RequestView> = {},
  body: Buffer | null = null,
): RawAnswer => renderRefusal(refusal(more), view(request), ID, body);
const json = (answer: RawAnswer): Record<string, unknown> =>
  JSON.parse(answer.body.toString()) as Record<string, unknown>;
const TEXT = `bottle: evil.test is not in the allow list; add "evil.test" to egress.allow (${ID})`;

describe('a refusal', () => {
  test('is 403 with everything in JSON and a header that names stage, rule and id', () => {
    const answer = render();
    expect(answer.status).toBe(403);
    expect(json(answer)).toMatchObject({
      error: TEXT,
      blocked: true,
      stage: 'policy',
      rule: 'default',
      reason: 'evil.test is not in the allow list',
      fix: 'add "evil.test" to egress.allow',
      id: ID,
    });
    expect(valuesOf(answer.rawHeaders, 'x-bottle-block')).toEqual([`policy default ${ID}`]);
    expect(valuesOf(answer.rawHeaders, 'content-length')).toEqual([String(answer.body.length)]);
    expect(valuesOf(answer.rawHeaders, 'content-type')).toEqual(['application/json']);
  });

  const shapes: readonly (readonly [ErrorShape, object])[] = [
    ['anthropic', { type: 'error', error: { type: 'invalid_request_error', message: TEXT } }],
    ['openai', { error: { message: TEXT, type: 'invalid_request_error', code: 'bottle' } }],
    ['google', { error: { code: 400, message: TEXT, status: 'INVALID_ARGUMENT' } }],
  ];
  test.each(shapes)('for %s is 400 in the shape of that API, with our fields beside it', (errorShape, shape) => {
    const answer = render({ errorShape });
    expect(answer.status).toBe(400);
    expect(json(answer)).toMatchObject({ ...shape, blocked: true, id: ID, rule: 'default' });
    expect(valuesOf(answer.rawHeaders, 'x-bottle-block')).toEqual([`policy default ${ID}`]);
  });

  test('says why in its status line: many programs show nothing else', () => {
    expect(render().reason).toBe(`Forbidden; bottle: evil.test is not in the allow list (${ID})`);
    expect(render({ reason: 'a\r\nx-evil: 1\u0000é' }).reason).toBe(`Forbidden; bottle: a??x-evil: 1?? (${ID})`);
  });

  test('of a malformed request is 400', () => {
    expect(render({ stage: 'protocol', rule: 'bad-target' }).status).toBe(400);
  });

  test('never asks a client to try again', () => {
    for (const stage of ['protocol', 'policy', 'dlp', 'placeholder', 'address', 'audit'] as const) {
      for (const errorShape of ['plain', 'anthropic', 'openai', 'google'] as const) {
        expect([400, 403]).toContain(render({ stage, errorShape }).status);
      }
    }
  });

  test('of a WebSocket is 403, and 426 where clients fall back to plain requests', () => {
    const rawHeaders = ['Connection', 'Upgrade', 'Upgrade', 'websocket'];
    expect(render({}, { rawHeaders }).status).toBe(403);
    expect(render({ errorShape: 'openai' }, { rawHeaders }).status).toBe(426);
  });

  test('to HEAD has the length and no body', () => {
    const answer = render({}, { method: 'HEAD' });
    expect(answer.body.length).toBe(0);
    expect(Number(valuesOf(answer.rawHeaders, 'content-length')[0])).toBeGreaterThan(100);
  });

  test('lets no text of an agent become a header or a control character', () => {
    const hostile = 'x\r\nSet-Cookie: a=b\r\n\r\n\x1b[2J\u2028é';
    const answer = renderRefusal(
      refusal({ rule: hostile, reason: hostile, fix: hostile }),
      view({ host: hostile, target: `/${hostile}` }),
      hostile,
    );
    for (const text of answer.rawHeaders) expect(text).toMatch(/^[\x20-\x7e]*$/);
    expect(json(answer).reason).toMatch(/^[\x20-\x7e]*$/);
    expect(answer.body.toString()).not.toContain('\\u001b');
  });

  test('stays within 2 KiB whatever it quotes', () => {
    for (const char of ['a', '"', '\\', '\n', 'é', '\u2028']) {
      const long = char.repeat(100_000);
      for (const errorShape of ['plain', 'anthropic', 'openai', 'google'] as const) {
        const answer = renderRefusal(refusal({ rule: long, reason: long, fix: long, errorShape }), view({}), ID);
        expect(answer.body.length).toBeLessThanOrEqual(2048);
        expect(json(answer)).toMatchObject({ blocked: true });
        expect(Math.max(...answer.rawHeaders.map((text) => text.length))).toBeLessThan(256);
      }
    }
  });

  test('in gRPC is a trailers-only PERMISSION_DENIED', () => {
    const answer = render({}, { method: 'POST', rawHeaders: ['Content-Type', 'application/grpc+proto'] });
    expect(answer.status).toBe(200);
    expect(valuesOf(answer.rawHeaders, 'grpc-status')).toEqual(['7']);
    expect(decodeURIComponent(valuesOf(answer.rawHeaders, 'grpc-message')[0]!)).toBe(TEXT);
  });
});

describe('a failed upstream', () => {
  test('is no refusal: 502 or 504, blocked false, a header of its own', () => {
    const answer = render({ stage: 'upstream', rule: 'connect', reason: 'api.example refused the connection' });
    expect(answer.status).toBe(502);
    expect(json(answer)).toMatchObject({ blocked: false, stage: 'upstream', rule: 'connect' });
    expect(valuesOf(answer.rawHeaders, 'x-bottle-block')).toEqual([]);
    expect(valuesOf(answer.rawHeaders, 'x-bottle-error')).toEqual([`upstream connect ${ID}`]);
    expect(render({ stage: 'upstream', rule: 'timeout' }).status).toBe(504);
  });

  test('with a certificate that does not verify is shown at once by clients of model APIs', () => {
    expect(render({ stage: 'upstream', rule: 'certificate', errorShape: 'anthropic' }).status).toBe(400);
    expect(render({ stage: 'upstream', rule: 'certificate' }).status).toBe(502);
  });
});

describe('git', () => {
  const zero = '0'.repeat(40);
  const packet = (text: string): string => (text.length + 4).toString(16).padStart(4, '0') + text;
  const push = { method: 'POST', target: '/acme/web.git/git-receive-pack' };

  test('info/refs is text that git prints', () => {
    for (const service of ['git-upload-pack', 'git-receive-pack']) {
      const answer = render({}, { target: `/acme/web.git/info/refs?service=${service}` });
      expect(answer.status).toBe(403);
      expect(valuesOf(answer.rawHeaders, 'content-type')).toEqual(['text/plain; charset=utf-8']);
      expect(answer.body.toString()).toBe(`${TEXT}\n`);
      expect(valuesOf(answer.rawHeaders, 'x-bottle-block')).toEqual([`policy default ${ID}`]);
    }
  });

  test('a push is answered with a report that rejects each ref, and side-band text', () => {
    const commands = `${packet(`${zero} ${'a'.repeat(40)} refs/heads/main\0 report-status side-band-64k agent=git`)}${packet(
      `${zero} ${'b'.repeat(40)} refs/tags/v1`,
    )}0000PACK`;
    const answer = render({}, push, Buffer.from(commands));
    expect(answer.status).toBe(200);
    expect(valuesOf(answer.rawHeaders, 'content-type')).toEqual(['application/x-git-receive-pack-result']);
    const text = answer.body.toString('latin1');
    const report = `${packet('unpack ok\n')}${packet('ng refs/heads/main blocked by bottle (default)\n')}${packet(
      'ng refs/tags/v1 blocked by bottle (default)\n',
    )}0000`;
    expect(text).toBe(`${packet(`\x02${TEXT}\n`)}${packet(`\x01${report}`)}0000`);
  });

  test('a push without side band gets the plain report', () => {
    const answer = render({}, push, Buffer.from(`${packet(`${zero} ${zero} refs/heads/x\0report-status`)}0000`));
    expect(answer.body.toString()).toBe(
      `${packet('unpack ok\n')}${packet('ng refs/heads/x blocked by bottle (default)\n')}0000`,
    );
  });

  test('a push that was not read is refused as a whole', () => {
    for (const body of [null, Buffer.from('0000'), Buffer.from('zzzz'), Buffer.from('00'), Buffer.from('ffffx')]) {
      const text = render({}, push, body).body.toString('latin1');
      expect(text).toContain('unpack bottle refused');
      expect(text).toContain(TEXT);
    }
  });

  test('a hostile ref cannot add lines to the report', () => {
    const ref = 'refs/heads/x\r\x1b[2J';
    const body = Buffer.from(`${packet(`${zero} ${zero} ${ref}\0side-band-64k`)}0000`);
    const text = render({}, push, body).body.toString('latin1');
    expect(text).toContain('ng refs/heads/x??[2J blocked');
  });
});
