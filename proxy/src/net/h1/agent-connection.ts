// One HTTP/1.1 connection of an agent: reads requests in order, gives each to an exchange, writes the responses.
import type { Socket } from 'node:net';
import type { AgentListener, AgentStream, ResponseBody } from '../agent.ts';
import type { Timed } from '../deadlines.ts';
import type { Services } from '../services.ts';
import type { BodySink } from './chunked.ts';
import { linger } from './linger.ts';
import { Malformed } from './malformed.ts';
import type { Origin } from './origin.ts';
import { Output } from './output.ts';
import type { RequestHead } from './request-head.ts';
import { RequestInput } from './request-input.ts';
import { ResponseWriter } from './response-writer.ts';

/** Pipelined bytes kept while a request is being answered. */
const AHEAD_BYTES = 64 * 1024;

const DISCARD: BodySink = { onBody: () => {}, onBodyEnd: () => {} };

export class AgentConnection implements AgentStream, BodySink, Timed {
  deadline = 0;
  private readonly socket: Socket;
  private readonly services: Services;
  private readonly origin: Origin;
  private readonly output: Output;
  private readonly writer: ResponseWriter;
  private state: 'head' | 'exchange' | 'gone' = 'head';
  private readonly input: RequestInput;
  private head: RequestHead | null = null;
  private listener: AgentListener | null = null;
  private sink: BodySink | null = null;
  private isBodyPaused = false;
  private hasContinued = false;
  private closesAfter = false;
  private isRetiring = false;
  /** The response is written; what is left of the request's body may still be on its way. */
  private isFinished = false;
  private isAdvancing = false;
  private isInputEnded = false;

  constructor(socket: Socket, services: Services, origin: Origin) {
    this.socket = socket;
    this.services = services;
    this.origin = origin;
    this.output = new Output(socket);
    this.writer = new ResponseWriter(this.output);
    this.input = new RequestInput(services.limits);
    socket.on('data', this.onData);
    socket.on('end', this.onEnd);
    socket.on('error', this.onError);
    socket.on('close', this.onClose);
    socket.on('drain', this.onDrain);
    services.deadlines.add(this);
    this.deadline = services.deadlines.now + services.limits.idleTimeoutMs;
  }

  /** `first` was read before anybody knew what the connection was. */
  start(first: Buffer | null): void {
    if (first !== null && first.length > 0) this.onData(first);
    this.socket.resume();
  }

  // ---------------------------------------------------------------- reading

  private readonly onData = (chunk: Buffer): void => {
    try {
      if (this.state === 'gone') return;
      this.input.push(chunk);
      if (this.state === 'exchange' && !this.isFinished) this.touch();
      this.advance();
    } catch (error) {
      this.crash(error);
    }
  };

  /** Does what the input allows. Not recursive: exchanges that end at once come back into this loop. */
  private advance(): void {
    if (this.isAdvancing) return;
    this.isAdvancing = true;
    try {
      while (this.step()) {}
    } finally {
      this.isAdvancing = false;
    }
  }

  private step(): boolean {
    if (this.state === 'head') return this.takeHead();
    if (this.state !== 'exchange') return false;
    if (this.input.hasBody && this.sink !== null && !this.isBodyPaused) return this.takeBody();
    if (this.input.length > AHEAD_BYTES) this.socket.pause();
    return false;
  }

  private takeHead(): boolean {
    const { input } = this;
    const { limits, deadlines } = this.services;
    const isFirst = !input.isInsideHead;
    input.skipEmptyLine();
    if (input.length === 0) {
      if (this.isInputEnded) this.close();
      else this.deadline = deadlines.now + limits.idleTimeoutMs;
      return false;
    }
    const head = input.takeHead();
    if (head === null) {
      if (isFirst) this.deadline = deadlines.now + limits.headTimeoutMs;
      if (this.isInputEnded) this.refuse(incompleteHead());
      return false;
    }
    if (head instanceof Malformed) {
      this.refuse(head);
      return false;
    }
    this.begin(head);
    return true;
  }

