// `main.ts serve`: configuration in on stdin, the proxy up, `ready` out on stdout; stops with stdin or on `stop`.
import type { Readable } from 'node:stream';
import { openAuditSink } from './audit/sink.ts';
import { createAuthority } from './ca/authority.ts';
import { CONTRACT_VERSION, type ControlMessage, type ProxyConfig, type ProxyEvent } from './contract.ts';
import { fingerprintKeyOf } from './dlp/fingerprint.ts';
import { createScanner } from './dlp/scanner.ts';
import { ProxyFailure } from './failure.ts';
import { readLines } from './lines.ts';
import { Deadlines } from './net/deadlines.ts';
import { createDialer } from './net/dial.ts';
import { HoldBudget } from './net/hold-budget.ts';
import { listen } from './net/listener.ts';
import { newQuotaMemory, Quotas } from './net/quotas.ts';
import { RecordBatch } from './net/record-batch.ts';
import { UpstreamPool } from './net/upstream-pool.ts';
import { createPipeline } from './pipeline/pipeline.ts';

/** Exchanges that run when the proxy is told to stop may end within this time, in ms. */
const DRAIN_MS = 500;
const IDLE_UPSTREAMS = 1024;
/** Of all request bodies that wait to be judged whole; past it they are judged as they come. */
const HELD_BYTES = 128 * 1024 * 1024;

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

  const audit = openAuditSink(config.auditPath);
  const authority = createAuthority({ session: config.session });
  const scanner = createScanner({
    secrets: config.secrets,
    detectors: config.dlp.detectors,
    source: config.dlp.source === '' ? null : Buffer.from(config.dlp.source, 'base64'),
    fingerprintKey: fingerprintKeyOf(config.dlp.fingerprintKey),
    decodedBytes: config.limits.decodedBytes,
  });
  const pipeline = createPipeline(config, scanner);
  const dialer = createDialer({
    upstream: config.upstream,
    connectTimeoutMs: config.limits.connectTimeoutMs,
  });
  const pool = new UpstreamPool(dialer, { headBytes: config.limits.headBytes, idleConnections: IDLE_UPSTREAMS });
  const deadlines = new Deadlines();
  const { session, limits } = config;
  const listening = await listen(config, {
    session,
    limits,
    pipeline,
    audit,
    records: new RecordBatch(audit, reportBug),
    authority,
    pool,
    deadlines,
    held: new HoldBudget(HELD_BYTES),
    quotas: new Quotas(config, newQuotaMemory(config)),
    reportBug,
  });
  emit({
    event: 'ready',
    ca: authority.certificatePem,
    listening: listening.explicit,
    startedMs: Math.round(performance.now()),
  });
  // Not before `ready`: the first connection to these hosts comes later than that.
  setImmediate(() => {
    dialer.warm();
    authority.premint(config.routes.filter((route) => route.scheme === 'https').map((route) => route.host));
  });

  await Promise.race([readUntilStop(lines), stopped]);

  // In the order of who needs whom: an exchange that is cut here still writes its record.
  await listening.close(DRAIN_MS);
  pool.close();
  dialer.close();
  deadlines.close();
  audit.close();
}

/** The CLI has validated it; a process of another version is what can go wrong here. Nothing of the line is quoted. */
function parseConfig(line: string): ProxyConfig {
  const config = parseObject(line);
  if (config === null) throw badConfig('the first line on stdin is not a JSON object');
  if (!('contractVersion' in config) || config.contractVersion !== CONTRACT_VERSION) {
    throw badConfig(`the configuration is not of contract version ${CONTRACT_VERSION}`);
  }
  // Its shape is fixed by the version, which both sides take from the same file.
  return config as ProxyConfig;
}

async function readUntilStop(lines: AsyncIterable<string>): Promise<void> {
  for await (const line of lines) if (parseControl(line).do === 'stop') return;
}

function parseControl(line: string): ControlMessage {
  const message = parseObject(line);
  if (message !== null && 'do' in message && message.do === 'stop') return { do: 'stop' };
  throw new ProxyFailure({
    what: 'a control message was not understood',
    why: 'the CLI and the proxy are of different versions',
    fix: 'rebuild the proxy image',
  });
}

function parseObject(line: string): object | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function badConfig(why: string): ProxyFailure {
  return new ProxyFailure({
    what: 'the proxy has no configuration',
    why,
    fix: 'start it with `bottle start` or `bottle proxy`',
  });
}
