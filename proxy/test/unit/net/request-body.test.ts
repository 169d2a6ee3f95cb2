import { describe, expect, it } from 'vitest';
import type { AgentStream } from '../../../src/net/agent.ts';
import { HoldBudget } from '../../../src/net/hold-budget.ts';
import { newQuotaMemory, Quotas, UNBOUNDED } from '../../../src/net/quotas.ts';
import { RequestBody } from '../../../src/net/request-body.ts';

/** An agent that sends when the test says so; only what a body needs. */
function agent(): { stream: AgentStream; log: string[] } {
  const log: string[] = [];
  const stream = {
    readBody: () => log.push('read'),
    pauseBody: () => log.push('pause'),
    resumeBody: () => log.push('resume'),
  };
  // The other side of the interface is for responses.
  return { stream: stream as unknown as AgentStream, log };
}

const piece = (size: number): Buffer => Buffer.alloc(size, 'x');

describe('a body of a request', () => {
  it('is whole when it ends within the limit', async () => {
    const body = new RequestBody(agent().stream, 10, new HoldBudget(100), UNBOUNDED);
    const held = body.hold();
    body.onBody(piece(4));
    body.onBody(piece(6));
    body.onBodyEnd(['X-T', '1']);
    expect(await held).toBe('whole');
    expect(body.whole()).toEqual({ bytes: piece(10), rawTrailers: ['X-T', '1'] });
  });

  it('is large past the limit: the agent waits, and what was held is pumped before what comes', async () => {
    const { stream, log } = agent();
    const body = new RequestBody(stream, 10, new HoldBudget(100), UNBOUNDED);
    const held = body.hold();
    body.onBody(piece(11));
    expect(await held).toBe('large');
    // The read that passed the limit may hold more.
    body.onBody(piece(3));
    expect(log).toEqual(['read', 'pause']);
    const sizes: (number | string)[] = [];
    body.pump({
      onPiece: (bytes) => sizes.push(bytes.length),
      onEnd: () => sizes.push('end'),
      onRefused: () => sizes.push('refused'),
    });
    body.onBody(piece(5));
    body.onBodyEnd([]);
    expect(sizes).toEqual([11, 3, 5, 'end']);
    expect(log).toEqual(['read', 'pause', 'resume']);
  });

  it('is large, too, when all bodies together stand at their limit, until others are released', async () => {
    const budget = new HoldBudget(15);
    const first = new RequestBody(agent().stream, 10, budget, UNBOUNDED);
    void first.hold();
    first.onBody(piece(10));
    const second = new RequestBody(agent().stream, 10, budget, UNBOUNDED);
    const held = second.hold();
    second.onBody(piece(6));
    expect(await held).toBe('large');
    first.release();
    first.release();
    second.release();
    expect(budget.take(15)).toBe(true);
    expect(budget.take(1)).toBe(false);
  });

  const quota = { name: 'egress.limits', requestBytes: 10, requestsPerMinute: null, totalBytes: null };
  const bounded = () => {
    const config = { quota, routes: [] };
    const begun = new Quotas(config, newQuotaMemory(config)).begin({ quota: null, errorShape: 'plain' }, () => ({
      head: 9,
      body: 0,
    }));
    if (begun.do === 'refuse') throw new Error('nothing was sent yet');
    return begun.allowance;
  };

  it('is refused while it is held as soon as it is more than the agent may send', async () => {
    const body = new RequestBody(agent().stream, 100, new HoldBudget(100), bounded());
    const held = body.hold();
    body.onBody(piece(10));
    body.onBody(piece(1));
    expect(await held).toBe('refused');
    expect(body.refusal).toMatchObject({ stage: 'limit', rule: 'request_bytes' });
  });

  it('is refused while it is pumped, and the byte too many goes nowhere', async () => {
    const body = new RequestBody(agent().stream, 5, new HoldBudget(100), bounded());
    const held = body.hold();
    body.onBody(piece(6));
    expect(await held).toBe('large');
    const sizes: (number | string)[] = [];
    body.pump({
      onPiece: (bytes) => sizes.push(bytes.length),
      onEnd: () => sizes.push('end'),
      onRefused: ({ rule }) => sizes.push(rule),
    });
    body.onBody(piece(5));
    body.onBody(piece(1));
    body.onBodyEnd([]);
    expect(sizes).toEqual([6, 'request_bytes']);
  });
});