  private begin(head: RequestHead): void {
    this.head = head;
    this.state = 'exchange';
    this.hasContinued = false;
    this.isFinished = false;
    this.closesAfter = this.isRetiring || !head.keepAlive;
    this.writer.begin(head.isHttp10);
    this.sink = null;
    this.isBodyPaused = false;
    this.input.expectBody(head, this);
    this.touch();
    if (head.method === 'CONNECT') {
      const problem =
        this.origin.connect === null
          ? new Malformed('connect', 'CONNECT is not possible on this connection')
          : this.input.hasBody
            ? new Malformed('connect-body', 'a CONNECT request has a body')
            : this.origin.connect(head, this);
      if (problem !== null) this.refuse(problem);
      return;
    }
    const request = this.origin.resolve(head);
    if (request instanceof Malformed) this.refuse(request);
    else {
      const listener = this.origin.exchange(request, this);
      // It may be over already.
      if (this.state === 'exchange' && this.head === head && !this.isFinished) this.listener = listener;
    }
  }

  private takeBody(): boolean {
    const taken = this.input.takeBody();
    if (!(taken instanceof Malformed)) return taken;
    this.closesAfter = true;
    this.listener?.onAgentLost({ kind: 'malformed', rule: taken.rule, reason: taken.reason });
    return false;
  }

  onBody(chunk: Buffer): void {
    this.sink?.onBody(chunk);
  }

  onBodyEnd(rawTrailers: readonly string[]): void {
    const { sink } = this;
    this.input.endBody();
    this.sink = null;
    sink?.onBodyEnd(rawTrailers);
    if (this.isFinished && this.state === 'exchange') this.next();
  }

  readBody(sink: BodySink): void {
    this.sink = sink;
    // Not from inside the exchange's own start: its caller's loop goes on by itself.
    if (!this.isAdvancing) this.advance();
  }

  pauseBody(): void {
    this.isBodyPaused = true;
    this.socket.pause();
  }

  resumeBody(): void {
    if (!this.isBodyPaused) return;
    this.isBodyPaused = false;
    this.socket.resume();
    this.advance();
  }

  // ---------------------------------------------------------------- writing

  sendContinue(): void {
    this.hasContinued = true;
    this.output.queue('HTTP/1.1 100 Continue\r\n\r\n');
    this.output.flush();
  }

  queueInterim(status: number, reason: string, rawHeaders: readonly string[]): void {
    this.writer.queueInterim(status, reason, rawHeaders);
  }

  queueResponse(status: number, reason: string, rawHeaders: readonly string[], body: ResponseBody): void {
    // After a handshake that failed clients wait for the end: nothing else is spoken on such a connection.
    const isFailedUpgrade = this.head?.isWebSocket === true && status !== 101;
    this.closesAfter ||= isFailedUpgrade || this.writer.endsWithConnection(body) || !this.canReadOn();
    this.writer.queueHead(status, reason, rawHeaders, body, this.closesAfter);
  }

  queueBody(chunk: Buffer): void {
    this.writer.queueBody(chunk);
  }

  flush(): boolean {
    return this.output.flush();
  }

  finish(rawTrailers: readonly string[]): void {
    this.writer.queueEnd(rawTrailers);
    this.output.flush();
    this.listener = null;
    this.isFinished = true;
    if (this.state !== 'exchange') return;
    if (this.closesAfter || (this.input.hasBody && !this.canDiscard())) {
      this.close();
      return;
    }
    if (!this.input.hasBody) this.next();
    else {
      this.sink = DISCARD;
      // It may never come: no exchange waits for it any more, so nothing else ends the connection.
      this.deadline = this.services.deadlines.now + this.services.limits.headTimeoutMs;
      this.isBodyPaused = false;
      this.socket.resume();
      this.advance();
    }
  }

  dropBody(): void {
    this.sink = null;
  }

  /** The rest of the body is none, small enough to throw away, or being read by the exchange. */
  private canReadOn(): boolean {
    return !this.input.hasBody || this.sink !== null || this.canDiscard();
  }

  private canDiscard(): boolean {
    // A client that waits for our 100 may or may not send the body after a final answer.
    if (this.head?.expectContinue === true && !this.hasContinued) return false;
    return this.input.isNearlyRead;
  }

