// What every connection of one proxy shares.
import type { AuditSink } from '../audit/sink.ts';
import type { Authority } from '../ca/authority.ts';
import type { ProxyLimits } from '../contract.ts';
import type { SharedCount } from '../cores/shared-count.ts';
import type { Pipeline } from '../pipeline/types.ts';
import type { TokenKeeper } from '../tokens/token-keeper.ts';
import type { Deadlines } from './deadlines.ts';
import type { Dialer } from './dial.ts';
import type { Endings } from './endings.ts';
import type { HoldBudget } from './hold-budget.ts';
import type { Quotas } from './quotas.ts';
import type { RecordBatch } from './record-batch.ts';
import type { UpstreamPool } from './upstream-pool.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface Services {
  /** Session id, for records. */
  readonly session: string;
  readonly limits: ProxyLimits;
  /** What an exchange begins with it keeps: another takes its place when secrets have new values. */
  pipeline: Pipeline;
  readonly audit: AuditSink;
  /** For the records of what went well: many an event loop's turn. */
  readonly records: RecordBatch;
  readonly authority: Authority;
  readonly pool: UpstreamPool;
  /** For tunnels; requests go through the pool. */
  readonly dialer: Dialer;
  readonly deadlines: Deadlines;
  readonly held: HoldBudget;
  /** Connections of agents that are open, in all threads. */
  readonly connections: SharedCount;
  readonly quotas: Quotas;
  /** Of routes whose time is bounded. */
  readonly endings: Endings;
  /** Of requests that a person decides on. */
  readonly waiting: WaitingRoom;
  /** Of tokens that services answered. */
  readonly tokens: TokenKeeper;
  /** A service did not accept these secrets (401). Resolves when a renewal has been tried; null = nobody tries. */
  readonly onStale: (secrets: readonly string[]) => Promise<void> | null;
  /** A bug that cost one connection: reported without the message, which could quote what it handled. */
  readonly reportBug: (error: unknown) => void;
}
