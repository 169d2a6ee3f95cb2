import { describe, expect, it, vi } from 'vitest';
import { StaleSecrets } from '../../../src/cores/stale-secrets.ts';
import { LateAnswer } from '../../../src/net/late-answer.ts';

function setting(renewable: readonly string[] = []) {
  const said: string[] = [];
  const clock = { now: 0 };
  return {
    said,
    clock,
    stale: new StaleSecrets(
      (name) => said.push(name),
      new Set(renewable),
      () => clock.now,
    ),
  };
}

describe('a secret that services refuse', () => {
  it('is said once a second, and nobody waits where nobody renews', () => {
    const { said, clock, stale } = setting();
    for (const now of [0, 999, 1000, 1500]) {
      clock.now = now;
      expect(stale.note(['A'])).toBeNull();
    }
    expect(said).toEqual(['A', 'A']);
  });

  it('that can be renewed lets all its answers wait for one trial, and those of others not', async () => {
    const { said, stale } = setting(['A', 'B']);
    const first = stale.note(['A']);
    expect(stale.note(['A'])).toBe(first);
    expect(stale.note(['C'])).toBeNull();
    expect(stale.note(['C', 'B'])).toBe(first);
    stale.tried();
    await first;
    // Within the second: it has been tried.
    expect(stale.note(['A'])).toBeNull();
    expect(said).toEqual(['A', 'C', 'B']);
    stale.tried();
  });

  it('that nobody has a word about keeps an answer for ten seconds', async () => {
    vi.useFakeTimers();
    try {
      const { stale } = setting(['A']);
      let isOver = false;
      void stale.note(['A'])?.then(() => {
        isOver = true;
      });
      await vi.advanceTimersByTimeAsync(9_999);
      expect(isOver).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(isOver).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a late answer', () => {
  it('comes in its order, once', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen: string[] = [];
    const late = new LateAnswer(promise, () => seen.push('out'));
    late.add(0, () => seen.push('head'));
    late.add(10, () => seen.push('body'));
    expect(seen).toEqual([]);
    resolve();
    await promise;
    await Promise.resolve();
    late.release();
    expect(seen).toEqual(['out', 'head', 'body']);
  });

  it('that is large does not wait', () => {
    const seen: string[] = [];
    const late = new LateAnswer(new Promise(() => undefined), () => seen.push('out'));
    late.add(64 * 1024, () => seen.push('a'));
    expect(seen).toEqual([]);
    late.add(1, () => seen.push('b'));
    expect(seen).toEqual(['out', 'a', 'b']);
  });
});
