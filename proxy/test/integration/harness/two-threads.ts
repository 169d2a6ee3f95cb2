// A proxy of two threads whose sockets a test chooses from: each thread has one of its own.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Route } from '../../../src/contract.ts';
import { rawClient } from './client.ts';
import { routeTo, testConfig } from './config.ts';
import { type RunningProxy, startProxy, until } from './proxy.ts';
import { HOST } from './setting.ts';
import { later } from './undo.ts';
import { httpUpstream, testAuthority } from './upstream.ts';

const HELLO = `${JSON.stringify({ kind: 'tcp', address: '198.51.100.1', port: 443 })}\n`;
export const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const words = JSON.stringify({ text: 'Plain words of a conversation that holds nothing of interest. '.repeat(8_000) });
export const POST = `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${words.length}\r\n\r\n${words}`;

export interface TwoThreads {
  readonly proxy: RunningProxy;
  /** The socket of each thread. */
  readonly paths: readonly [string, string];
  /** Requests that reached the upstream. */
  served(): number;
}

interface Options {
  readonly connections?: number;
  readonly auditPath?: string;
  readonly route?: Partial<Route>;
  /** What the upstream says to a path, and header fields. */
  readonly answer?: (path: string, fields: IncomingHttpHeaders) => string;
}

/** A proxy that may have two threads, and has one so far. */
export async function oneOfTwoThreads({
  auditPath,
  route,
  answer = () => 'hi',
  ...limits
}: Options = {}): Promise<TwoThreads> {
  const authority = testAuthority();
  let served = 0;
  const upstream = await httpUpstream(authority, (request, response) => {
    served++;
    request.resume().on('end', () => response.end(answer(request.url ?? '', request.headers)));
  });
  later(() => upstream.close());
  const proxy = await startProxy((directory) =>
    testConfig(directory, {
      routes: [routeTo(HOST, { dlp: { onMatch: 'hold', except: [] }, ...route })],
      roots: authority.certificatePem,
      map: { [`${HOST}:443`]: upstream.address },
      limits: { workers: 2, ...limits },
      ...(auditPath === undefined ? {} : { auditPath }),
      listen: { explicit: null, relaySocket: join(directory, 'relay.sock') },
    }),
  );
  later(() => proxy.stop());
  const path = join(proxy.directory, 'relay.sock');
  return { proxy, paths: [path, `${path}.1`], served: () => served };
}

/** Keeps the first thread busy until the second one has joined. */
export async function twoThreads(options: Options = {}): Promise<TwoThreads> {
  const threads = await oneOfTwoThreads(options);
  const { proxy, paths } = threads;
  await keepBusy(paths[0], proxy.ca, () => existsSync(paths[1]));
  // The file is there a moment before the thread listens on it.
  for (let isUp = false; !isUp; ) {
    const trial = connect({ path: paths[1] });
    isUp = await once(trial, 'connect').then(
      () => true,
      () => false,
    );
    trial.destroy();
  }
  return threads;
}

export async function keepBusy(path: string, ca: string, isEnough: () => boolean): Promise<void> {
  const one = async (): Promise<void> => {
    while (!isEnough()) {
      const client = await openTls(path, ca);
      for (let index = 0; index < 20 && !client.socket.destroyed && !isEnough(); index++) {
        const had = client.answers();
        client.send(POST);
        await until(() => client.answers() > had || client.socket.destroyed, 'an answer');
      }
      client.close();
    }
  };
  await Promise.all(Array.from({ length: 4 }, one));
}

export async function relayed(path: string): Promise<Socket> {
  const socket = connect({ path });
  await once(socket, 'connect');
  later(() => socket.destroy());
  socket.write(HELLO);
  return socket;
}

export async function openTls(path: string, ca: string, session?: Buffer) {
  const given = session === undefined ? {} : { session };
  const socket: TLSSocket = connectTls({ socket: await relayed(path), servername: HOST, ca, ...given });
  let ticket: Buffer | null = null;
  socket.on('session', (fresh) => {
    ticket = fresh;
  });
  await once(socket, 'secureConnect');
  const client = rawClient(socket);
  return {
    ...client,
    answers: () => client.received().split('HTTP/1.1 200').length - 1,
    /** The session that a next connection may offer. */
    ticket: async () => {
      await until(() => ticket !== null, 'a session ticket');
      return ticket!;
    },
  };
}
