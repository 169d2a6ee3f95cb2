import { describe, expect, it } from 'vitest';
import type { AgentStream } from '../../../src/net/agent.ts';
import { HoldBudget } from '../../../src/net/hold-budget.ts';
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
    const body = new RequestBody(agent().stream, 10, new HoldBudget(100));
    const held = body.hold();
    body.onBody(piece(4));
    body.onBody(piece(6));
    body.onBodyEnd(['X-T', '1']);
    expect(await held).toBe('whole');
    expect(body.whole()).toEqual({ bytes: piece(10), rawTrailers: ['X-T', '1'] });
  });

  it('is large past the limit: the agent waits, and what was held is pumped before what comes', async () => {
    const { stream, log } = agent();
    const body = new RequestBody(stream, 10, new HoldBudget(100));
    const held = body.hold();
    body.onBody(piece(11));
    expect(await held).toBe('large');
    // The read that passed the limit may hold more.
    body.onBody(piece(3));
    expect(log).toEqual(['read', 'pause']);
    const sizes: (number | string)[] = [];
    body.pump({ onPiece: (bytes) => sizes.push(bytes.length), onEnd: () => sizes.push('end') });
    body.onBody(piece(5));
    body.onBodyEnd([]);
    expect(sizes).toEqual([11, 3, 5, 'end']);
    expect(log).toEqual(['read', 'pause', 'resume']);
  });

  it('is large, too, when all bodies together stand at their limit, until others are released', async () => {
    const budget = new HoldBudget(15);
    const first = new RequestBody(agent().stream, 10, budget);
    void first.hold();
    first.onBody(piece(10));
    const second = new RequestBody(agent().stream, 10, budget);
    const held = second.hold();
    second.onBody(piece(6));
    expect(await held).toBe('large');
    first.release();
    first.release();
    second.release();
    expect(budget.take(15)).toBe(true);
    expect(budget.take(1)).toBe(false);
  });
});
