// A further thread of the proxy: serves beside the first, with what that hands over, until told to stop. Whatever goes wrong ends the proxy.
import { parentPort, workerData } from 'node:worker_threads';
import type { AuthoritySecrets } from '../ca/authority.ts';
import type { HeldEvent, ProxyConfig, ReleasedEvent, StaleEvent } from '../contract.ts';
import type { HoldDesk, PersonsWord } from '../net/waiting-room.ts';
import type { FoundToken } from '../tokens/read-answer.ts';
import type { KeptTokens, TokenChange } from '../tokens/token-book.ts';
import type { TokenKeeper } from '../tokens/token-keeper.ts';
import { type Core, type NewValues, openCore, type Shared } from './core.ts';

export interface WorkerStart {
  readonly config: ProxyConfig;
  readonly shared: Shared;
  readonly secrets: AuthoritySecrets;
  /** 1, 2, ... */
  readonly index: number;
}

export type ToWorker =
  | { readonly do: 'close'; readonly graceMs: number }
  | { readonly do: 'retire' }
  | { readonly do: 'decide'; readonly word: PersonsWord }
  | { readonly do: 'renew'; readonly values: NewValues }
  | { readonly do: 'learn'; readonly change: TokenChange; readonly serial: number }
  /** The answer to `keep`. */
  | { readonly do: 'kept'; readonly request: number; readonly kept: KeptTokens }
  | { readonly do: 'remember'; readonly keys: readonly string[] };
export type FromWorker =
  | { readonly say: 'joined' }
  | { readonly say: 'closed' }
  | { readonly say: 'event'; readonly event: HeldEvent | ReleasedEvent | StaleEvent }
  | { readonly say: 'remember'; readonly keys: readonly string[] }
  | { readonly say: 'keep'; readonly request: number; readonly issuer: string; readonly tokens: readonly FoundToken[] }
  /** The answer to `learn`. */
  | { readonly say: 'learned'; readonly serial: number }
  /** One connection's: an error's message may quote what it handled, but it stays in this process. */
  | { readonly say: 'bug'; readonly error: unknown }
  /** The thread's own. */
  | { readonly say: 'crashed'; readonly error: unknown };

/** What is recorded of the exchanges of a thread that failed is recorded within this time, in ms. */
const LAST_WORDS_MS = 1_000;

if (parentPort === null) throw new Error('this file runs as a thread of the proxy');
const port = parentPort;
const say = (message: FromWorker): void => port.postMessage(message);
let core: Core | null = null;

const crash = (error: unknown): void => {
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', () => process.exit(1));
  say({ say: 'crashed', error });
  setTimeout(() => process.exit(1), LAST_WORDS_MS);
  // The exchanges that run here are cut, and say so in their records.
  void (core?.close(0) ?? Promise.resolve()).finally(() => process.exit(1));
};
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);

// Written by team.ts, in the same process.
const { config, shared, secrets, index } = workerData as WorkerStart;
const desk: HoldDesk = {
  emit: (event) => say({ say: 'event', event }),
  remember: (keys) => say({ say: 'remember', keys }),
};
/** What the first thread is asked to keep, until it answers. */
const asked = new Map<number, (kept: KeptTokens) => void>();
let requests = 0;
const keeper: TokenKeeper = {
  keep: (issuer, tokens) =>
    new Promise((resolve) => {
      asked.set(++requests, resolve);
      say({ say: 'keep', request: requests, issuer, tokens });
    }),
};
const place = { kind: 'further', index } as const;
core = await openCore(config, shared, secrets, place, desk, keeper, (error) => say({ say: 'bug', error }));
port.on('message', (message: ToWorker) => {
  switch (message.do) {
    case 'close':
      void core?.close(message.graceMs).then(() => {
        say({ say: 'closed' });
        port.close();
      });
      break;
    case 'retire':
      core?.retireConnections();
      break;
    case 'decide':
      core?.waiting.decide(message.word);
      break;
    case 'renew':
      core?.renew(message.values);
      break;
    case 'learn':
      core?.learn(message.change);
      say({ say: 'learned', serial: message.serial });
      break;
    case 'kept':
      asked.get(message.request)?.(message.kept);
      asked.delete(message.request);
      break;
    case 'remember':
      core?.waiting.remember(message.keys);
      break;
    default:
      message satisfies never;
  }
});
say({ say: 'joined' });
core.warm();
