// Tries to reach things: TCP targets, DNS servers, a made-up name. Every attempt ends within its bound.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { encodeQuery, readReply, TYPE_A } from '../net/dns-message.ts';
import { type Captures, dnsKey, tcpKey } from './captures.ts';
import type { DnsOutcome, NameOutcome, TcpOutcome } from './judge.ts';

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** Time for our own listener to report a connection that the kernel has already accepted for it, in ms. */
const CAPTURE_MS = 100;

export function reachTcp(place: Place, timeoutMs: number, captures: Captures): Promise<TcpOutcome> {
  const { promise, resolve } = Promise.withResolvers<TcpOutcome>();
  const socket = connect({ host: place.address, port: place.port });
  const timer = setTimeout(finish, timeoutMs, { kind: 'silent' });
  function finish(outcome: TcpOutcome): void {
    clearTimeout(timer);
    socket.destroy();
    resolve(outcome);
  }
  let isConnected = false;
  socket.once('connect', () => {
    isConnected = true;
    clearTimeout(timer);
    const key = tcpKey(socket.localPort, place.address, place.port);
    captures.waitFor(key, CAPTURE_MS).then((isOurs) => finish({ kind: isOurs ? 'captured' : 'connected' }));
  });
  // A connection that is reset after it stood was accepted all the same: that verdict is on its way.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (!isConnected) finish({ kind: 'failed', code: error.code ?? error.message });
  });
  return promise;
}

export async function askDnsServer(place: Place, timeoutMs: number, captures: Captures): Promise<DnsOutcome> {
  const name = madeUpName();
  const id = randomBytes(2).readUInt16BE();
  const { promise, resolve } = Promise.withResolvers<DnsOutcome>();
  const socket = createSocket(place.address.includes(':') ? 'udp6' : 'udp4');
  const timer = setTimeout(resolve, timeoutMs, { kind: 'silent' } satisfies DnsOutcome);
  socket.on('error', (error: NodeJS.ErrnoException) => resolve({ kind: 'failed', code: error.code ?? error.message }));
  socket.on('message', (message) => {
    const reply = readReply(message);
    if (reply?.id === id) resolve({ kind: 'answered', code: reply.code, address: reply.firstAddress });
  });
  // Connected, so that a refusal (ICMP) is heard at once.
  socket.once('connect', () => socket.send(encodeQuery(id, name, TYPE_A)));
  socket.connect(place.port, place.address);
  const outcome = await promise;
  clearTimeout(timer);
  socket.close();
  const isOurs = outcome.kind === 'answered' && (await captures.waitFor(dnsKey(name), CAPTURE_MS));
  return isOurs ? { kind: 'captured' } : outcome;
}

/** By the namespace's own resolver, as /etc/resolv.conf names it. */
export async function resolveMadeUpName(timeoutMs: number): Promise<NameOutcome> {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  const timer = setTimeout(() => resolver.cancel(), timeoutMs);
  try {
    return { kind: 'resolved', addresses: await resolver.resolve4(madeUpName()) };
  } catch (error) {
    return { kind: 'failed', code: (error as NodeJS.ErrnoException).code ?? String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Below a domain that is registered: a resolver that forwards would ask the outside. Different each time: no cache answers. */
function madeUpName(): string {
  return `bottle-probe-${randomBytes(8).toString('hex')}.example.com`;
}
