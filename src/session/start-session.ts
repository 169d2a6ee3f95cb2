// One session from nothing to nothing: prepare, walk the plan, join the streams, wait, undo. Undone on every way out.
import { setTimeout } from 'node:timers/promises';
import { type ControlSocket, openControl } from '../control/control-socket.ts';
import type { LiveContainer } from '../engine/live-container.ts';
import { SubnetTaken } from '../engine/networks.ts';
import { ranOutOfMemory } from '../engine/out-of-memory.ts';
import { performStep } from '../engine/perform-step.ts';
import { runSteps } from '../engine/run-steps.ts';
import { UndoStack } from '../engine/undo-stack.ts';
import type { Role } from '../plan/plan.ts';
import { BottleError } from '../report/bottle-error.ts';
import { printWarning } from '../report/output.ts';
import { type FreshSecrets, keepFresh } from '../secrets/keep-fresh.ts';
import { joinStreams, type PersonStreams } from './agent-streams.ts';
import { beginSession, type Session } from './begin-session.ts';
import { Ending } from './ending.ts';
import { judgeEnd, KILLED } from './judge-end.ts';
import { keepLogs } from './keep-logs.ts';
import { SessionValues } from './live-values.ts';
import { type Prepared, prepareSession, type StartOptions } from './prepare-session.ts';
import { followSize } from './terminal.ts';
import type { Timings } from './timings.ts';

export interface SessionEnd {
  readonly id: string;
  /** The agent's own, or 128 + the number of the signal that ended us. */
  readonly exitCode: number;
}

type Containers = Map<Role, LiveContainer>;

const SUBNET_TRIES = 5;
/** For clearing up after others, once this session is over, in ms. */
const REAPING_MS = 2000;

/** Runs the whole session; throws when it could not begin, or when what contains it broke. Nothing is left on the engine. */
export async function startSession(
  options: StartOptions,
  person: PersonStreams,
  timings: Timings,
): Promise<SessionEnd> {
  const prepared = await prepareSession(options, timings);
  const ending = new Ending();
  try {
    const session = beginSession(prepared, person);
    const exitCode = await runRecorded(session, prepared, ending, timings, person);
    await Promise.race([prepared.reaping, setTimeout(REAPING_MS, undefined, { ref: false })]);
    const { state } = session.record;
    for (const warning of await keepLogs(options.bottle.logs, state, prepared.stateDirectory)) printWarning(warning);
    return { id: state.id, exitCode };
  } finally {
    ending.close();
    await prepared.listener.close();
  }
}

/** The containers' whole life, with its end on record whatever that is. */
async function runRecorded(
  session: Session,
  prepared: Prepared,
  ending: Ending,
  timings: Timings,
  person: PersonStreams,
): Promise<number> {
  const { record } = session;
  let exitCode: number | undefined;
  try {
    exitCode = await runContainers(session, prepared, ending, timings, person);
    return exitCode;
  } catch (error) {
    // A signal makes whatever was under way fail: that failure is no news.
    exitCode = ending.exitCode;
    if (exitCode === undefined) throw error;
    return exitCode;
  } finally {
    const status = exitCode === undefined ? 'failed' : 'ended';
    record.update({ status, endedAt: new Date().toISOString(), exitCode: exitCode ?? null });
  }
}

async function runContainers(
  session: Session,
  prepared: Prepared,
  ending: Ending,
  timings: Timings,
  person: PersonStreams,
): Promise<number> {
  const undo = new UndoStack();
  const containers: Containers = new Map();
  let control: ControlSocket | undefined;
  let fresh: FreshSecrets | undefined;
  /** While the agent has the terminal, we write nothing. */
  const notes: string[] = [];
  try {
    await startContainers(session, prepared, { containers, undo, ending, timings });
    control = await openSessionControl(session, containers);
    fresh = keepSecretsFresh(prepared, containers, (note) => notes.push(note));
    void relayEvents(containers, [control, fresh]);
    session.record.update({ status: 'running', control: control.path });
    const exitCode = await runAgent(session, containers, person, ending);
    if (exitCode === KILLED) await explainKill(session, prepared, containers);
    return exitCode;
  } finally {
    const read = fresh?.close();
    await control?.close();
    for (const note of new Set(notes)) printWarning(note);
    await timings.measure('teardown', () => tearDown(undo, containers));
    await read;
  }
}

/** Other commands of the same person reach the sidecar through us: we hold its stdin. */
async function openSessionControl({ record }: Session, containers: Containers): Promise<ControlSocket> {
  const proxy = proxyOf(containers);
  return openControl(record.paths.control, (word) => proxy.send(JSON.stringify(word)));
}

function keepSecretsFresh(
  { options, secrets, lives, roots }: Prepared,
  containers: Containers,
  onFailure: (text: string) => void,
): FreshSecrets {
  const { bottle } = options;
  return keepFresh({
    ...{ sources: bottle.secrets, current: secrets, lives, onFailure },
    surroundings: { env: process.env, specFile: bottle.file, roots },
    tell: (message) => proxyOf(containers).send(JSON.stringify(message)),
  });
}

/** Until the sidecar ends. */
async function relayEvents(containers: Containers, readers: readonly { onLine(line: string): void }[]): Promise<void> {
  const proxy = proxyOf(containers);
  for (let line = await proxy.nextLine(); line !== null; line = await proxy.nextLine()) {
    for (const reader of readers) reader.onLine(line);
  }
}

function proxyOf(containers: Containers): LiveContainer {
  const proxy = containers.get('proxy');
  if (proxy === undefined) throw new Error('the plan started no proxy');
  return proxy;
}

interface Progress {
  readonly containers: Containers;
  readonly undo: UndoStack;
  readonly ending: Ending;
  readonly timings: Timings;
}

/** Walks the plan. When the subnet of an internal network turns out to be taken, again with another one. */
async function startContainers(session: Session, prepared: Prepared, progress: Progress): Promise<void> {
  const { containers, undo, ending, timings } = progress;
  const context = { docker: prepared.engine.docker, undo, containers, live: new SessionValues(session.live) };
  for (let left = SUBNET_TRIES; ; left--) {
    const plan = await session.makePlan();
    try {
      await runSteps(
        plan.steps,
        (step, signal) => timings.measure(step.id, () => performStep(step, { ...context, signal })),
        ending.signal,
      );
      await prepared.listener.close();
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
  session: Session,
  containers: Containers,
  person: PersonStreams,
  ending: Ending,
): Promise<number> {
  const agent = containers.get('agent');
  if (agent === undefined) throw new Error('the plan started no agent');
  const helpers = [...containers.values()].filter(({ role }) => role === 'proxy' || role === 'relay');
  const streams = joinStreams(person, agent.stream, session.tty);
  const stopResize = session.tty ? followSize(person.stdout, agent.container) : () => undefined;
  ending.forwardTo(agent);
  try {
    return await judgeEnd({ agent, helpers, streams, ending });
  } finally {
    stopResize();
    streams.release();
  }
}

/** The most likely reason, which the exit code does not tell. */
async function explainKill({ record }: Session, { engine, options }: Prepared, containers: Containers): Promise<void> {
  const agent = containers.get('agent');
  if (agent === undefined) return;
  if (!(await ranOutOfMemory(engine.docker, agent.container.id, new Date(record.state.startedAt)))) return;
  const limit = Math.round(options.bottle.agent.resources.memoryBytes / 1024 ** 2);
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
