// What the relay's own listeners took in while it probes itself: tells "captured by us" from "got out".

export interface Captures {
  add(key: string): void;
  /** True once the key was added; false when the time is over, in ms. */
  waitFor(key: string, timeoutMs: number): Promise<boolean>;
}

/** A TCP connection, named alike at both of its ends. */
export function tcpKey(clientPort: number | undefined, address: string | undefined, port: number | undefined): string {
  return `tcp ${clientPort} > ${address}:${port}`;
}

export function dnsKey(name: string): string {
  return `dns ${name}`;
}

export function createCaptures(): Captures {
  const seen = new Set<string>();
  const waiting = new Map<string, () => void>();
  return {
    add: (key) => {
      seen.add(key);
      waiting.get(key)?.();
    },
    waitFor: (key, timeoutMs) => {
      if (seen.has(key)) return Promise.resolve(true);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const timer = setTimeout(resolve, timeoutMs, false);
      waiting.set(key, () => {
        clearTimeout(timer);
        resolve(true);
      });
      return promise;
    },
  };
}

/** Outside the relay nothing is ever captured by ourselves. */
export const NO_CAPTURES: Captures = { add: () => {}, waitFor: () => Promise.resolve(false) };
