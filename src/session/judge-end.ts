// Waits for the end of a running session and says what it means: the agent's own end, or that what contains it broke.
import { setTimeout } from 'node:timers/promises';
import type { Exit, LiveContainer } from '../engine/live-container.ts';
import { BottleError } from '../report/bottle-error.ts';
import type { JoinedStreams } from './agent-streams.ts';
import type { Ending } from './ending.ts';

export interface RunningSession {
  readonly agent: LiveContainer;
  /** Sidecar and relay: without them the agent has no way out, and nothing to stay for. */
  readonly helpers: readonly LiveContainer[];
  readonly streams: JoinedStreams;
  readonly ending: Ending;
}

/** As a shell counts an end by SIGPIPE. */
const READER_GONE = 141;
/** The kernel's end of every process of a namespace whose first one died; also what an agent out of memory gets. */
export const KILLED = 137;
/** For the news of a helper's end to arrive, in ms. */
const NEWS_MS = 300;

/** The exit code of the session. Throws when it was not the agent that ended it. */
export async function judgeEnd({ agent, helpers, streams, ending }: RunningSession): Promise<number> {
  const helperGone = Promise.race(helpers.map(async (helper) => brokenBy(helper, await helper.exit)));
  const end = await Promise.race([
    agent.exit.then((exit) => ({ by: 'agent', exit }) as const),
    helperGone.then((error) => ({ by: 'helper', error }) as const),
    ending.ended.then(() => ({ by: 'us' }) as const),
    streams.readerGone.then(() => ({ by: 'reader' }) as const),
  ]);
  switch (end.by) {
    case 'agent': {
      // However slowly it is read; a reader that has gone, or a signal, ends it.
      await Promise.race([streams.ended, streams.readerGone, ending.ended]);
      if (end.exit.kind === 'lost') throw lost(end.exit.why);
      if (end.exit.code === KILLED) {
        const broken = await Promise.race([helperGone, patience(NEWS_MS)]);
        if (broken !== undefined) throw broken;
      }
      return end.exit.code;
    }
    case 'helper':
      await agent.remove();
      throw end.error;
    case 'us':
      throw ending.signal.reason;
    case 'reader':
      return READER_GONE;
    default:
      return end satisfies never;
  }
}

function brokenBy(helper: LiveContainer, exit: Exit): BottleError {
  const name = helper.role === 'proxy' ? 'sidecar' : helper.role;
  const how = exit.kind === 'exited' ? `exit code ${exit.code}` : exit.why;
  const last = helper.stderrTail.trim().split('\n').at(-1) ?? '';
  return new BottleError({
    what: `the ${name} ended while the agent ran, so the agent was stopped`,
    why: last === '' ? how : `${how}: ${last}`,
    fix: 'look whether something stopped or killed its container, and start again',
  });
}

function lost(why: string): BottleError {
  return new BottleError({
    what: 'the end of the agent was not seen',
    why,
    fix: 'look whether the engine was stopped; run "bottle reap" once it runs',
  });
}

async function patience(ms: number): Promise<undefined> {
  await setTimeout(ms, undefined, { ref: false });
}
