// What one request to a model API spends: refused once a bound is reached, counted by what the answer says that it used. Where the answer does not
// say, or the agent leaves before it does, the rest is taken from bytes, rather too much than too little.
import type { ErrorShape, RecordedUsage } from '../contract.ts';
import { splitTarget } from '../pipeline/target.ts';
import type { Refusal } from '../pipeline/types.ts';
import { AnswerEnds, LAST_BYTES } from '../spend/answer-ends.ts';
import { type Call, readCall, UNKNOWN_CALL } from '../spend/call.ts';
import type { PriceList, Rate } from '../spend/prices.ts';
import { addUsage, largerUsage, NO_USAGE, tokensOf, type Usage } from '../spend/usage.ts';
import { UsageScan } from '../spend/usage-scan.ts';
import type { ResponseHead } from './h1/response-head.ts';
import type { Meter } from './meter.ts';
import { refusalOf } from './quota-refusal.ts';
import { createResponseDecoder, type DecodedSink, type ResponseDecoder } from './response-decoder.ts';

export interface SpendingRequest {
  readonly method: string;
  readonly rawHeaders: readonly string[];
  /** As it is sent. */
  readonly target: string;
  readonly isWebSocket: boolean;
}

/** A quota that bounds spending, and what it says of prices. */
export interface SpendMeter {
  readonly meter: Meter;
  readonly prices: PriceList;
}

/** How the exchange ended, as far as the answer goes. */
export type AnswerEnd = 'complete' | 'cut' | /** The upstream went away before it answered. */ 'lost';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const OVERRIDE = /^x[-_](?:http[-_])?method/i;
/** They cost nothing, and say no usage. */
const COUNTS_ONLY = /(?:\/count_tokens|:countTokens)$/;
/** Bytes that are taken for one token where nobody says: of requests and JSON, and of events, which carry few tokens each. */
const TOKEN_BYTES = 2;
const EVENT_TOKEN_BYTES = 4;
/** What an answer may hold behind its usage. */
const SLACK_BYTES = LAST_BYTES;
/** Tokens of an answer that nobody waited for, where the request does not bound them. */
const UNSEEN_OUTPUT = 4096;

export class Spending implements DecodedSink {
  private readonly meters: readonly (SpendMeter & { charged: number })[];
  private readonly errorShape: ErrorShape;
  private readonly request: SpendingRequest;
  private readonly now: () => number;
  private readonly quote: (text: string) => string;
  private readonly scan = new UsageScan((usage) => this.onUsage(usage));
  private readonly ends = new AnswerEnds(this.scan);
  private call: Call = UNKNOWN_CALL;
  private rates: readonly (Rate | null)[] = [];
  private decoder: ResponseDecoder | null = null;
  private status = 0;
  private isEvents = false;
  private isUnreadable = false;
  private isSent = false;
  private isSettled = false;
  private isEstimated = false;
  private hasUsage = false;
  private chargedTokens = 0;
  /** Of the answer that passes, and of the ones before it on this WebSocket. */
  private current: Usage = NO_USAGE;
  private past: Usage = NO_USAGE;
  /** What a WebSocket's agent sent since the last usage. */
  private askedBytes = 0;

  constructor(
    meters: readonly SpendMeter[],
    errorShape: ErrorShape,
    request: SpendingRequest,
    now: () => number,
    quote: (text: string) => string,
  ) {
    this.meters = meters.map(({ meter, prices }) => ({ meter, prices, charged: 0 }));
    this.errorShape = errorShape;
    this.request = request;
    this.now = now;
    this.quote = quote;
    this.rates = this.meters.map(({ prices }) => rateOrNull(prices, []));
  }

  /** Is there anything left? Asked before a request, and before each message of a WebSocket. */
  refusal(): Refusal | null {
    if (!this.isCall) return null;
    const now = this.now();
    for (const { meter } of this.meters) {
      const { quota } = meter;
      const { tokens, tokensPerMinute, costUsd } = quota.spend!;
      const spent = meter.spent(now);
      const refuse = (bound: string, reason: string, fix = 'start a new session, or raise'): Refusal =>
        refusalOf(quota, bound, reason, fix, this.errorShape);
      if (tokens !== null && spent.tokens >= tokens) {
        return refuse('tokens', `this session has used ${spent.tokens} tokens of ${tokens}`);
      }
      if (costUsd !== null && spent.usd >= costUsd) {
        return refuse('cost_usd', `this session has spent ${dollars(spent.usd)} of ${dollars(costUsd)}`);
      }
      if (tokensPerMinute !== null && spent.minuteTokens >= tokensPerMinute) {
        const reason = `${spent.minuteTokens} tokens in the last minute, of ${tokensPerMinute}`;
        return refuse('tokens_per_minute', reason, 'wait a minute, or raise');
      }
    }
    return null;
  }

  /** `body`: whole and readable; null = it is not, or there is none. What the model costs must be known where cost is bounded. */
  readRequest(body: Buffer | null): Refusal | null {
    this.call = readCall(this.request.target, body ?? NOTHING);
    if (!this.isCall) return null;
    const rates: (Rate | null)[] = [];
    for (const { meter, prices } of this.meters) {
      const { quota } = meter;
      const found = prices.rateOf(this.call.models);
      if ('without' in found && quota.spend?.costUsd !== null) {
        const model = this.quote(found.without).slice(0, 80);
        const reason = `nobody says what the model ${JSON.stringify(model)} costs`;
        return refusalOf(
          quota,
          'prices',
          reason,
          `add ${JSON.stringify(model)}: { input: USD, output: USD } to`,
          this.errorShape,
        );
      }
      rates.push(rateOrNull(prices, this.call.models));
    }
    this.rates = rates;
    return null;
  }

