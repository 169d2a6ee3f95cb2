// What becomes of one connection in the soak: every way to live and to end that a proxy meets, good and bad. Each leaves its records and nothing else.
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

export interface Place {
  /** Of the proxy. */
  readonly port: number;
  readonly ca: string;
  /** A host that is allowed, and leads to the upstream of the soak. */
  readonly host: string;
}

export interface Fate {
  readonly name: string;
  /** How many records it leaves; null = one at most, by who is faster. */
  readonly records: number | null;
  live(place: Place): Promise<void>;
}

const GIVE_UP_MS = 30_000;

/** Waits for the text; fails when the connection ends before. */
function hear(socket: Socket, wanted: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const timer = setTimeout(
      () => end(new Error(`waited in vain for ${JSON.stringify(wanted)} in ${heard.slice(0, 200)}`)),
      GIVE_UP_MS,
    );
    const end = (error: Error | null): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
      if (error === null) resolve(heard);
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      heard += chunk.toString('latin1');
      if (heard.includes(wanted)) end(null);
    };
    const onClose = (): void => end(new Error(`ended before ${JSON.stringify(wanted)}: ${heard.slice(0, 200)}`));
    socket.on('data', onData).once('close', onClose);
  });
}

function gone(socket: Socket): Promise<void> {
  socket.resume();
  return socket.destroyed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));
}

async function plain({ port }: Place): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', ignore);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}

/** Resets are what some fates are about; `close` follows. */
function ignore(): void {}

async function tunnel(place: Place, authority: string): Promise<Socket> {
  const socket = await plain(place);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  await hear(socket, '200 Connection Established\r\n\r\n');
  return socket;
}

async function secured(place: Place, host = place.host): Promise<TLSSocket> {
  const socket = connectTls({ socket: await tunnel(place, `${host}:443`), servername: host, ca: place.ca });
  socket.on('error', ignore);
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return socket;
}

const head = (line: string, host: string, more = ''): string => `${line} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const BODY = '{"model":"none","messages":[{"role":"user","content":"all work and no play"}]}'.repeat(20);

/** One request inside TLS, and what happens next. */
function inside(name: string, records: number | null, live: (socket: TLSSocket, place: Place) => Promise<void>): Fate {
  return {
    name,
    records,
    live: async (place) => {
      const socket = await secured(place);
      try {
        await live(socket, place);
      } finally {
        socket.destroy();
        await gone(socket);
      }
    },
  };
}

export const FATES: readonly Fate[] = [
  inside('three requests on one connection', 3, async (socket, { host }) => {
    for (let i = 0; i < 3; i++) {
      socket.write(head('GET /hello', host));
      await hear(socket, 'hello');
    }
  }),
  inside('pipelined requests', 4, async (socket, { host }) => {
    socket.write(head('GET /hello', host).repeat(3) + head('GET /last', host));
    await hear(socket, 'last');
  }),
  inside('a body', 1, async (socket, { host }) => {
    socket.write(head('POST /echo', host, `Content-Length: ${BODY.length}\r\n`) + BODY);
    await hear(socket, `got ${BODY.length}`);
  }),
  inside('a body in chunks', 1, async (socket, { host }) => {
    const chunk = `${BODY.length.toString(16)}\r\n${BODY}\r\n`;
    socket.write(`${head('POST /echo', host, 'Transfer-Encoding: chunked\r\n')}${chunk}${chunk}0\r\nX-T: 1\r\n\r\n`);
    await hear(socket, `got ${2 * BODY.length}`);
  }),
  inside('a stream, left in the middle', 1, async (socket, { host }) => {
    socket.write(head('GET /stream', host));
    await hear(socket, 'event 3');
  }),
  inside('a large answer, left in the middle', 1, async (socket, { host }) => {
    socket.write(head('GET /large', host));
    await hear(socket, 'xxxx');
  }),
  inside('an answer that never comes', 1, async (socket, { host }) => {
    socket.write(head('GET /never', host));
    await pause(5);
  }),
  inside('an upstream that ends before its answer', 1, async (socket, { host }) => {
    socket.write(head('GET /closes', host));
    await hear(socket, 'x-bottle-error');
  }),
  inside('an upstream that ends in its answer', 1, async (socket, { host }) => {
    socket.write(head('GET /truncates', host));
    await gone(socket);
  }),
  inside('an upstream that resets', 1, async (socket, { host }) => {
    socket.write(head('GET /resets', host));
    await hear(socket, 'x-bottle-error');
  }),
  inside('an upstream that talks nonsense', 1, async (socket, { host }) => {
    socket.write(head('GET /nonsense', host));
    await hear(socket, 'x-bottle-error');
  }),
  inside('an answer before the end of the body', 1, async (socket, { host }) => {
    socket.write(`${head('POST /early', host, 'Content-Length: 9000000\r\n')}${'x'.repeat(100)}`);
    await pause(5);
  }),
  inside('a body that stops', 1, async (socket, { host }) => {
    socket.write(`${head('POST /echo', host, 'Content-Length: 100\r\n')}abc`);
    await pause(5);
  }),
  inside('a head that stops', 1, async (socket) => {
    socket.write('GET /hello HT');
    await pause(5);
  }),
  inside('two lengths', 1, async (socket, { host }) => {
    socket.write(head('POST /echo', host, 'Content-Length: 1\r\nContent-Length: 2\r\n'));
    await hear(socket, 'x-bottle-block');
  }),
  inside('a WebSocket', 1, async (socket, { host }) => {
    const fields =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    socket.write(head('GET /ws', host, fields));
    await hear(socket, '101 ');
    socket.write(Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2]));
    await pause(2);
  }),
  {
    name: 'a host that is not allowed',
    records: 1,
    live: async (place) => {
      const socket = await secured(place, 'evil.example');
      socket.write(head('GET /', 'evil.example'));
      await hear(socket, 'x-bottle-block');
      socket.destroy();
    },
  },
  {
    name: 'a client that does not trust us',
    records: 1,
    live: async (place) => {
      const socket = connectTls({ socket: await tunnel(place, `${place.host}:443`), servername: place.host, ca: [] });
      await new Promise((resolve) => socket.once('error', resolve));
      await gone(socket);
    },
  },
  {
    name: 'half a handshake',
    records: 1,
    live: async (place) => {
      const socket = await tunnel(place, `${place.host}:443`);
      socket.write('\x16\x03\x01\x02\x00\x01', 'latin1');
      await pause(2);
      socket.destroy();
    },
  },
  {
    name: 'a tunnel that is reset',
    records: null,
    live: async (place) => {
      const socket = await tunnel(place, `${place.host}:443`);
      socket.resetAndDestroy();
    },
  },
  {
    name: 'nothing at all',
    records: 0,
    live: async (place) => {
      (await plain(place)).destroy();
    },
  },
  {
    name: 'garbage',
    records: 1,
    live: async (place) => {
      const socket = await plain(place);
      socket.write('\x00\x01\x02\x03\r\n\r\n', 'latin1');
      await gone(socket);
    },
  },
];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
