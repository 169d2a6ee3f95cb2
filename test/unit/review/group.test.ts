import { describe, expect, test } from 'vitest';
import { groupRecords } from '../../../src/review/group.ts';
import { finding, record } from './records.ts';

const refused = (parts: Parameters<typeof record>[0]) =>
  record({ verdict: 'block', stage: 'policy', rule: 'not-allowed', status: 403, host: 'evil.example', ...parts });

describe('records become one row for each thing to fix', () => {
  test('requests to one unlisted host are one row, with what was asked and the latest id', () => {
    const last = refused({ ts: '2031-05-01T13:00:00.000Z', method: 'POST', path: '/upload/7?k=' });
    const [group, ...others] = groupRecords([
      refused({ path: '/a' }),
      refused({ path: '/a' }),
      refused({ method: 'POST', path: '/upload/6' }),
      last,
    ]);
    expect(others).toEqual([]);
    expect(group).toMatchObject({
      host: 'evil.example',
      count: 4,
      lastId: last.id,
      lastTs: last.ts,
      shapes: [
        { method: 'GET', path: '/a', count: 2 },
        { method: 'POST', path: '/upload/*', count: 2 },
      ],
    });
  });

  test('another host, port, rule or detector is another row', () => {
    const groups = groupRecords([
      refused({}),
      refused({ host: 'other.example' }),
      refused({ port: 8443 }),
      refused({ rule: 'deny.0' }),
      refused({ stage: 'dlp', rule: 'allow.0', findings: [finding('jwt')] }),
      refused({ stage: 'dlp', rule: 'allow.0', findings: [finding('github-token')] }),
      refused({ stage: 'dlp', rule: 'allow.0', findings: [finding('jwt', 'header x'), finding('github-token')] }),
      refused({ stage: 'dlp', rule: 'allow.0', findings: [finding('github-token'), finding('jwt'), finding('jwt')] }),
    ]);
    expect(groups).toHaveLength(7);
  });

  test('refusals come first, then what happened most', () => {
    const groups = groupRecords([
      record({ host: 'busy.example' }),
      record({ host: 'busy.example' }),
      record({ host: 'redacted.example', verdict: 'redact' }),
      refused({ host: 'once.example' }),
      refused({ host: 'twice.example' }),
      refused({ host: 'twice.example' }),
    ]);
    expect(groups.map(({ host }) => host)).toEqual([
      'twice.example',
      'once.example',
      'redacted.example',
      'busy.example',
    ]);
  });

  test('the latest record is found whatever the order of the file', () => {
    const early = refused({ ts: '2031-05-01T10:00:00.000Z', reason: 'early' });
    const late = refused({ ts: '2031-05-01T11:00:00.000Z', reason: 'late' });
    expect(groupRecords([late, early])[0]).toMatchObject({ lastId: late.id, reason: 'late', firstTs: early.ts });
  });
});

describe('name look-ups', () => {
  const lookup = (host: string, parts: Parameters<typeof record>[0] = {}) =>
    record({ via: 'dns', method: 'A', path: '', status: 0, port: 53, host, ...parts });

  test('join the row of their host', () => {
    const groups = groupRecords([lookup('evil.example'), lookup('evil.example'), refused({}), record({})]);
    expect(groups.map(({ host, count, lookups }) => [host, count, lookups])).toEqual([
      ['evil.example', 1, 2],
      ['api.example', 1, 0],
    ]);
  });

  test('of a host that was never called are a row of their own, without a port', () => {
    expect(groupRecords([lookup('only-asked.example')])).toMatchObject([
      { host: 'only-asked.example', port: 0, count: 0, lookups: 1, shapes: [] },
    ]);
  });

  test('of many names below one parent, a way to carry data, are one row', () => {
    const names = ['aa', 'bb', 'cc', 'dd'].map((label) => lookup(`${label}.x.evil.example`, { verdict: 'block' }));
    expect(groupRecords(names)).toMatchObject([{ host: '*.evil.example', lookups: 4 }]);
  });

  test('that carried a secret stay visible beside requests to the same host', () => {
    const groups = groupRecords([
      refused({}),
      lookup('evil.example', { verdict: 'block', stage: 'dlp', findings: [finding('placeholder')] }),
    ]);
    expect(groups).toHaveLength(2);
  });
});
