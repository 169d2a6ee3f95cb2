// What an agent may use up (contract: Quota): requests a minute, bytes of one request, bytes in all. The counts live in one piece
// of memory that all threads of the proxy can be given, so that they are right however many serve.
import type { ErrorShape, ProxyConfig, Quota, Route } from '../contract.ts';
import type { Refusal } from '../pipeline/types.ts';
import { PriceList } from '../spend/prices.ts';
import { Meter, meterBytes } from './meter.ts';
import { refusalOf } from './quota-refusal.ts';
import { Spending, type SpendingRequest, type SpendMeter } from './spending.ts';

type SpendingRoute = Pick<Route, 'quota' | 'errorShape'>;
type Quotable = Pick<ProxyConfig, 'quota'> & { readonly routes: readonly Pick<Route, 'quota'>[] };

/** What one request may use; asked before any of its bytes moves on. Both count, and answer with the refusal once it is too much. */
export interface Allowance {
  takeBody(bytes: number): Refusal | null;
  /** What follows an upgrade: no body, so only the sum counts. */
  takeTraffic(bytes: number): Refusal | null;
}

export type Begun =
  | { readonly do: 'go'; readonly allowance: Allowance }
  | { readonly do: 'refuse'; readonly refusal: Refusal };

/** What is counted of a request before it goes anywhere, in bytes. */
export interface RequestSize {
  readonly head: number;
  /** As announced; 0 when there is no body or nobody knows its length. */
  readonly body: number;
}

export const UNBOUNDED: Allowance = { takeBody: () => null, takeTraffic: () => null };

/** The memory behind the counts, zeroed: to be made once, and handed to each thread's `Quotas`. */
export function newQuotaMemory(config: Quotable): SharedArrayBuffer {
  return new SharedArrayBuffer(quotasOf(config).reduce((bytes, quota) => bytes + meterBytes(quota), 0));
}

export class Quotas {
  private readonly meters = new Map<string, Meter>();
  private readonly spendMeters = new Map<string, SpendMeter>();
  private readonly overall: Quota | null;
  private readonly now: () => number;

  /** `now` in ms; the default clock is the same in all threads. */
  constructor(config: Quotable, memory: SharedArrayBuffer, now: () => number = monotonicMs) {
    this.overall = config.quota;
    this.now = now;
    let at = 0;
    for (const quota of quotasOf(config)) {
      const meter = new Meter(quota, memory, at);
      this.meters.set(quota.name, meter);
      if (quota.spend !== undefined) {
        this.spendMeters.set(quota.name, { meter, prices: new PriceList(quota.spend.prices) });
      }
      at += meterBytes(quota);
    }
  }

  /** Counts a request that everything else lets through. */
  begin(route: Pick<Route, 'quota' | 'errorShape'>, size: () => RequestSize): Begun {
    if (route.quota === null && this.overall === null) return { do: 'go', allowance: UNBOUNDED };
    const { head, body } = size();
    const meters = [route.quota, this.overall].flatMap((quota) => this.meters.get(quota?.name ?? '') ?? []);
    const allowance = new MeteredRequest(meters, route.errorShape);
    const refusal = allowance.refusalOfSize(head, body) ?? this.takeRequest(meters, route.errorShape);
    return refusal === null ? { do: 'go', allowance } : { do: 'refuse', refusal };
  }

  /** What one request to a model API may spend; null = nobody bounds that. `target`: as it is sent. `quote` makes words of an agent fit for a message. */
  spendingOf(
    route: SpendingRoute,
    { method, rawHeaders, isWebSocket }: Omit<SpendingRequest, 'target'>,
    target: string,
    quote: (text: string) => string,
  ): Spending | null {
    const own = route.quota?.spend === undefined ? null : route.quota;
    const all =
      this.overall?.spend === undefined || (own === null && route.errorShape === 'plain') ? null : this.overall;
    if (own === null && all === null) return null;
    const meters = [own, all].flatMap((quota) => this.spendMeters.get(quota?.name ?? '') ?? []);
    const request = { method, rawHeaders, isWebSocket, target };
    return new Spending(meters, route.errorShape, request, this.now, quote);
  }

  private takeRequest(meters: readonly Meter[], errorShape: ErrorShape): Refusal | null {
    const now = this.now();
    for (const [index, meter] of meters.entries()) {
      const waitMs = meter.takeRequest(now);
      if (waitMs === 0) continue;
      // What is refused by one has used up nothing of the others.
      for (const before of meters.slice(0, index)) before.giveRequest();
      const { requestsPerMinute } = meter.quota;
      return refusalOf(
        meter.quota,
        'requests_per_minute',
        `more than ${requestsPerMinute} requests in a minute`,
        `wait ${Math.ceil(waitMs / 1000)} s, or raise`,
        errorShape,
      );
    }
    return null;
  }
}

class MeteredRequest implements Allowance {
  private readonly meters: readonly Meter[];
  private readonly errorShape: ErrorShape;
  private bodyBytes = 0;

  constructor(meters: readonly Meter[], errorShape: ErrorShape) {
    this.meters = meters;
    this.errorShape = errorShape;
  }

  /** By what it announces, so that a body that cannot pass is not even read. Takes the head's bytes. */
  refusalOfSize(head: number, body: number): Refusal | null {
    for (const meter of this.meters) {
      if (isAbove(body, meter.quota.requestBytes)) return this.tooLarge(meter.quota);
      if (!meter.hasBytes(head + body)) return this.usedUp(meter.quota);
    }
    return this.takeTraffic(head);
  }

  takeBody(bytes: number): Refusal | null {
    this.bodyBytes += bytes;
    const tooSmall = this.meters.find(({ quota }) => isAbove(this.bodyBytes, quota.requestBytes));
    return tooSmall === undefined ? this.takeTraffic(bytes) : this.tooLarge(tooSmall.quota);
  }

  takeTraffic(bytes: number): Refusal | null {
    for (const meter of this.meters) if (!meter.takeBytes(bytes)) return this.usedUp(meter.quota);
    return null;
  }

  private tooLarge(quota: Quota): Refusal {
    const reason = `the request's body is larger than ${quota.requestBytes} bytes`;
    return refusalOf(quota, 'request_bytes', reason, 'send less at once, or raise', this.errorShape);
  }

  private usedUp(quota: Quota): Refusal {
    const reason = `this session would have sent more than ${quota.totalBytes} bytes`;
    return refusalOf(quota, 'total_bytes', reason, 'start a new session, or raise', this.errorShape);
  }
}

function isAbove(value: number, bound: number | null): boolean {
  return bound !== null && value > bound;
}

/** One of each name, in a fixed order. */
function quotasOf(config: Quotable): readonly Quota[] {
  const all = [config.quota, ...config.routes.map(({ quota }) => quota)].filter((quota) => quota !== null);
  return [...new Map(all.map((quota) => [quota.name, quota])).values()];
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
