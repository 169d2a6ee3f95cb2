// Runs the proxy as our child: configuration in, readiness out, an orderly end.
import type { ControlMessage, FirstEvent, ProxyConfig } from '../../proxy/src/contract.ts';
import { BottleError } from '../report/bottle-error.ts';
import { printable } from '../report/printable.ts';
import { readOutput } from './output-lines.ts';
import { spawnProxy } from './spawn-proxy.ts';

/** A proxy that has not said a word by then is not coming, in ms. */
const READY_TIMEOUT_MS = 20_000;
/** Time for open exchanges to end after `stop`, in ms. */
const STOP_TIMEOUT_MS = 5000;

export interface ServingProxy {
  /** PEM of the session CA's certificate. */
  readonly ca: string;
  readonly listening: string | null;
  /** In ms, from process start to serving. */
  readonly startedMs: number;
  /** Resolves when the process has ended, wanted or not. */
  readonly ended: Promise<EndOfProxy>;
  tell(message: ControlMessage): void;
  /** Idempotent; resolves when the process is gone. */
  stop(): Promise<void>;
}

export interface EndOfProxy {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderrTail: string;
}

/** Resolves once it serves; a BottleError when it cannot. `onStderr` gets what it says meanwhile, `onLine` its later events. */
export async function serveProxy(
  config: ProxyConfig,
  onStderr: (text: string) => void,
  onLine: (line: string) => void,
): Promise<ServingProxy> {
  const child = spawnProxy('serve');
  const output = readOutput(child, onStderr);
  const ended = output.closed.then((end) => ({ ...end, stderrTail: output.stderrTail() }));
  ended.catch(() => {});
  let stopping: Promise<void> | null = null;
  const stop = () => {
    stopping ??= stopChild();
    return stopping;
  };
  const tell = (message: ControlMessage): void => {
    if (child.stdin.writable) child.stdin.write(`${JSON.stringify(message)}\n`);
  };
  async function stopChild(): Promise<void> {
    const message: ControlMessage = { do: 'stop' };
    if (child.stdin.writable) child.stdin.end(`${JSON.stringify(message)}\n`);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    try {
      await ended;
    } finally {
      clearTimeout(timer);
    }
  }

  child.stdin.write(`${JSON.stringify(config)}\n`);
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_TIMEOUT_MS);
  try {
    const line = await output.firstLine(onLine);
    if (line === null) throw diedEarly(await ended);
    const event = parseEvent(line);
    if (event.event === 'fatal') throw new BottleError({ what: event.what, why: event.why, fix: event.fix });
    return { ca: event.ca, listening: event.listening, startedMs: event.startedMs, ended, tell, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function parseEvent(line: string): FirstEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw notOurs(line, error);
  }
  if (typeof value === 'object' && value !== null && 'event' in value) {
    // The other side of the contract, from the same version of the same repository.
    if (value.event === 'ready' || value.event === 'fatal') return value as FirstEvent;
  }
  throw notOurs(line, undefined);
}

function notOurs(line: string, cause: unknown): BottleError {
  return new BottleError({
    what: 'the proxy did not start',
    why: `it said ${JSON.stringify(printable(line).slice(0, 200))} where its readiness was due`,
    fix: 'set BOTTLE_DEBUG=1 and report it',
    cause,
  });
}

function diedEarly(end: EndOfProxy): BottleError {
  const last = end.stderrTail.trim().split('\n').at(-1) ?? '';
  const how = end.signal === null ? `exit code ${end.code ?? 'unknown'}` : `signal ${end.signal}`;
  return new BottleError({
    what: 'the proxy did not start',
    why: printable(last === '' ? `it ended with ${how}` : `it ended with ${how}: ${last}`),
    fix: 'set BOTTLE_DEBUG=1 and report it',
  });
}
