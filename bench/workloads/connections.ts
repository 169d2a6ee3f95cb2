// New connections, to the same host and to new ones, and connections that do nothing.
import type { TLSSocket } from 'node:tls';
import { openTunnel, roundTrip, type Target } from '../client.ts';
import { NEW_HOSTS } from '../machine.ts';
import { clockOf, head, type Load, median, type Outcome, type Workload } from './workload.ts';

const FULL_IDLE = 10_000;
/** Descriptors that are left for all else. */
const SPARE_DESCRIPTORS = 500;
const OPENING_AT_ONCE = 32;

async function newConnections(load: Load, hostOf: (index: number) => string): Promise<Outcome> {
  const latencies: number[] = [];
  const begun = performance.now();
  const goesOn = clockOf(load);
  for (let index = 0; goesOn(index); index += 1) {
    const opened = performance.now();
    const host = hostOf(index);
    const socket = await openTunnel(load.target, { host });
    await roundTrip(socket, Buffer.from(head({ host, port: load.target.port }, 'GET', '/small')));
    socket.destroy();
    latencies.push((performance.now() - opened) * 1000);
  }
  const operations = latencies.length;
  const wallMs = performance.now() - begun;
  return { operations, wallMs, p50Micros: median(latencies), atOrigin: { requests: operations } };
}

/** A peer that opens a few dozen a second is measured on as many as it opens in this time. */
const OPENING_MS = 20_000;

/** Open, one request each, then nothing. As many as the limit of descriptors allows: a tunnel costs a proxy two. */
async function idleTunnels(load: Load): Promise<Outcome> {
  const wanted = Math.min(FULL_IDLE * load.scale, Math.floor((descriptorLimit() - SPARE_DESCRIPTORS) / 2));
  const before = load.rssBytes();
  const begun = performance.now();
  const open: TLSSocket[] = [];
  const openMore = async (): Promise<void> => {
    while (open.length < wanted && performance.now() - begun < OPENING_MS) open.push(await openOne(load.target));
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, openMore));
  const heldBytes = (load.rssBytes() - before) / open.length;
  const wallMs = performance.now() - begun;
  if (open.some((socket) => socket.destroyed)) throw new Error('an idle tunnel was closed');
  for (const socket of open) socket.destroy();
  return { operations: open.length, wallMs, p50Micros: null, atOrigin: { requests: open.length }, heldBytes };
}

async function openOne(target: Target): Promise<TLSSocket> {
  const socket = await openTunnel(target);
  await roundTrip(socket, Buffer.from(head(target, 'GET', '/small')));
  return socket;
}

function descriptorLimit(): number {
  const report = process.report.getReport() as unknown as {
    readonly userLimits: { readonly open_files: { readonly hard: number | string } };
  };
  const { hard } = report.userLimits.open_files;
  return typeof hard === 'number' ? hard : FULL_IDLE * 4;
}

/** How many names each proxy has seen, across rounds: a name is new once. */
const named = new Map<number, number>();

function newHost({ proxyPort }: Target): string {
  const index = named.get(proxyPort ?? 0) ?? 0;
  named.set(proxyPort ?? 0, index + 1);
  return NEW_HOSTS[index] ?? fail('the bench has run out of new names');
}

function fail(why: string): never {
  throw new Error(why);
}

export const CONNECTION_WORKLOADS: readonly Workload[] = [
  {
    name: 'new connection, same host',
    unit: 'connection',
    least: 200,
    run: (load) => newConnections(load, () => load.target.host),
  },
  {
    name: 'new connection, new host',
    unit: 'connection',
    least: 200,
    run: (load) => newConnections(load, () => newHost(load.target)),
  },
  { name: '10,000 idle tunnels', unit: 'tunnel', isFresh: true, run: idleTunnels },
];
