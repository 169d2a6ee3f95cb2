// Runs one more program beside the agent, in its container: same user, same environment, same containment.
import type { Duplex } from 'node:stream';
import type { Engine } from '../engine/connect.ts';
import { engineFailure } from '../engine/engine-error.ts';
import { BottleError } from '../report/bottle-error.ts';
import { isTerminal, joinStreams, type PersonStreams } from './agent-streams.ts';
import type { LiveSession } from './find-live.ts';
import { followSize, terminalEnv } from './terminal.ts';

/** The program's exit code. */
export async function execInSession(
  { docker }: Engine,
  session: LiveSession,
  command: readonly string[],
  person: PersonStreams,
): Promise<number> {
  if (session.agent === undefined) {
    throw new BottleError({
      what: `the agent of ${session.id} does not run`,
      why: 'it is starting or ending',
      fix: 'try again, or look at "bottle ps"',
    });
  }
  const tty = isTerminal(person);
  try {
    const exec = await docker.getContainer(session.agent).exec({
      Cmd: [...command],
      Env: Object.entries(tty ? terminalEnv(process.env) : {}).map(([name, value]) => `${name}=${value}`),
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
    });
    const stream: Duplex = await exec.start({ hijack: true, stdin: true, Tty: tty });
    const streams = joinStreams(person, stream, tty);
    const stopResize = tty ? followSize(person.stdout, exec) : () => undefined;
    try {
      await Promise.race([streams.ended, streams.readerGone]);
    } finally {
      stopResize();
      streams.release();
      stream.destroy();
    }
    return (await exec.inspect()).ExitCode ?? 0;
  } catch (error) {
    throw engineFailure(
      `the program did not run in ${session.id}`,
      error,
      'look whether the session still runs: "bottle ps"',
    );
  }
}
