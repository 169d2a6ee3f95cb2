// All that one thread of the proxy holds: its listeners, its pipeline, its upstream connections; and what it shares with the others.
import { AuditChain } from '../audit/chain.ts';
import { type AuditSink, openAuditSink } from '../audit/sink.ts';
import { type Authority, type AuthoritySecrets, createAuthority } from '../ca/authority.ts';
import type { ControlMessage, ProxyConfig } from '../contract.ts';
import { fingerprintKeyOf } from '../dlp/fingerprint.ts';
import { rememberForms } from '../dlp/forms.ts';
import { Deadlines } from '../net/deadlines.ts';
import { createDialer } from '../net/dial.ts';
import { Endings } from '../net/endings.ts';
import { HoldBudget } from '../net/hold-budget.ts';
import { listen, type Place } from '../net/listener.ts';
import { newQuotaMemory, Quotas } from '../net/quotas.ts';
import { RecordBatch } from '../net/record-batch.ts';
import type { Services } from '../net/services.ts';
import { UpstreamPool } from '../net/upstream-pool.ts';
import { type HoldDesk, WaitingRoom } from '../net/waiting-room.ts';
import { createExpiries, expiryClock, sharedMs } from '../pipeline/expiry.ts';
import { createPipeline } from '../pipeline/pipeline.ts';
import { renewSecrets } from '../pipeline/renew.ts';
import { scannersOf } from '../pipeline/scanner-of.ts';
import { newTrailMemory } from '../pipeline/trail.ts';
import { type TokenChange, withTokens } from '../tokens/token-book.ts';
import type { TokenKeeper } from '../tokens/token-keeper.ts';
import { SharedCount } from './shared-count.ts';
import { StaleSecrets } from './stale-secrets.ts';

/** What must be one for all threads. Passes between them as a message in memory. */
export interface Shared {
  readonly fingerprintKey: Uint8Array;
  readonly audit: SharedArrayBuffer;
  readonly quotas: SharedArrayBuffer;
  readonly held: SharedArrayBuffer;
  readonly connections: SharedArrayBuffer;
  /** Requests that wait for a person. */
  readonly waiting: SharedArrayBuffer;
  /** When the proxy started, on the clock of all threads, in ms. */
  readonly startedMs: number;
}

export interface Core {
  readonly authority: Authority;
  /** `ADDR:PORT` of the explicit proxy; null when off. */
  readonly explicit: string | null;
  /** What no first connection should wait for. */
  warm(): void;
  /** Relays hear that there is one more socket. */
  announceThread(): void;
  /** Connections end after their next answer, so that their next ones spread over the threads. */
  retireConnections(): void;
  /** Where its requests wait for a person. */
  readonly waiting: WaitingRoom;
  /** New values of secrets, for exchanges that begin from now on; throws ProxyFailure, and all stays as it was. */
  renew(values: NewValues): void;
  /** Tokens that an answer brought, for exchanges that begin from now on. */
  learn(change: TokenChange): void;
  close(graceMs: number): Promise<void>;
}

export type NewValues = Extract<ControlMessage, { readonly do: 'renew' }>['values'];

export function newShared(config: ProxyConfig): Shared {
  return {
    fingerprintKey: fingerprintKeyOf(config.dlp.fingerprintKey),
    audit: new AuditChain().memory,
    quotas: newQuotaMemory(config),
    held: new SharedCount().memory,
    connections: new SharedCount().memory,
    waiting: new SharedCount().memory,
    startedMs: sharedMs(),
  };
}

/** Throws ProxyFailure. `secrets`: of the first thread's authority; null in the first. */
export async function openCore(
  config: ProxyConfig,
  shared: Shared,
  secrets: AuthoritySecrets | null,
  place: Place,
  desk: HoldDesk,
  tokens: TokenKeeper,
  reportBug: (error: unknown) => void,
): Promise<Core> {
  const audit: AuditSink = openAuditSink(config.auditPath, { chain: new AuditChain(shared.audit) });
  const authority = createAuthority({ session: config.session, ...(secrets === null ? {} : { secrets }) });
  const trail = newTrailMemory();
  const scannerFor = scannersOf(config, rememberForms());
  const expiries = createExpiries(expiryClock(shared.startedMs));
  const compile = (from: ProxyConfig) =>
    createPipeline(from, scannerFor(from, Buffer.from(shared.fingerprintKey)), undefined, trail, expiries);
  const pipeline = compile(config);
  const { session, limits } = config;
  const dialer = createDialer({
    upstream: config.upstream,
    secrets: config.secrets,
    routes: config.routes,
    session,
    connectTimeoutMs: limits.connectTimeoutMs,
  });
  const pool = new UpstreamPool(dialer, limits);
  const deadlines = new Deadlines();
  const stale = new StaleSecrets(
    (secret) => desk.emit({ event: 'stale', secret }),
    new Set(config.secrets.flatMap(({ name, isRenewable }) => (isRenewable === true ? [name] : []))),
  );
  const renewable = new Set(config.secrets.filter(({ issuer }) => issuer === undefined).map(({ name }) => name));
  const services: Services = {
    ...{ session, limits, pipeline, audit, authority, pool, dialer, deadlines, reportBug },
    tokens,
    // A token that an answer brought has no source that could be asked again.
    onStale: (secrets) => stale.note(secrets.filter((name) => renewable.has(name))),
    records: new RecordBatch(audit, reportBug),
    held: new HoldBudget(limits.heldBytes, new SharedCount(shared.held)),
    connections: new SharedCount(shared.connections),
    quotas: new Quotas(config, shared.quotas),
    endings: new Endings(expiries),
    waiting: new WaitingRoom(
      Math.min(limits.holdTimeoutMs, limits.idleTimeoutMs),
      new SharedCount(shared.waiting),
      desk,
    ),
  };
  const listening = await listen(config, services, place);
  let current = config;
  return {
    authority,
    explicit: listening.explicit,
    warm: () => {
      services.pipeline.warm();
      dialer.warm();
      authority.premint(config.routes.filter((route) => route.scheme === 'https').map((route) => route.host));
    },
    announceThread: listening.announceThread,
    retireConnections: listening.retireConnections,
    waiting: services.waiting,
    renew: (values) => {
      try {
        const renewed = renewSecrets(current, values);
        if (renewed === current) return;
        const show = dialer.renew(renewed.secrets);
        services.pipeline = compile(renewed);
        show();
        current = renewed;
      } finally {
        stale.tried();
      }
    },
    learn: (change) => {
      current = withTokens(current, change);
      const next = compile(current);
      // Now rather than at the next request: whoever told us knows what it costs.
      next.warm();
      services.pipeline = next;
    },
    close: async (graceMs) => {
      // In the order of who needs whom: an exchange that is cut here still writes its record.
      await listening.close(graceMs);
      pool.close();
      dialer.close();
      deadlines.close();
      audit.close();
    },
  };
}
