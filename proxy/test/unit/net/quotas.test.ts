import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { Quota } from '../../../src/contract.ts';
import { newQuotaMemory, Quotas, type RequestSize } from '../../../src/net/quotas.ts';

const bound = (name: string, more: Partial<Quota>): Quota => ({
  name,
  requestBytes: null,
  requestsPerMinute: null,
  totalBytes: null,
  ...more,
});

/** Quotas with a clock that the test turns. */
function counting(overall: Quota | null, ofRoute: Quota | null = null, ofOther: Quota | null = null) {
  const route = { quota: ofRoute, errorShape: 'plain' } as const;
  const other = { quota: ofOther, errorShape: 'plain' } as const;
  const config = { quota: overall, routes: [route, other] };
  const clock = { ms: 5 };
  const quotas = new Quotas(config, newQuotaMemory(config), () => clock.ms);
  const begin = (size: Partial<RequestSize> = {}, at: typeof route | typeof other = route): string => {
    const begun = quotas.begin(at, () => ({ head: 0, body: 0, ...size }));
    return begun.do === 'go' ? 'go' : begun.refusal.rule;
  };
  const allowance = (size: Partial<RequestSize> = {}) => {
    const begun = quotas.begin(route, () => ({ head: 0, body: 0, ...size }));
    if (begun.do === 'refuse') throw new Error(begun.refusal.reason);
    return begun.allowance;
  };
  return { quotas, route, other, clock, begin, allowance };
}

describe('requests in a minute', () => {
  it('are never more than the bound, in whatever minute one looks', () => {
    const { clock, begin } = counting(bound('egress.limits', { requestsPerMinute: 7 }));
    const passed: number[] = [];
    let seed = 42;
    for (let i = 0; i < 3000; i++) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      clock.ms += seed % 4000;
      if (begin() === 'go') passed.push(clock.ms);
    }
    for (const [index, at] of passed.entries()) {
      const sixth = passed[index + 7];
      if (sixth !== undefined) expect(sixth - at).toBeGreaterThanOrEqual(60_000);
    }
    // And as many as it allows: no minute is wasted by more than the step of the clock.
    expect(passed.length).toBeGreaterThan((clock.ms / 60_000) * 7 * 0.85);
  });

  it('say how long to wait, and what to raise', () => {
    const { quotas, route, clock } = counting(null, bound('allow.3.limits', { requestsPerMinute: 1 }));
    expect(quotas.begin(route, () => ({ head: 0, body: 0 })).do).toBe('go');
    clock.ms += 18_000;
    expect(quotas.begin(route, () => ({ head: 0, body: 0 }))).toMatchObject({
      refusal: {
        stage: 'limit',
        rule: 'requests_per_minute',
        reason: 'more than 1 requests in a minute (allow.3.limits.requests_per_minute)',
        fix: 'wait 42 s, or raise allow.3.limits.requests_per_minute in the spec',
      },
    });
  });

  it('that one bound refuses use up nothing of the other', () => {
    const own = bound('allow.0.limits', { requestsPerMinute: 3 });
    const { begin, other, route } = counting(bound('egress.limits', { requestsPerMinute: 2 }), own);
    expect([begin(), begin(), begin(), begin()]).toEqual(['go', 'go', 'requests_per_minute', 'requests_per_minute']);
    const alone = counting(bound('egress.limits', { requestsPerMinute: 3 }), own);
    expect([alone.begin(), alone.begin({}, alone.other), alone.begin(), alone.begin()]).toEqual([
      'go',
      'go',
      'go',
      'requests_per_minute',
    ]);
    expect(begin({}, other)).toBe('requests_per_minute');
    expect(route.quota).toBe(own);
  });

  it('may be none', () => {
    expect(counting(bound('egress.limits', { requestsPerMinute: 0 })).begin()).toBe('requests_per_minute');
  });
});

describe('bytes', () => {
  it('of one request are refused by what it announces, and as they come', () => {
    const { begin, allowance } = counting(bound('egress.limits', { requestBytes: 10 }));
    expect([begin({ head: 900, body: 10 }), begin({ body: 11 })]).toEqual(['go', 'request_bytes']);
    const one = allowance();
    expect(one.takeBody(10)).toBeNull();
    expect(one.takeBody(1)).toMatchObject({ rule: 'request_bytes' });
    expect(allowance().takeTraffic(100)).toBeNull();
  });

  it('in all count heads, bodies and traffic, on all routes that share the bound', () => {
    const shared = bound('allow.0.limits', { totalBytes: 100 });
    const { begin, allowance, other } = counting(null, shared, shared);
    const one = allowance({ head: 20 });
    expect(one.takeBody(30)).toBeNull();
    expect(one.takeTraffic(10)).toBeNull();
    expect(begin({ head: 40, body: 1 }, other)).toBe('total_bytes');
    expect(begin({ head: 40 }, other)).toBe('go');
    expect(one.takeBody(1)).toMatchObject({
      rule: 'total_bytes',
      reason: expect.stringContaining('allow.0.limits.total_bytes'),
    });
  });

  it('are not asked for where nothing is bounded', () => {
    const { quotas, route } = counting(null);
    const ask = (): RequestSize => {
      throw new Error('counting costs time');
    };
    expect(quotas.begin(route, ask).do).toBe('go');
  });
});

