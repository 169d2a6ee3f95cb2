// The other end of a session's control socket: finds it and speaks with it.
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { stateDir } from '../state/paths.ts';
import { findSession } from '../state/sessions.ts';
import { type ControlEvent, type PersonsWord, parseControlEvent } from './control-line.ts';

export interface Control {
  readonly events: AsyncIterable<ControlEvent>;
  tell(word: PersonsWord): void;
  close(): void;
}

/** `query`: name or id of a session, or the path of a socket (`bottle proxy` prints it); without one the latest session. */
export async function connectControl(query: string | undefined): Promise<Control> {
  const path = query?.includes('/') === true ? query : await pathOf(query);
  return openConnection(path);
}

export async function openConnection(path: string): Promise<Control> {
  const socket = connect(path);
  try {
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  } catch (error) {
    throw notRunning(`nothing listens on ${path}`, error);
  }
  socket.on('error', () => {}); // `close` follows, and ends the events.
  return {
    events: eventsOf(socket),
    tell: (word) => {
      socket.write(`${JSON.stringify(word)}\n`);
    },
    close: () => socket.destroy(),
  };
}

async function pathOf(query: string | undefined): Promise<string> {
  const { control, id } = await findSession(stateDir(), query, { prefersRunning: true });
  if (control === undefined) throw notRunning(`${id} has no control socket`, undefined);
  return control;
}

async function* eventsOf(socket: Socket): AsyncGenerator<ControlEvent> {
  // However the connection ends, for its reader it is the end: readline would pass on an error, and miss that we closed it.
  const input = socket.pipe(new PassThrough());
  socket.once('close', () => input.end());
  for await (const line of createInterface({ input })) {
    const event = parseControlEvent(line);
    if (event !== null) yield event;
  }
}

function notRunning(why: string, cause: unknown): BottleError {
  return new BottleError({
    what: 'the session does not run',
    why,
    fix: '"bottle ps" lists those that do',
    exitCode: EXIT.input,
    cause,
  });
}