  onSent(): void {
    this.isSent = true;
  }

  // ---------------------------------------------------------------- the answer, as it passes

  /** `isDecoded`: it is decoded by somebody else, and comes as `content`. */
  begin(head: ResponseHead, isDecoded: boolean): void {
    this.status = head.status;
    const { contentEncoding } = head;
    this.isEvents = isEventStream(head.rawHeaders);
    if (isDecoded || contentEncoding === '' || contentEncoding === 'identity' || head.body === 'none') return;
    this.decoder = createResponseDecoder(contentEncoding, this);
    this.isUnreadable = this.decoder === null;
  }

  push(chunk: Buffer): void {
    if (this.isUnreadable) this.scan.bytesSince += chunk.length;
    else if (this.decoder === null) this.ends.push(chunk);
    else this.decoder.push(chunk);
  }

  content(chunk: Buffer): void {
    this.ends.push(chunk);
  }

  onDecoded(chunk: Buffer): boolean {
    this.ends.push(chunk);
    return true;
  }

  onDecodedEnd(): void {}

  onUndecodable(): void {
    this.isUnreadable = true;
  }

  // ---------------------------------------------------------------- a WebSocket

  asked(bytes: number): void {
    this.askedBytes += bytes;
  }

  /** Each message says for itself what it used. */
  messageEnd(): void {
    this.ends.end();
    this.past = addUsage(this.past, this.current);
    this.current = NO_USAGE;
    this.scan.reset();
  }

  // ---------------------------------------------------------------- counting

  private get isCall(): boolean {
    const { method, isWebSocket, rawHeaders } = this.request;
    if (isWebSocket || !SAFE_METHODS.has(method)) return true;
    return rawHeaders.some((text, index) => index % 2 === 0 && OVERRIDE.test(text));
  }

  private onUsage(usage: Usage): void {
    this.current = largerUsage(this.current, usage);
    this.hasUsage = true;
    this.askedBytes = 0;
    this.charge(addUsage(this.past, this.current));
  }

  /** The difference to what was counted before. */
  private charge(usage: Usage): void {
    const now = this.now();
    const tokens = Math.max(0, tokensOf(usage) - this.chargedTokens);
    this.chargedTokens += tokens;
    for (const [index, one] of this.meters.entries()) {
      const usd = Math.max(0, this.costOf(index, usage) - one.charged);
      one.charged += usd;
      if (tokens > 0 || usd > 0) one.meter.spend(tokens, usd, now);
    }
  }

  private costOf(index: number, usage: Usage): number {
    const rate = this.rates[index];
    if (rate == null) return 0;
    // A cost that was to be reported and was not: nothing may follow it.
    return rate(usage) ?? this.meters[index]!.meter.quota.spend?.costUsd ?? 0;
  }

  /** What the record says of it; null = nothing was spent. Fine to call twice. */
  settle(end: AnswerEnd, sentBytes: number): RecordedUsage | null {
    if (!this.isSettled) {
      this.isSettled = true;
      this.decoder?.close();
      this.ends.end();
      const unsaid = this.unsaid(end, sentBytes);
      const usage = addUsage(addUsage(this.past, this.current), unsaid);
      this.isEstimated = tokensOf(unsaid) > 0;
      this.current = usage;
      this.past = NO_USAGE;
      this.charge(usage);
    }
    if (this.chargedTokens === 0) return null;
    const { input, cacheRead, cacheWrite, output } = this.current;
    const priced = this.rates.findIndex((rate) => rate !== null);
    return {
      input_tokens: input + cacheRead + cacheWrite,
      output_tokens: output,
      cost_usd: priced === -1 ? null : Math.round(this.meters[priced]!.charged * 1e6) / 1e6,
      estimated: this.isEstimated,
    };
  }

  /** What nobody said, from bytes. */
  private unsaid(end: AnswerEnd, sentBytes: number): Usage {
    const { call, request, hasUsage, status } = this;
    if (!this.isSent || !this.isCall || COUNTS_ONLY.test(splitTarget(request.target).path)) return NO_USAGE;
    if (status === 0) {
      if (end === 'lost') return NO_USAGE;
      // It left before the answer began, which is made and paid all the same.
      const output = call.isStream ? 0 : (call.mostOutput ?? UNSEEN_OUTPUT);
      return { ...NO_USAGE, input: Math.ceil(sentBytes / TOKEN_BYTES), output };
    }
    if (status >= 300) return NO_USAGE;
    const asked = request.isWebSocket ? this.askedBytes : hasUsage ? 0 : sentBytes;
    const slack = request.isWebSocket || (end === 'complete' && hasUsage) ? SLACK_BYTES : 0;
    const bytes = this.scan.bytesSince > slack ? this.scan.bytesSince : 0;
    const guess = Math.ceil(
      bytes / (this.isUnreadable ? 1 : this.isEvents || request.isWebSocket ? EVENT_TOKEN_BYTES : TOKEN_BYTES),
    );
    const most = Math.max(0, (call.mostOutput ?? Number.POSITIVE_INFINITY) - this.current.output);
    return { ...NO_USAGE, input: Math.ceil(asked / TOKEN_BYTES), output: Math.min(guess, most) };
  }
}

const NOTHING = Buffer.alloc(0);

function rateOrNull(prices: PriceList, models: readonly string[]): Rate | null {
  const found = prices.rateOf(models);
  return 'rate' in found && !prices.isEmpty ? found.rate : null;
}

function isEventStream(rawHeaders: readonly string[]): boolean {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-type');
  return at !== -1 && /^text\/event-stream\b/i.test(rawHeaders[at + 1]!);
}

const dollars = (usd: number): string => `${Number(usd.toFixed(4))} US dollars`;