it('counts in several threads stand in the same memory, and are right to one', async () => {
  const config = { quota: bound('egress.limits', { requestsPerMinute: 5000, totalBytes: 1_000_003 }), routes: [] };
  const memory = newQuotaMemory(config);
  const module = JSON.stringify(new URL('../../../src/net/quotas.ts', import.meta.url).href);
  const program = `
    const { workerData, parentPort } = require('node:worker_threads');
    import(${module}).then(({ Quotas }) => {
      const quotas = new Quotas(workerData.config, workerData.memory);
      let requests = 0, bytes = 0;
      for (let i = 0; i < 4000; i++) {
        const begun = quotas.begin({ quota: null, errorShape: 'plain' }, () => ({ head: 0, body: 0 }));
        if (begun.do === 'refuse') continue;
        requests++;
        if (begun.allowance.takeBody(250) === null) bytes += 250;
      }
      parentPort.postMessage({ requests, bytes });
    });`;
  const counts = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise<{ requests: number; bytes: number }>((resolve, reject) => {
          new Worker(program, { eval: true, workerData: { config, memory } })
            .once('message', resolve)
            .once('error', reject);
        }),
    ),
  );
  expect(counts.reduce((sum, { requests }) => sum + requests, 0)).toBe(5000);
  expect(counts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(1_000_000);
});

describe('tokens and dollars', () => {
  const spend = { tokens: null, tokensPerMinute: null, costUsd: null, prices: [] };

  function spending(tokensPerMinute: number) {
    const quota = bound('egress.limits', { requestsPerMinute: 3, spend: { ...spend, tokensPerMinute } });
    const route = { quota: null, errorShape: 'openai' } as const;
    const config = { quota, routes: [route] };
    const clock = { ms: 5 };
    const memory = newQuotaMemory(config);
    const quotas = [0, 1].map(() => new Quotas(config, memory, () => clock.ms));
    const request = { method: 'POST', rawHeaders: [], isWebSocket: false };
    const call = (thread: number) => quotas[thread]!.spendingOf(route, request, '/', (text) => text)!;
    const answer = (tokens: number) => Buffer.from(JSON.stringify({ usage: { input_tokens: tokens } }));
    return { clock, call, answer, quotas, route };
  }

  it('of the last minute are those of all threads, and are forgotten after it', () => {
    const { clock, call, answer } = spending(100);
    call(0).content(answer(60));
    clock.ms += 30_000;
    expect(call(1).refusal()).toBeNull();
    call(1).content(answer(50));
    expect(call(0).refusal()).toMatchObject({
      ...{ stage: 'limit', rule: 'tokens_per_minute', errorShape: 'openai' },
      reason: '110 tokens in the last minute, of 100 (egress.limits.tokens_per_minute)',
    });
    clock.ms += 31_000;
    expect(call(0).refusal()).toBeNull();
    clock.ms += 30_000;
    call(0).content(answer(99));
    expect(call(1).refusal()).toBeNull();
  });

  it('stand beside the requests of a minute in the same memory', () => {
    const { call, answer, quotas, route } = spending(1e9);
    const begin = () => quotas[0]!.begin(route, () => ({ head: 0, body: 0 })).do;
    expect([begin(), begin(), begin(), begin()]).toEqual(['go', 'go', 'go', 'refuse']);
    call(0).content(answer(1e8));
    expect(begin()).toBe('refuse');
    expect(call(1).refusal()).toBeNull();
  });

  it('say nothing of an exchange that nothing bounds', () => {
    const route = { quota: null, errorShape: 'anthropic' } as const;
    const config = { quota: bound('egress.limits', { requestsPerMinute: 3 }), routes: [route] };
    const quotas = new Quotas(config, newQuotaMemory(config));
    expect(
      quotas.spendingOf(route, { method: 'POST', rawHeaders: [], isWebSocket: false }, '/', (text) => text),
    ).toBeNull();
  });
});
