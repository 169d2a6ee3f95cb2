import { describe, expect, test } from 'vitest';
import { parseStoredSession, pickSession, type StoredSession } from '../../../src/state/stored-session.ts';

const session = (id: string, startedAt: string): StoredSession => ({
  v: 1,
  id,
  name: id.slice(0, -7),
  pid: 1,
  startedAt,
  endedAt: null,
  exitCode: null,
});

const sessions = [
  session('web-shop-aaaaaa', '2031-05-01T10:00:00.000Z'),
  session('web-shop-bbbbbb', '2031-05-01T12:00:00.000Z'),
  session('api-cccccc', '2031-05-01T11:00:00.000Z'),
];

describe('a name or id finds its session', () => {
  test.each([
    [undefined, 'web-shop-bbbbbb'],
    ['web-shop', 'web-shop-bbbbbb'],
    ['web-shop-aaaaaa', 'web-shop-aaaaaa'],
    ['api', 'api-cccccc'],
    ['api-c', 'api-cccccc'],
    ['web-shop-a', 'web-shop-aaaaaa'],
    ['web', undefined],
    ['nothing', undefined],
  ])('%s means %s', (query, id) => {
    expect(pickSession(sessions, query)?.id).toBe(id);
  });
});

describe('session.json', () => {
  test('is read back as it was written', () => {
    expect(parseStoredSession(JSON.stringify({ ...sessions[0], more: 1 }))).toEqual(sessions[0]);
  });

  test.each(['', '{', '[]', 'null', '{"id":"x"}', '{"id":1,"name":"x","startedAt":"y"}'])(
    '%j is no session',
    (text) => {
      expect(parseStoredSession(text)).toBeNull();
    },
  );
});
