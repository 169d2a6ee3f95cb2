// What follows the head: bodies whole and streamed, WebSocket messages, trailers.
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { OnMatch, Route } from '../../../src/contract.ts';
import type { Admitted, HoldableJudgement } from '../../../src/pipeline/types.ts';
import { githubToken, route, session, type TestSession } from './session.ts';

const on = (onMatch: OnMatch, more: Partial<Route> = {}): TestSession =>
  session([route('one', 'api.example', { dlp: { onMatch, except: [] }, ...more })]);

function post(it: TestSession, body: string | Buffer, headers: Record<string, string> = {}): HoldableJudgement {
  return it.pipeline.judgeBody(head(it, headers), Buffer.from(body));
}

function head(it: TestSession, headers: Record<string, string> = {}): Admitted {
  return it.admit({ method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } });
}

function passed(judged: HoldableJudgement): Extract<HoldableJudgement, { do: 'pass' }> {
  if (judged.do !== 'pass') throw new Error((judged.do === 'hold' ? judged.held.refusal : judged.refusal).reason);
  return judged;
}

describe('a body', () => {
  const benign = Buffer.from(`{"a": 1.50, "b":"\\u00e9 text", "c": [ ]}\r\n`);

  test.each(['block', 'redact', 'log'] as const)(
    'without a match passes byte for byte on a route that says %s',
    (onMatch) => {
      const it = on(onMatch);
      const judged = passed(post(it, benign));
      expect(judged).toMatchObject({ redacted: false, findings: [] });
      expect(judged.body.equals(benign)).toBe(true);
    },
  );

  test('an empty one passes', () => {
    expect(passed(post(on('block'), '')).body.length).toBe(0);
  });

  test('with a secret, a placeholder or a token is refused where the route blocks', () => {
    const it = on('block');
    const token = githubToken();
    for (const [text, stage, detector] of [
      [it.value, 'dlp', 'known-secret'],
      [it.placeholder, 'placeholder', 'placeholder'],
      [token, 'dlp', 'github-token'],
    ] as const) {
      const judged = post(it, JSON.stringify({ messages: [{ text: `see ${text}` }] }));
      expect(judged).toMatchObject({ do: 'refuse', refusal: { stage, rule: detector, findings: [{ detector }] } });
      expect(JSON.stringify(judged)).not.toContain(text);
    }
  });

  test('a placeholder in a body is refused even where the route swaps it in headers', () => {
    const it = on('block', { placeholder: { secret: 'TOKEN', in: ['header', 'query'] } });
    expect(post(it, it.placeholder)).toMatchObject({ do: 'refuse', refusal: { stage: 'placeholder' } });
  });

  test('is rewritten in place where the route redacts', () => {
    const it = on('redact');
    const token = githubToken();
    const body = `{ "a" : "${token}","b":"${it.value}", "c":"${it.placeholder}" , "n":1.0,"d":"${token}"}`;
    const judged = passed(post(it, body));
    expect(judged.redacted).toBe(true);
    const sent = judged.body.toString();
    expect(sent).toMatch(/^\{ "a" : "[^"]+","b":"[^"]+", "c":"[^"]+" , "n":1\.0,"d":"[^"]+"\}$/);
    for (const text of [token, it.value, it.placeholder]) expect(sent).not.toContain(text);
    const parsed = JSON.parse(sent) as { a: string; d: string };
    expect(parsed.a).toBe(parsed.d);
  });

  test('compressed is searched, and rewritten in its own coding', () => {
    const secretBody = (it: TestSession) => `{"k":"${it.value}"}`;
    const blocking = on('block');
    expect(post(blocking, gzipSync(secretBody(blocking)), { 'Content-Encoding': 'GZIP' }).do).toBe('refuse');
    expect(post(blocking, brotliCompressSync(secretBody(blocking)), { 'content-encoding': 'br' }).do).toBe('refuse');
  });

  test('that cannot be decoded is refused, and only noted where the route logs', () => {
    const junk = Buffer.from('this is no gzip at all');
    for (const onMatch of ['block', 'redact'] as const) {
      expect(post(on(onMatch), junk, { 'Content-Encoding': 'gzip' })).toMatchObject({
        do: 'refuse',
        refusal: { stage: 'dlp', rule: 'undecodable', findings: [{ detector: 'undecodable', where: 'body' }] },
      });
    }
    const logged = passed(post(on('log'), junk, { 'Content-Encoding': 'gzip' }));
    expect(logged.findings).toMatchObject([{ detector: 'undecodable' }]);
    expect(logged.body.equals(junk)).toBe(true);
    const excepted = on('block', { dlp: { onMatch: 'block', except: ['undecodable'] } });
    expect(passed(post(excepted, junk, { 'Content-Encoding': 'gzip' })).findings).toEqual([]);
  });

  test('log passes detectors with a finding and refuses exact kinds', () => {
    const it = on('log');
    expect(passed(post(it, githubToken())).findings).toMatchObject([{ detector: 'github-token' }]);
    expect(post(it, it.value).do).toBe('refuse');
    expect(post(it, it.placeholder).do).toBe('refuse');
  });
});