  private next(): void {
    this.state = 'head';
    this.head = null;
    this.listener = null;
    this.sink = null;
    if (this.socket.isPaused()) this.socket.resume();
    // A pipelined request may begin here, in the middle of somebody else's event.
    this.guarded(() => this.advance());
  }

  // ---------------------------------------------------------------- ends

  private refuse(problem: Malformed): void {
    this.state = 'exchange';
    this.closesAfter = true;
    this.input.endBody();
    this.origin.malformed(problem, this.head, this);
  }

  private readonly onDrain = (): void => {
    this.touch();
    this.guarded(() => this.listener?.onAgentDrain());
  };

  private readonly onEnd = (): void => this.guarded(() => this.endInput());

  private endInput(): void {
    this.isInputEnded = true;
    switch (this.state) {
      case 'head':
        this.advance();
        break;
      case 'exchange':
        // On a plain connection the agent may have said all it had to say and wait for the answer; probes find out if it died.
        if (this.input.hasBody || this.origin.isSecure) this.lose();
        else {
          this.closesAfter = true;
          this.socket.setKeepAlive(true, 15_000);
        }
        break;
      case 'gone':
        this.socket.destroy();
        break;
      default:
        this.state satisfies never;
    }
  }

  private readonly onError = (): void => {
    // `close` follows and tells the exchange.
  };

  private readonly onClose = (): void => {
    this.services.deadlines.delete(this);
    this.guarded(() => {
      // Cut off without an end, a head that was begun is told of all the same.
      if (this.state === 'head' && this.input.length > 0) this.refuse(incompleteHead());
      this.lose();
    });
  };

  private lose(): void {
    const { listener } = this;
    this.listener = null;
    this.state = 'gone';
    this.socket.destroy();
    listener?.onAgentLost({ kind: 'closed' });
  }

  onDeadline(): void {
    this.guarded(() => {
      switch (this.state) {
        case 'head':
          if (this.input.length === 0) this.close();
          else this.refuse(new Malformed('head-timeout', 'the head did not arrive in time'));
          break;
        case 'exchange':
          if (this.listener === null) this.reset();
          else this.listener.onAgentLost({ kind: 'idle' });
          break;
        case 'gone':
          this.socket.destroy();
          break;
        default:
          this.state satisfies never;
      }
    });
  }

  touch(): void {
    this.deadline = this.services.deadlines.now + this.services.limits.idleTimeoutMs;
  }

  reset(): void {
    this.listener = null;
    this.state = 'gone';
    this.socket.destroy();
  }

  /** The agent has got its last answer on this connection. */
  close(): void {
    linger(this.detach().socket, this.services.deadlines, this.isInputEnded);
  }

  get isBusy(): boolean {
    return this.state === 'exchange';
  }

  /** Nothing is running and nothing was begun: ends now. Otherwise after the exchange. */
  drain(): void {
    this.closesAfter = true;
    if (this.state === 'head' && this.input.length === 0) this.close();
  }

  /** The next answer says that it is the last: the agent's next connection may find a thread with less to do. */
  retire(): void {
    this.isRetiring = true;
  }

  detach(): { readonly socket: Socket; readonly rest: Buffer } {
    const rest = this.input.takeRest();
    this.output.flush();
    this.state = 'gone';
    this.listener = null;
    this.deadline = 0;
    this.socket.off('data', this.onData);
    this.socket.off('end', this.onEnd);
    this.socket.off('error', this.onError);
    this.socket.off('close', this.onClose);
    this.socket.off('drain', this.onDrain);
    this.services.deadlines.delete(this);
    return { socket: this.socket, rest };
  }

  /** A bug costs this connection and nothing else. */
  private guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.crash(error);
    }
  }

  private crash(error: unknown): void {
    const { listener } = this;
    if (listener !== null) {
      listener.onFailure(error);
      this.reset();
      return;
    }
    this.services.reportBug(error);
    try {
      this.refuse(new Malformed('internal', 'the proxy failed on this request'));
    } catch (again) {
      this.services.reportBug(again);
      this.reset();
    }
  }
}

function incompleteHead(): Malformed {
  return new Malformed('head-incomplete', 'the connection ended inside a head');
}
