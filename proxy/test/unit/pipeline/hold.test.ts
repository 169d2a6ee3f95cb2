// What the pipeline asks a person about, and what not. It only says so; net/ waits.
import { describe, expect, test } from 'vitest';
import type { ProxyConfig, Route } from '../../../src/contract.ts';
import { githubToken, route, rule, session, type TestSession } from './session.ts';

const holding = (dlp: Partial<Route['dlp']> = {}, more: Partial<ProxyConfig> = {}): TestSession =>
  session([route('one', 'api.example', { dlp: { onMatch: 'hold', except: [], ...dlp } })], more);

const withHeader = (text: string) => ({ headers: { 'X-Note': text } });

describe('a match that is to be held', () => {
  test('comes with what may be sent, and with what happens when it may not', () => {
    const token = githubToken();
    const judged = holding().judge(withHeader(token));
    if (judged.do !== 'hold') throw new Error(judged.do);
    expect(judged.held.refusal).toMatchObject({ stage: 'dlp', rule: 'github-token' });
    expect(judged.admitted.rawHeaders).toContain(token);
    expect(judged.held.keys).toMatchObject([expect.stringMatching(/^github-token:[0-9a-f]{16}$/)]);
    expect(JSON.stringify(judged.held)).not.toContain(token);
  });

  test('beside one that is redacted leaves without that one', () => {
    const it = holding({ onMatch: 'redact', actions: { 'github-token': 'hold' } });
    const token = githubToken();
    const judged = it.judge({ headers: { 'X-Note': token, 'X-Other': it.value } });
    if (judged.do !== 'hold') throw new Error(judged.do);
    expect(judged.admitted.rawHeaders).toContain(token);
    expect(judged.admitted.rawHeaders.join()).not.toContain(it.value);
  });

  test('waits in a body, a message and a trailer; in a ping it cannot', () => {
    const it = holding();
    const admitted = it.admit({ method: 'POST' });
    expect(it.pipeline.judgeBody(admitted, Buffer.from(githubToken())).do).toBe('hold');
    expect(it.pipeline.judgeMessage(admitted, Buffer.from(githubToken())).do).toBe('hold');
    expect(it.pipeline.judgeTrailers(admitted, ['X-T', githubToken()]).do).toBe('hold');
    expect(it.pipeline.judgeControl(admitted, Buffer.from(githubToken()))).toMatchObject({
      do: 'refuse',
      refusal: { reason: expect.stringContaining('nothing can wait for a person') },
    });
  });

  test('waits in the step of a stream that has it, and what left before has no byte of it', () => {
    const it = holding();
    const stream = it.pipeline.streamBody(it.admit({ method: 'POST' }));
    const token = githubToken();
    let left = '';
    const asked: string[] = [];
    for (const piece of [`${'a '.repeat(40_000)}${token}`, ' b'.repeat(40_000), ` ${token}`]) {
      const step = stream.push(Buffer.from(piece));
      if (step.do === 'refuse') throw new Error(step.refusal.reason);
      if (step.do === 'hold') asked.push(step.held.refusal.rule);
      if (asked.length === 0) left += step.release.toString();
    }
    const last = stream.end();
    if (last.do !== 'hold') throw new Error(last.do);
    expect(asked).toEqual(['github-token']);
    expect(left).not.toContain('ghp_');
    // The same secret once more is another question.
    expect(last.held.keys).toHaveLength(1);
    expect(last.release.toString()).toContain(token);
  });

  test('in several messages of one piece of a call is one question', () => {
    const it = holding();
    const admitted = it.admit({ method: 'POST', headers: { 'Content-Type': 'application/grpc' } });
    const calls = it.pipeline.streamEnvelopes(admitted)!;
    const message = (text: string): Buffer => {
      const head = Buffer.alloc(5);
      head.writeUInt32BE(text.length, 1);
      return Buffer.concat([head, Buffer.from(text)]);
    };
    const bytes = Buffer.concat([message('clean'), message(githubToken()), message(githubToken()), message('clean')]);
    const step = calls.push(bytes);
    if (step.do !== 'hold') throw new Error(step.do);
    expect(step.release.equals(bytes)).toBe(true);
    expect(step.held.keys).toHaveLength(2);
    // A thousand are no longer text.
    const many = calls.push(Buffer.concat(Array.from({ length: 1000 }, () => message(githubToken()))));
    if (many.do !== 'hold') throw new Error(many.do);
    expect(many.held.refusal.reason.length).toBeLessThan(700);
    expect(many.held.refusal.findings.length).toBeLessThanOrEqual(64);
    expect(many.held.keys).toHaveLength(1000);
  });

  test.each([
    ['the value of a secret', (it: TestSession) => it.value],
    ['a placeholder', (it: TestSession) => it.placeholder],
    ['both beside a token', (it: TestSession) => `${githubToken()} ${it.placeholder} ${it.value}`],
  ])('is never %s', (_, text) => {
    const it = holding();
    expect(it.judge(withHeader(text(it))).do).toBe('refuse');
    expect(it.pipeline.judgeBody(it.admit({ method: 'POST' }), Buffer.from(text(it))).do).toBe('refuse');
  });

  test('is never what cannot be read', () => {
    const it = holding();
    const admitted = it.admit({ method: 'POST', headers: { 'Content-Encoding': 'br' } });
    expect(it.pipeline.judgeBody(admitted, Buffer.from('this is no brotli'))).toMatchObject({
      do: 'refuse',
      refusal: { rule: 'undecodable' },
    });
  });
});

describe('on_deny: hold', () => {
  const it = session([route('one', 'api.example', { rules: [rule(['GET'], '/ok')] })], {
    onDeny: 'hold',
    deny: [{ id: 'deny.0', host: '*.denied.example' }],
  });

  test.each([
    ['a host that is not listed', { host: 'new.example' }, 'hold'],
    ['a path that no rule allows', { target: '/other' }, 'hold'],
    ['a method that no rule allows', { method: 'POST', target: '/ok' }, 'hold'],
    ['what a rule allows', { target: '/ok' }, 'admit'],
    ['a denied host', { host: 'a.denied.example' }, 'refuse'],
    ['a metadata service', { host: '169.254.169.254' }, 'refuse'],
    ['this machine', { host: 'localhost' }, 'refuse'],
    ['a private address, spelt oddly', { host: '0x7f000001' }, 'refuse'],
    ['an encoded slash', { target: '/a%2fb' }, 'refuse'],
    ['encoded dots', { target: '/a/%252e%252e/b' }, 'refuse'],
    ['a path parameter', { target: '/a;b/c' }, 'refuse'],
    ['a token for a host that is not listed', { host: 'new.example', ...withHeader(githubToken()) }, 'refuse'],
  ] as const)('%s', (_, request, expected) => {
    expect(it.judge(request).do).toBe(expected);
  });

  test('a placeholder or a secret for a host that is not listed is refused', () => {
    for (const text of [it.value, it.placeholder]) {
      expect(it.judge({ host: 'new.example', ...withHeader(text) }).do).toBe('refuse');
      expect(it.judge({ host: `${text.toLowerCase()}.example` }).do).toBe('refuse');
    }
  });

  test('an approved stranger gets no credential', () => {
    const judged = it.judge({ host: 'new.example' });
    if (judged.do !== 'hold') throw new Error(judged.do);
    expect(it.inject(judged.admitted).injected).toEqual([]);
  });
});