describe('a streamed body', () => {
  function stream(it: TestSession, chunks: readonly Buffer[], headers: Record<string, string> = {}) {
    const judged = it.pipeline.streamBody(head(it, headers));
    const sent: Buffer[] = [];
    for (const step of [...chunks.map((chunk) => () => judged.push(chunk)), () => judged.end()]) {
      const answer = step();
      if (answer.do === 'refuse') return { sent: Buffer.concat(sent), refusal: answer.refusal, judged };
      sent.push(Buffer.from(answer.release));
    }
    return { sent: Buffer.concat(sent), refusal: null, judged };
  }
  const cut = (text: string | Buffer, size: number): Buffer[] => {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
  };

  test('passes byte for byte when it holds nothing', () => {
    const text = '{"a":"0123456789"},\r\n'.repeat(3000);
    const { sent, refusal } = stream(on('block'), cut(text, 1000));
    expect(refusal).toBeNull();
    expect(sent.toString()).toBe(text);
  });

  test.each([1, 7, 64, 100_000])('never lets a byte of a secret out, cut every %i bytes', (size) => {
    const it = on('block');
    const text = `${'x y '.repeat(500)}${it.value}${' tail'.repeat(10)}`;
    const { sent, refusal, judged } = stream(it, cut(text, size));
    expect(refusal).toMatchObject({ stage: 'dlp', rule: 'known-secret' });
    expect(sent.toString()).not.toContain(it.value.slice(0, 8));
    expect(judged.push(Buffer.from('more')).do).toBe('refuse');
    expect(judged.findings).toMatchObject([{ detector: 'known-secret' }]);
  });

  test('is rewritten where the route redacts', () => {
    const it = on('redact');
    const text = `${'x y '.repeat(500)}${it.value}${' tail'.repeat(10)}`;
    const { sent, refusal, judged } = stream(it, cut(text, 50));
    expect(refusal).toBeNull();
    expect(judged).toMatchObject({ redacted: true, mayChangeLength: true });
    expect(sent.toString()).toMatch(/^(x y )+[^ ]+( tail)+$/);
    expect(sent.toString()).not.toContain(it.value.slice(0, 8));
  });

  test('compressed is rewritten in its own coding', () => {
    const it = on('redact');
    const packed = gzipSync(`${'x y '.repeat(500)}${it.value}${' tail'.repeat(10)}`);
    const { sent, refusal, judged } = stream(it, cut(packed, 50), { 'content-encoding': 'gzip' });
    expect(refusal).toBeNull();
    expect(judged).toMatchObject({ redacted: true, mayChangeLength: true });
    expect(gunzipSync(sent).toString()).toMatch(/^(x y )+bottle-redacted-known-secret-[0-9a-f]{8}( tail)+$/);
  });

  test('compressed with a digest of its bytes in the head leaves as it came, or not at all', () => {
    const it = on('redact');
    const head = { 'content-encoding': 'gzip', 'Content-MD5': 'xxx' };
    const clean = gzipSync('x y '.repeat(500));
    expect(stream(it, cut(clean, 50), head).sent.equals(clean)).toBe(true);
    const { refusal, judged } = stream(it, [gzipSync(`${'x y '.repeat(500)}${it.value}`)], head);
    expect(refusal).toMatchObject({ rule: 'known-secret' });
    expect(judged.mayChangeLength).toBe(false);
  });

  test('compressed and broken never goes on unread once it is written anew, whatever is excepted', () => {
    const it = on('redact', { dlp: { onMatch: 'redact', except: ['undecodable'] } });
    const packed = gzipSync(randomBytes(2000).toString('hex'));
    packed[packed.length - 5]! ^= 1;
    const { refusal } = stream(it, cut(packed, 50), { 'content-encoding': 'gzip' });
    expect(refusal).toMatchObject({ rule: 'undecodable', fix: 'send it uncompressed' });
  });

  test('compressed, with a secret beside its content, is stopped where it leaves as it came', () => {
    const it = on('block');
    const packed = gzipSync(randomBytes(2000).toString('hex'));
    // FNAME.
    packed[3] = 8;
    const named = Buffer.concat([packed.subarray(0, 10), Buffer.from(`${it.value}\0`), packed.subarray(10)]);
    expect(gunzipSync(named).length).toBe(4000);
    const { refusal, sent } = stream(it, cut(named, 50), { 'content-encoding': 'gzip' });
    expect(refusal).toMatchObject({ rule: 'known-secret' });
    expect(sent.toString('latin1')).not.toContain(it.value.slice(0, 8));
    const { sent: rewritten } = stream(on('redact'), cut(named, 50), { 'content-encoding': 'gzip' });
    expect(rewritten.toString('latin1')).not.toContain(it.value.slice(0, 8));
  });
});

