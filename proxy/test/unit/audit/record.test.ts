import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { chainHash, formatRecord, newRecordId } from '../../../src/audit/record.ts';
import type { RecordDraft } from '../../../src/pipeline/types.ts';

const draft: RecordDraft = {
  ts: '2026-11-21T08:00:00.000Z',
  id: 'abcdefgh2345',
  session: 'web-1a2b3c',
  via: 'connect',
  host: 'api.example',
  port: 443,
  method: 'GET',
  path: '/a?x=',
  status: 200,
  verdict: 'allow',
  stage: 'none',
  rule: 'allow.0',
  reason: '',
  findings: [{ detector: 'github-token', where: 'query x', length: 40, fingerprint: '0123456789abcdef' }],
  injected: ['API'],
  bytes_out: 0,
  bytes_in: 12,
  ms: 3,
};

test('a record is one line whose keys stand in the order of the contract, whatever order the draft has', () => {
  const shuffled = Object.fromEntries(Object.entries(draft).reverse()) as unknown as RecordDraft;
  expect(formatRecord(shuffled, 'feed')).toBe(
    '{"v":1,"ts":"2026-11-21T08:00:00.000Z","id":"abcdefgh2345","session":"web-1a2b3c","via":"connect","host":"api.example",' +
      '"port":443,"method":"GET","path":"/a?x=","status":200,"verdict":"allow","stage":"none","rule":"allow.0","reason":"",' +
      '"findings":[{"detector":"github-token","where":"query x","length":40,"fingerprint":"0123456789abcdef"}],' +
      '"injected":["API"],"bytes_out":0,"bytes_in":12,"ms":3,"prev":"feed"}\n',
  );
});

test('fields that the contract does not know never reach the log', () => {
  const tooMuch = {
    ...draft,
    body: 'the request body',
    findings: [{ ...draft.findings[0]!, start: 3, end: 43, text: 'the matched text' }],
  };
  const line = formatRecord(tooMuch, '');
  expect(line).not.toContain('the ');
  expect(Object.keys(JSON.parse(line).findings[0])).toEqual(['detector', 'where', 'length', 'fingerprint']);
});

describe('a hostile path cannot break the line, the terminal or the encoding', () => {
  test.each([
    ['newlines', '/a\nb\r\nc'],
    ['escape sequences', '/\u001b[2J\u0007\u0000'],
    ['DEL and C1', '/\u007f\u0085\u009b31m'],
    ['line and paragraph separators', '/\u2028\u2029'],
    ['bidirectional controls', '/\u202egnp.exe\u2066'],
    ['lone surrogates', '/\ud800x\udfff'],
    ['quotes and backslashes', '/"\\"},{"v":1'],
    ['emoji and other scripts', '/😀/é/漢字'],
  ])('%s', (_, path) => {
    const line = formatRecord({ ...draft, path, host: path }, '');
    expect(line).toMatch(
      /^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ud800-\udbff]*(?:[\ud800-\udbff][\udc00-\udfff][^\n]*)?\n$/,
    );
    expect(JSON.parse(line)).toMatchObject({ path, host: path });
    expect(Buffer.from(line).toString()).toBe(line);
  });
});

test('the chain hash is SHA-256 of the line, 32 hex digits', () => {
  expect(chainHash('abc')).toBe(createHash('sha256').update('abc').digest('hex').slice(0, 32));
});

test('ids are 12 characters of base32 and do not repeat', () => {
  const ids = Array.from({ length: 20_000 }, () => newRecordId());
  expect(ids.every((id) => /^[a-z2-7]{12}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
});
