// Joins the person's streams with the agent's: a raw terminal when there is one, else plain stdin, stdout and stderr.
import type { Duplex } from 'node:stream';
import { copyRaw, splitFrames } from '../engine/attachment.ts';
import { isClosedByReader } from '../report/output.ts';
import { TerminalModes, takeTerminal } from './terminal.ts';

export interface PersonStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export interface JoinedStreams {
  /** Resolves when the agent's output has ended and was written. */
  readonly ended: Promise<void>;
  /** Resolves when the reader of our stdout has gone (`| head`): the agent has nobody to talk to any more. */
  readonly readerGone: Promise<void>;
  /** Gives the terminal back and lets stdin go; fine to call twice. */
  release(): void;
}

export function isTerminal({ stdin, stdout }: PersonStreams): boolean {
  return stdin.isTTY === true && stdout.isTTY === true;
}

export function joinStreams(person: PersonStreams, agent: Duplex, tty: boolean): JoinedStreams {
  const readerGone = watchReader(person);
  return tty ? { readerGone, ...joinTerminal(person, agent) } : { readerGone, ...joinPipes(person, agent) };
}

function joinTerminal(person: PersonStreams, agent: Duplex) {
  const modes = new TerminalModes();
  const giveBack = takeTerminal(person, modes);
  agent.on('data', (chunk: Buffer) => modes.see(chunk));
  const ended = copyRaw(agent, person.stdout);
  const forward = (chunk: Buffer) => {
    if (agent.writable) agent.write(chunk);
  };
  person.stdin.on('data', forward).resume();
  // A terminal that is closed under us: the signal that comes with it ends the session.
  person.stdin.on('error', () => undefined);
  const release = () => {
    person.stdin.off('data', forward);
    giveBack();
  };
  return { ended, release };
}

function joinPipes(person: PersonStreams, agent: Duplex) {
  const ended = splitFrames(agent, person.stdout, person.stderr);
  // `pipe` forwards the end of our stdin as the end of the agent's. When the agent is gone first, what is typed is dropped.
  agent.on('error', () => person.stdin.unpipe(agent));
  person.stdin.pipe(agent);
  const release = () => {
    person.stdin.unpipe(agent);
    person.stdin.pause();
    person.stdin.unref?.();
  };
  return { ended, release };
}

/** While a session lives, a closed stdout must not end the process on the spot: there is something to undo. */
function watchReader({ stdout, stderr }: PersonStreams): Promise<void> {
  return new Promise((resolve) => {
    for (const stream of [stdout, stderr]) {
      stream.removeAllListeners('error');
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (isClosedByReader(error) || error.code === 'EIO') resolve();
        else throw error;
      });
    }
  });
}
