// The threads of the proxy: the first one serves at once and alone; others join when those that serve are busy, up to the number of cores.
import { availableParallelism } from 'node:os';
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import type { ProxyConfig } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';
import type { HoldDesk, PersonsWord } from '../net/waiting-room.ts';
import { renewSecrets } from '../pipeline/renew.ts';
import type { FoundToken } from '../tokens/read-answer.ts';
import { joinChanges, type KeptTokens, TokenBook, type TokenChange, withTokens } from '../tokens/token-book.ts';
import { Acknowledgements } from './acknowledgements.ts';
import type { Core, NewValues, Shared } from './core.ts';
import { Rounds } from './rounds.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker.ts';

export interface Team {
  /** Rejects when a thread failed: the proxy must not go on without it. */
  readonly failed: Promise<never>;
  /** A person's word: only the thread where it waits heeds it. */
  decide(word: PersonsWord): void;
  /** For every thread, also those that join later; throws ProxyFailure, and all stays as it was. */
  renew(values: NewValues): void;
  /** Tokens that an answer brought; resolves when every thread knows them, also those that join later. */
  keep(issuer: string, tokens: readonly FoundToken[]): Promise<KeptTokens>;
  /** What a person approved for good, for every thread. */
  remember(keys: readonly string[]): void;
  /** Every further thread lets its exchanges end, and is gone. */
  close(graceMs: number): Promise<void>;
}

const LOOK_MS = 200;
/** Share of their time that the threads work, twice in a row, before another one joins. */
const BUSY = 0.7;

/** Threads that the configuration allows here. */
export function threadsOf({ limits }: ProxyConfig): number {
  // Only Linux spreads connections over sockets on the same port.
  if (process.platform !== 'linux') return 1;
  // Asks for what our cgroup and affinity leave.
  return limits.workers === 0 ? availableParallelism() : limits.workers;
}

export function startTeam(
  config: ProxyConfig,
  shared: Shared,
  first: Core,
  emit: HoldDesk['emit'],
  reportBug: (error: unknown) => void,
): Team {
  const most = threadsOf(config);
  const workers: Worker[] = [];
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => {}); // Who awaits it hears of it; nobody has to.
  let isJoining = false;
  let isClosing = false;
  let current = config;
  const book = new TokenBook();
  const learned = new Acknowledgements<Worker>();
  /** With each lesson every thread compiles what it looks for. */
  const lessons = new Rounds<TokenChange>(async (changes) => {
    const change = joinChanges(changes);
    current = withTokens(current, change);
    // The others compile at the same time.
    for (const worker of workers) send(worker, { do: 'learn', change, serial: learned.expect(worker) });
    first.learn(change);
    await learned.all();
  });
  const send = (worker: Worker, message: ToWorker): void => worker.postMessage(message);
  /** For threads that join later. */
  const remembered: string[] = [];
  const remember = (keys: readonly string[]): void => {
    remembered.push(...keys);
    first.waiting.remember(keys);
    for (const worker of workers) send(worker, { do: 'remember', keys });
  };

  const keep = async (issuer: string, tokens: readonly FoundToken[]): Promise<KeptTokens> => {
    const { change, ...kept } = book.keep(current.secrets, issuer, tokens);
    // What another answer brought a moment ago may still be on its way.
    await (change === null ? lessons.settled() : lessons.add(change));
    return kept;
  };

  const join = (): void => {
    isJoining = true;
    const place = { ...config.listen, explicit: first.explicit };
    const start: WorkerStart = {
      config: { ...current, listen: place },
      shared,
      secrets: first.authority.secrets,
      index: workers.length + 1,
    };
    const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: start });
    // Those that serve already: their connections of before would keep them as busy as they are.
    const before = [...workers];
    workers.push(worker);
    worker.on('message', (message: FromWorker) => {
      switch (message.say) {
        case 'joined':
          isJoining = false;
          send(worker, { do: 'remember', keys: remembered });
          first.announceThread();
          first.retireConnections();
          for (const other of before) send(other, { do: 'retire' });
          break;
        case 'bug':
          reportBug(message.error);
          break;
        case 'crashed':
          reportBug(message.error);
          reject(died());
          break;
        case 'closed':
          break;
        case 'event':
          emit(message.event);
          break;
        case 'remember':
          remember(message.keys);
          break;
        case 'keep': {
          const { request, issuer, tokens } = message;
          keep(issuer, tokens).then((kept) => send(worker, { do: 'kept', request, kept }), reject);
          break;
        }
        case 'learned':
          learned.come(worker, message.serial);
          break;
        default:
          message satisfies never;
      }
    });
    worker.on('error', (error) => {
      reportBug(error);
      reject(died());
    });
    worker.on('exit', () => {
      if (!isClosing) reject(died());
    });
  };

  const look = new Busyness(() => [performance, ...workers.map((worker) => worker.performance)]);
  const timer = setInterval(() => {
    const isBusy = look.isBusy();
    if (workers.length + 1 < most && !isJoining && isBusy) join();
    if (workers.length + 1 === most) clearInterval(timer);
  }, LOOK_MS).unref();
  if (most <= 1) clearInterval(timer);

  return {
    failed,
    decide: (word) => {
      first.waiting.decide(word);
      for (const worker of workers) send(worker, { do: 'decide', word });
    },
    remember,
    keep,
    renew: (values) => {
      first.renew(values);
      current = renewSecrets(current, values);
      for (const worker of workers) send(worker, { do: 'renew', values });
    },
    close: async (graceMs) => {
      isClosing = true;
      clearInterval(timer);
      await Promise.all(
        workers.map(async (worker) => {
          const gone = new Promise((resolve) => worker.once('exit', resolve));
          if (worker.threadId < 0) return;
          send(worker, { do: 'close', graceMs });
          await gone;
        }),
      );
    },
  };
}

/** Whether the threads together worked more than BUSY of the time, in this look and in the one before. */
class Busyness {
  private readonly loops: () => readonly { eventLoopUtilization(): EventLoopUtilization }[];
  private before: readonly EventLoopUtilization[] = [];
  private wasBusy = false;

  constructor(loops: () => readonly { eventLoopUtilization(): EventLoopUtilization }[]) {
    this.loops = loops;
  }

  isBusy(): boolean {
    const now = this.loops().map((loop) => loop.eventLoopUtilization());
    let active = 0;
    let all = 0;
    for (const [index, used] of now.entries()) {
      const since = this.before[index] ?? { active: 0, idle: 0 };
      active += used.active - since.active;
      all += used.active + used.idle - since.active - since.idle;
    }
    this.before = now;
    const isBusy = all > 0 && active / all > BUSY;
    const answer = isBusy && this.wasBusy;
    this.wasBusy = isBusy;
    return answer;
  }
}

function died(): ProxyFailure {
  return new ProxyFailure({
    what: 'the proxy failed',
    why: 'one of its threads has died; nothing passes without it',
    fix: 'look at its standard error, and start the session again',
  });
}
