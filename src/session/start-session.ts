// One session from nothing to nothing: prepare, walk the plan, join the streams, wait, undo. Undone on every way out.
import type { LiveContainer } from '../engine/live-container.ts';
import { SubnetTaken } from '../engine/networks.ts';
import { ranOutOfMemory } from '../engine/out-of-memory.ts';
import { performStep } from '../engine/perform-step.ts';
import { runSteps } from '../engine/run-steps.ts';
import { UndoStack } from '../engine/undo-stack.ts';
import type { Role } from '../plan/plan.ts';
import { BottleError } from '../report/bottle-error.ts';
import { printWarning } from '../report/output.ts';
import { stateDir } from '../state/paths.ts';
import { joinStreams, type PersonStreams } from './agent-streams.ts';
import { Ending } from './ending.ts';
import { judgeEnd, KILLED } from './judge-end.ts';
import { keepLogs } from './keep-logs.ts';
import { SessionValues } from './live-values.ts';
import { type Prepared, prepareSession, type StartOptions } from './prepare-session.ts';
import type { SessionRecord } from './session-record.ts';
import { followSize } from './terminal.ts';
import type { Timings } from './timings.ts';

export interface SessionEnd {
  /** null when it ended before it had one. */
  readonly id: string | null;
  /** The agent's own, or 128 + the number of the signal that ended us. */
  readonly exitCode: number;
}

type Containers = Map<Role, LiveContainer>;

const SUBNET_TRIES = 5;

/** Runs the whole session; throws when it could not begin, or when what contains it broke. Nothing is left on the engine. */
export async function startSession(
  options: StartOptions,
  person: PersonStreams,
  timings: Timings,
): Promise<SessionEnd> {
  const ending = new Ending();
  const undo = new UndoStack();
  const containers: Containers = new Map();
  let record: SessionRecord | undefined;
  let exitCode: number | undefined;
  try {
    const prepared = await prepareSession(options, person, undo, timings);
    record = prepared.record;
    await startContainers(prepared, containers, undo, ending, timings);
    record.update({ status: 'running' });
    exitCode = await runAgent(prepared, containers, person, ending);
    if (exitCode === KILLED) await explainKill(prepared, containers);
    await timings.measure('teardown', () => tearDown(undo, containers));
    await prepared.reaping;
    return { id: record.state.id, exitCode };
  } catch (error) {
    // A signal makes whatever was under way fail: that failure is no news.
    exitCode = ending.exitCode;
    if (exitCode === undefined) throw error;
    return { id: record?.state.id ?? null, exitCode };
  } finally {
    await tearDown(undo, containers);
    record?.update({
      status: exitCode === undefined ? 'failed' : 'ended',
      endedAt: new Date().toISOString(),
      exitCode: exitCode ?? null,
    });
    if (record !== undefined) {
      for (const warning of await keepLogs(options.bottle.logs, record.state, stateDir())) printWarning(warning);
    }
    ending.close();
  }
}

/** Walks the plan. When the subnet of an internal network turns out to be taken, again with another one. */
async function startContainers(
  prepared: Prepared,
  containers: Containers,
  undo: UndoStack,
  ending: Ending,
  timings: Timings,
): Promise<void> {
  const { docker } = prepared.engine;
  const context = { docker, undo, containers, live: new SessionValues(prepared.live) };
  for (let left = SUBNET_TRIES; ; left--) {
    const plan = await prepared.makePlan();
    try {
      await runSteps(
        plan.steps,
        (step, signal) => timings.measure(step.id, () => performStep(step, { ...context, signal })),
        ending.signal,
      );
      await prepared.live.listener.close();
      return;
    } catch (error) {
      if (!(error instanceof SubnetTaken) || left === 1) throw error;
      await Promise.all([...containers.values()].map((container) => container.remove()));
      containers.clear();
    }
  }
}

/** From the agent's first byte to its last. While it has the terminal, we write nothing. */
async function runAgent(
  prepared: Prepared,
  containers: Containers,
  person: PersonStreams,
  ending: Ending,
): Promise<number> {
  const agent = containers.get('agent');
  if (agent === undefined) throw new Error('the plan started no agent');
  const helpers = [...containers.values()].filter(({ role }) => role === 'proxy' || role === 'relay');
  const streams = joinStreams(person, agent.stream, prepared.tty);
  const stopResize = prepared.tty ? followSize(person.stdout, agent.container) : () => undefined;
  ending.forwardTo(agent);
  try {
    return await judgeEnd({ agent, helpers, streams, ending });
  } finally {
    stopResize();
    streams.release();
  }
}

/** The most likely reason, which the exit code does not tell. */
async function explainKill({ engine, record, bottle }: Prepared, containers: Containers): Promise<void> {
  const agent = containers.get('agent');
  if (agent === undefined) return;
  if (!(await ranOutOfMemory(engine.docker, agent.container.id, new Date(record.state.startedAt)))) return;
  const limit = Math.round(bottle.agent.resources.memoryBytes / 1024 ** 2);
  printWarning(`the agent used up its memory of ${limit} MiB, and the kernel ended it; raise agent.resources.memory`);
}

/** Everything at the same time, then in reverse order what is still there. Fine to call twice. */
async function tearDown(undo: UndoStack, containers: Containers): Promise<void> {
  const removals = await Promise.allSettled([...containers.values()].map((container) => container.remove()));
  const failures = [
    ...(await undo.unwind()).map(({ error }) => error),
    ...removals.filter((each) => each.status === 'rejected').map(({ reason }): unknown => reason),
  ];
  if (failures.length === 0) return;
  throw new BottleError({
    what: 'something of the session could not be removed',
    why: failures.map((error) => (error instanceof Error ? error.message : String(error))).join('; '),
    fix: 'run "bottle reap"',
    cause: failures[0],
  });
}
