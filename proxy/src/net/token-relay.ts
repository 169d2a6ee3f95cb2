// The way back of an exchange whose answer may hold tokens: read whole, tokens kept here, and only then passed on with placeholders.
import type { Route, TokenAnswers } from '../contract.ts';
import type { ResponseGuard } from '../pipeline/types.ts';
import { readAnswer } from '../tokens/read-answer.ts';
import { compileFields } from '../tokens/token-fields.ts';
import type { AgentStream } from './agent.ts';
import { withoutHttp3 } from './alt-svc.ts';
import type { ExchangeAccount } from './exchange-account.ts';
import { fieldValue, withField, withoutFields } from './h1/fields.ts';
import type { ResponseHead } from './h1/response-head.ts';
import type { TokenRule } from './refusals.ts';
import { createResponseDecoder, type DecodedSink, type ResponseDecoder } from './response-decoder.ts';
import type { Relay, RelayOwner } from './response-relay.ts';
import type { Services } from './services.ts';

export interface TokenRelayOwner extends RelayOwner {
  /** Tokens may be in it that could not be kept. `why`: of the answer, in words. */
  onTokensUnread(rule: TokenRule, why: string): void;
  onFailure(error: unknown): void;
}

export interface TokenRelayParts {
  readonly services: Services;
  readonly route: Route;
  readonly tokens: TokenAnswers;
  readonly agent: AgentStream;
  /** For what was known before; null = nothing was. */
  readonly guard: ResponseGuard | null;
  readonly account: ExchangeAccount;
  readonly owner: TokenRelayOwner;
}

/** A part of an answer can be cut so that it reads as another one. */
const PARTIAL = 206;
/** They say what the body was. */
const DIGESTS = ['content-md5', 'digest', 'content-digest', 'repr-digest'];

export class TokenRelay implements Relay, DecodedSink {
  isBegun = false;
  readonly guard: ResponseGuard | null;
  private readonly parts: TokenRelayParts;
  private head: ResponseHead | null = null;
  private decoder: ResponseDecoder | null = null;
  private chunks: Buffer[] = [];
  private size = 0;
  private rawTrailers: readonly string[] = [];
  private isOver = false;

  constructor(parts: TokenRelayParts) {
    this.parts = parts;
    this.guard = parts.guard;
  }

  /** Nobody has read the answer yet, and an interim one may quote it. */
  interim(): void {}

  begin(head: ResponseHead): void {
    this.head = head;
    if (head.status === PARTIAL) {
      this.refuse('token-answer', 'it is a part of one');
      return;
    }
    const isEncoded = head.contentEncoding !== '' && head.contentEncoding !== 'identity';
    if (!isEncoded || head.body === 'none') return;
    this.decoder = createResponseDecoder(head.contentEncoding, this);
    if (this.decoder === null) this.refuse('token-answer', 'its encoding is not known');
  }

  push(chunk: Buffer): void {
    if (this.isOver) return;
    this.parts.account.bytesIn += chunk.length;
    if (this.decoder === null) this.hold(chunk);
    else this.decoder.push(chunk);
  }

  end(rawTrailers: readonly string[]): void {
    this.rawTrailers = rawTrailers;
    if (this.isOver) return;
    if (this.decoder === null) this.onDecodedEnd();
    else this.decoder.end();
  }

  flush(): void {
    if (this.isBegun) this.parts.agent.flush();
  }

  onAgentDrain(): void {
    this.flush();
  }

  stop(): void {
    this.isOver = true;
    this.chunks = [];
    this.decoder?.close();
  }

  onDecoded(bytes: Buffer): boolean {
    this.hold(bytes);
    return !this.isOver;
  }

  onDecodedEnd(): void {
    if (this.isOver) return;
    this.answer().catch((error: unknown) => this.parts.owner.onFailure(error));
  }

  onUndecodable(): void {
    this.refuse('token-answer', 'it cannot be decoded');
  }

  private hold(bytes: Buffer): void {
    if (this.isOver) return;
    this.size += bytes.length;
    if (this.size > this.parts.services.limits.holdBytes)
      this.refuse('token-answer', 'it is too large to be read whole');
    else this.chunks.push(Buffer.from(bytes));
  }

  private refuse(rule: TokenRule, why: string): void {
    if (this.isOver) return;
    this.stop();
    this.parts.owner.onTokensUnread(rule, why);
  }

  private async answer(): Promise<void> {
    const { head, parts } = this;
    if (head === null) return;
    const { services, route, tokens, account } = parts;
    const body = Buffer.concat(this.chunks);
    if (body.length === 0) {
      this.send(head, body, body, this.guard);
      return;
    }
    const type = fieldValue(head.rawHeaders, 'content-type') ?? '';
    const read = readAnswer(body, type, compileFields(tokens.fields));
    if (read.do === 'refuse') {
      this.refuse(read.rule, read.reason);
      return;
    }
    if (read.tokens.length === 0) {
      this.send(head, body, body, this.guard);
      return;
    }
    const { placeholders, names } = await services.tokens.keep(route.id, read.tokens);
    if (this.isOver) return;
    account.kept = [...new Set(names)];
    // What a service says twice, it may say in a place that nobody named. By value: whoever knows it by name may have forgotten it by now.
    const kept = read.tokens.map(({ value }, index) => ({ secret: names[index]!, value }));
    const guard = services.pipeline.guardTokens(
      this.guard,
      kept.filter(({ value }, index) => value !== placeholders[index]),
    );
    account.guard = guard;
    this.send(head, body, read.rewrite(placeholders), guard);
  }

  /** `read`: what the upstream sent; `written`: what the agent gets of it. */
  private send(head: ResponseHead, read: Buffer, written: Buffer, guard: ResponseGuard | null): void {
    const { agent, account, owner } = this.parts;
    const scrubbed = (fields: readonly string[]) => (guard === null ? fields : guard.headers(fields));
    // The fields first: of a cookie that they set, the value is looked for in the body.
    let rawHeaders = withoutHttp3(scrubbed(head.rawHeaders));
    const clean = guard === null ? written : Buffer.concat([guard.push(written), guard.end()]);
    if (this.decoder !== null) rawHeaders = withoutFields(rawHeaders, ['content-encoding']);
    if (this.decoder !== null || !clean.equals(read)) rawHeaders = withoutFields(rawHeaders, DIGESTS);
    if (head.body === 'length') rawHeaders = withField(rawHeaders, 'Content-Length', String(clean.length));
    const kind = head.body === 'none' || head.body === 'length' ? head.body : 'stream';
    this.isBegun = true;
    account.status = head.status;
    agent.queueResponse(head.status, scrubbed([head.reason])[0]!, rawHeaders, kind);
    if (clean.length > 0) agent.queueBody(clean);
    owner.onRelayed(scrubbed(this.rawTrailers));
  }
}
