// `bottle proxy` in front of an upstream that records every byte: attacks are judged by what arrived there.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord } from '../../../proxy/src/contract.ts';
import { freshDirectory, type Running, startBottle } from '../bottle-process.ts';
import { type RawUpstream, startRawUpstream } from './raw-upstream.ts';

export interface Rig {
  readonly upstream: RawUpstream;
  /** The same without TLS, for `scheme: http`. */
  readonly plainUpstream: RawUpstream;
  readonly port: number;
  /** PEM of the session's authority. */
  readonly ca: string;
  readonly placeholders: Readonly<Record<string, string>>;
  readonly log: string;
  /** Process id of the proxy itself, not of the CLI. */
  readonly pid: number;
  records(): readonly AuditRecord[];
  /** Bytes that reached either upstream since the last call, latin1. */
  arrived(): string;
  stderr(): string;
  stop(): Promise<void>;
}

export interface RigOptions {
  readonly spec: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `host:port` names that lead to the upstream. */
  readonly hosts: readonly string[];
  readonly plainHosts?: readonly string[];
  /** More of the map, as it is. */
  readonly map?: Readonly<Record<string, string>>;
  readonly log?: string;
}

export async function startRig(options: RigOptions): Promise<Rig> {
  const directory = freshDirectory();
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const upstream = await startRawUpstream(true);
  const plainUpstream = await startRawUpstream(false);
  const map = {
    ...Object.fromEntries(options.hosts.map((host) => [host, `127.0.0.1:${upstream.port}`])),
    ...Object.fromEntries((options.plainHosts ?? []).map((host) => [host, `127.0.0.1:${plainUpstream.port}`])),
    ...options.map,
  };
  const log = options.log ?? join(directory, 'audit.jsonl');
  const args = {
    '--spec': file('spec.yaml', options.spec),
    '--listen': '127.0.0.1:0',
    '--ca-out': join(directory, 'ca.pem'),
    '--log': log,
    '--upstream-map': file('map.json', JSON.stringify(map)),
    '--upstream-ca': file('roots.pem', upstream.ca),
  };
  const running = startBottle(['proxy', ...Object.entries(args).flat()], { env: { ...options.env } });
  const { listening, ca, placeholders } = JSON.parse(await running.waitFor(/\n/));
  let stderr = '';
  running.process.stderr?.on('data', (text: string) => {
    stderr += text;
  });
  return {
    upstream,
    plainUpstream,
    port: Number(listening.split(':').at(-1)),
    ca: readFileSync(ca, 'utf8'),
    placeholders,
    log,
    pid: childOf(running),
    records: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as AuditRecord),
    arrived: () => upstream.take() + plainUpstream.take(),
    stderr: () => stderr,
    async stop() {
      running.process.kill('SIGTERM');
      await running.outcome;
      upstream.close();
      plainUpstream.close();
    },
  };
}

function childOf({ process }: Running): number {
  return Number(readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')[0]);
}

/** Waits for a condition, never for a time. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + 25_000;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
