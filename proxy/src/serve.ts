// `main.ts serve`: configuration in on stdin, the proxy up, `ready` out on stdout; stops with stdin or on `stop`.
import type { Readable } from 'node:stream';
import { CONTRACT_VERSION, type ControlMessage, type ProxyConfig, type ProxyEvent } from './contract.ts';
import { type NewValues, newShared, openCore } from './cores/core.ts';
import { startTeam, type Team, threadsOf } from './cores/team.ts';
import { ProxyFailure } from './failure.ts';
import { parseJsonObject } from './json-object.ts';
import { readLines } from './lines.ts';
import type { TokenKeeper } from './tokens/token-keeper.ts';
import { releaseYoungHeap } from './young-heap.ts';

/** Exchanges that run when the proxy is told to stop may end within this time, in ms. */
const DRAIN_MS = 500;

export interface ServeOptions {
  /** The configuration's line, then control lines. */
  readonly input: Readable;
  readonly emit: (event: ProxyEvent) => void;
  readonly reportBug: (error: unknown) => void;
  /** Resolves when the process is asked to end by other means. */
  readonly stopped: Promise<void>;
}

/** Serves until the input ends or says `stop`; throws ProxyFailure when it cannot start. */
export async function serve({ input, emit, reportBug, stopped }: ServeOptions): Promise<void> {
  const lines = readLines(input);
  const first = await lines.next();
  if (first.done === true) throw badConfig('stdin ended before the configuration line');
  const config = parseConfig(first.value);

  const shared = newShared(config);
  const kind = threadsOf(config) > 1 ? 'first' : 'only';
  // Nobody is asked anything before there is a team: nothing has been served then.
  let team: Team | null = null;
  const desk = { emit, remember: (keys: readonly string[]) => team?.remember(keys) };
  const { promise: assembled, resolve: assemble } = Promise.withResolvers<Team>();
  const keeper: TokenKeeper = { keep: async (issuer, tokens) => (await assembled).keep(issuer, tokens) };
  const core = await openCore(config, shared, null, { kind }, desk, keeper, reportBug);
  emit({
    event: 'ready',
    ca: core.authority.certificatePem,
    listening: core.explicit,
    startedMs: Math.round(performance.now()),
  });
  // Not before `ready`: the first connection to these hosts comes later than that.
  setImmediate(() => {
    core.warm();
    releaseYoungHeap();
  });
  const threads = startTeam(config, shared, core, emit, reportBug);
  team = threads;
  assemble(threads);
  try {
    await Promise.race([heedUntilStop(lines, threads, emit), stopped, threads.failed]);
  } catch (error) {
    // What runs is cut at once, and recorded.
    await closeAll(0);
    throw error;
  }
  await closeAll(DRAIN_MS);

  async function closeAll(graceMs: number): Promise<void> {
    await Promise.all([threads.close(graceMs), core.close(graceMs)]);
  }
}

/** The CLI has validated it; a process of another version is what can go wrong here. Nothing of the line is quoted. */
function parseConfig(line: string): ProxyConfig {
  const config: object | null = parseJsonObject(line);
  if (config === null) throw badConfig('the first line on stdin is not a JSON object');
  if (!('contractVersion' in config) || config.contractVersion !== CONTRACT_VERSION) {
    throw badConfig(`the configuration is not of contract version ${CONTRACT_VERSION}`);
  }
  // Its shape is fixed by the version, which both sides take from the same file.
  return config as ProxyConfig;
}

async function heedUntilStop(lines: AsyncIterable<string>, team: Team, emit: ServeOptions['emit']): Promise<void> {
  for await (const line of lines) {
    const message = parseControl(line);
    if (message.do === 'stop') return;
    if (message.do === 'renew') emit(renew(team, message.values));
    else team.decide(message);
  }
}

function renew(team: Team, values: NewValues): ProxyEvent {
  const secrets = values.map(({ name }) => name);
  try {
    team.renew(values);
    return { event: 'renewed', secrets };
  } catch (error) {
    if (!(error instanceof ProxyFailure)) throw error;
    return { event: 'not-renewed', secrets, why: error.why };
  }
}

function parseControl(line: string): ControlMessage {
  const message: object | null = parseJsonObject(line);
  if (message !== null && 'do' in message) {
    if (message.do === 'stop') return { do: 'stop' };
    // Its shape is fixed by the version, which both sides take from the same file.
    if (message.do === 'renew') return message as ControlMessage;
    if ((message.do === 'approve' || message.do === 'deny') && 'id' in message && typeof message.id === 'string') {
      return { do: message.do, id: message.id, always: 'always' in message && message.always === true };
    }
  }
  throw new ProxyFailure({
    what: 'a control message was not understood',
    why: 'the CLI and the proxy are of different versions',
    fix: 'rebuild the proxy image',
  });
}

function badConfig(why: string): ProxyFailure {
  return new ProxyFailure({
    what: 'the proxy has no configuration',
    why,
    fix: 'start it with `bottle start` or `bottle proxy`',
  });
}
