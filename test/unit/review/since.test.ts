import { describe, expect, test } from 'vitest';
import { parseSince } from '../../../src/review/since.ts';

const now = new Date(2031, 4, 1, 12, 0, 0).getTime();

describe('--since', () => {
  test.each([
    ['90s', now - 90_000],
    ['10m', now - 600_000],
    ['1h30m', now - 5_400_000],
    ['2d', now - 172_800_000],
    ['1w', now - 604_800_000],
    ['11:30', new Date(2031, 4, 1, 11, 30).getTime()],
    ['11:30:15', new Date(2031, 4, 1, 11, 30, 15).getTime()],
    ['2031-05-01', new Date(2031, 4, 1).getTime()],
    ['2031-05-01T10:00:00Z', Date.UTC(2031, 4, 1, 10)],
  ])('%s is understood', (text, at) => {
    expect(parseSince(text, now)).toBe(at);
  });

  test('a time of day that is still to come was yesterday', () => {
    expect(parseSince('23:00', now)).toBe(new Date(2031, 3, 30, 23).getTime());
  });

  test.each(['', 'yesterday', '10', '10 m', '-5m', '25:00', '10:61', '2031-13-01', '5', '1e3s'])(
    '%j is refused',
    (text) => {
      expect(parseSince(text, now)).toBeNull();
    },
  );
});
