// A session's control socket: the process that holds the proxy's stdin lets the same person's other commands decide on held requests.
//
// It is a file that only its owner may open, in a directory that only its owner may enter, and no container mounts it: an agent has no way to it.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { HeldEvent, ReleasedEvent } from '../../proxy/src/contract.ts';
import { BottleError } from '../report/bottle-error.ts';
import { type ControlEvent, type PersonsWord, parseControlEvent, parseWord } from './control-line.ts';

/** The kernel's names of sockets end there, in bytes (unix(7)). */
const LONGEST_PATH = 107;
const OWNER_ONLY = 0o177;
/** Of a client that does not listen. */
const MOST_UNREAD_BYTES = 1024 ** 2;

export interface ControlSocket {
  readonly path: string;
  /** A line of the proxy; what is no event of a held request is dropped. */
  onLine(line: string): void;
  close(): Promise<void>;
}

/** `path` is wanted; one too long for a socket gives way to one in a new directory below the temporary one. */
export async function openControl(path: string, tell: (word: PersonsWord) => void): Promise<ControlSocket> {
  const isTooLong = Buffer.byteLength(path) > LONGEST_PATH;
  if (!isTooLong) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const directory = isTooLong ? mkdtempSync(join(tmpdir(), 'bottle-')) : null;
  const place = directory === null ? path : join(directory, 'control');
  const held = new Map<string, HeldEvent>();
  const clients = new Set<Socket>();
  const say = (client: Socket, event: ControlEvent): void => {
    client.write(`${JSON.stringify(event)}\n`);
    if (client.writableLength > MOST_UNREAD_BYTES) client.destroy();
  };

  const server = createServer((client) => {
    clients.add(client);
    client.on('error', () => {}); // `close` follows.
    client.on('close', () => clients.delete(client));
    for (const event of held.values()) say(client, event);
    say(client, { event: 'current' });
    const lines = createInterface({ input: client });
    lines.on('error', () => {}); // It passes on the socket's own.
    lines.on('line', (line) => {
      const word = parseWord(line);
      if (word === null) client.destroy();
      else if (held.has(word.id)) tell(word);
      else say(client, { event: 'unknown', id: word.id });
    });
  });
  // Nobody else can open it, not even for the moment before a chmod.
  const mask = process.umask(OWNER_ONLY);
  const listening = new Promise<void>((resolve, reject) => server.once('error', reject).listen(place, resolve));
  process.umask(mask);
  try {
    await listening;
  } catch (error) {
    throw new BottleError({
      what: `cannot listen on ${place}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'set BOTTLE_STATE_DIR to a directory of a local file system',
      cause: error,
    });
  }
  chmodSync(place, 0o600);
  server.unref();

  return {
    path: place,
    onLine: (line) => {
      const event = parseControlEvent(line);
      if (event === null || (event.event !== 'held' && event.event !== 'released')) return;
      note(held, event);
      for (const client of clients) say(client, event);
    },
    close: async () => {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
      if (directory !== null) rmSync(directory, { recursive: true, force: true });
    },
  };
}

function note(held: Map<string, HeldEvent>, event: HeldEvent | ReleasedEvent): void {
  if (event.event === 'held') held.set(event.id, event);
  else held.delete(event.id);
}
