import { describe, expect, it } from 'vitest';
import type { Expiry, Route } from '../../../src/contract.ts';
import { createExpiries } from '../../../src/pipeline/expiry.ts';
import { routeTo } from '../../integration/harness/config.ts';

const START = Date.parse('2031-05-01T12:00:00Z');

function at(wallMs: number, elapsedMs: number, ...expires: readonly Expiry[]) {
  const route: Route = routeTo('api.example', expires.length === 0 ? {} : { expires });
  const expiries = createExpiries({ wallMs: () => wallMs, elapsedMs: () => elapsedMs });
  return { left: expiries.leftMs(route), refusal: expiries.refusal(route) };
}

const HOURS: Expiry = { name: 'allow.0.expires', afterMs: 7_200_000 };
const TIME: Expiry = { name: 'secrets.K.expires', at: '2031-05-01T13:00:00.000Z' };

describe('a route', () => {
  it('without an end has none', () => {
    expect(at(START, 0)).toEqual({ left: null, refusal: null });
  });

  it.each([
    ['before it', START, 0, HOURS, 7_200_000, false],
    ['at it', START, 7_200_000, HOURS, 0, true],
    ['after it, whatever the wall clock says', START - 1e9, 7_200_001, HOURS, -1, true],
    ['before it, whatever the wall clock says', START + 1e9, 7_199_999, HOURS, 1, false],
    ['before a time', START + 3_599_999, 0, TIME, 1, false],
    ['at a time, however long it ran', START + 3_600_000, 0, TIME, 0, true],
    ['with a time that nobody can read', START, 0, { ...TIME, at: 'soon' }, Number.NaN, true],
  ])('%s', (_, wall, elapsed, expiry, left, isOver) => {
    const got = at(wall, elapsed, expiry);
    expect(got.left).toBe(left);
    expect(got.refusal !== null).toBe(isOver);
  });

  it('ends with the first of several, and says which and what to do', () => {
    const got = at(START + 3_600_000, 3_600_000, HOURS, TIME);
    expect(got.left).toBe(0);
    expect(got.refusal).toMatchObject({
      ...{ stage: 'policy', rule: 'expired' },
      reason: 'secrets.K.expires allows it until 2031-05-01T13:00:00.000Z, which is over (allow.api.example)',
      fix: 'start a new session, or set secrets.K.expires in the spec to a later time',
    });
    expect(at(START, 7_200_000, HOURS).refusal?.reason).toBe(
      'allow.0.expires allows it for 2h, which is over (allow.api.example)',
    );
  });
});