describe('a WebSocket message', () => {
  test('is judged and rewritten as a body is', () => {
    const block = on('block');
    const admitted = head(block);
    expect(block.pipeline.judgeMessage(admitted, Buffer.from('{"type":"ping"}'))).toMatchObject({ do: 'pass' });
    expect(block.pipeline.judgeMessage(admitted, Buffer.from(block.value))).toMatchObject({
      do: 'refuse',
      refusal: { findings: [{ where: expect.stringMatching(/^message/) }] },
    });
    const redact = on('redact');
    const judged = passed(redact.pipeline.judgeMessage(head(redact), Buffer.from(`{"t":"${redact.value}"}`)));
    expect(judged.redacted).toBe(true);
    expect(judged.body.toString()).toMatch(/^\{"t":"[^"]+"\}$/);
    expect(judged.body.toString()).not.toContain(redact.value);
  });
});

describe('trailers', () => {
  const judge = (it: TestSession, ...raw: string[]) => it.pipeline.judgeTrailers(head(it), raw);
  test('pass as they came', () => {
    expect(passed(judge(on('block'), 'X-Checksum', 'abc', 'x-b', '')).body.toString()).toBe(
      'X-Checksum: abc\r\nx-b: \r\n',
    );
    expect(passed(judge(on('block'))).body.length).toBe(0);
  });
  test('carry nothing out', () => {
    const it = on('block');
    expect(judge(it, 'X-A', it.value).do).toBe('refuse');
    expect(judge(it, it.value, 'x').do).toBe('refuse');
    expect(judge(it, 'X-A', it.placeholder)).toMatchObject({ refusal: { stage: 'placeholder' } });
    expect(judge(it, 'X-A', it.value.slice(0, 10), 'X-B', it.value.slice(10)).do).toBe('refuse');
  });
  test('are rewritten where the route redacts', () => {
    const it = on('redact');
    const judged = passed(judge(it, 'X-A', `a ${it.value}`));
    expect(judged.redacted).toBe(true);
    expect(judged.body.toString()).not.toContain(it.value);
    expect(judge(it, it.value, 'x').do).toBe('refuse');
  });
  test.each(['Authorization', 'Host', 'Content-Length', 'Transfer-Encoding', 'cookie'])(
    '%s does not belong there',
    (name) => {
      expect(judge(on('block'), name, 'x')).toMatchObject({ do: 'refuse', refusal: { stage: 'protocol' } });
    },
  );
});
