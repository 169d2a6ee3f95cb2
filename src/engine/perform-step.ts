// Performs one step of a plan on the engine. Decides nothing: what is not in the step comes from the session's live values.
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { Role, Step, TrustFile } from '../plan/plan.ts';
import { BottleError } from '../report/bottle-error.ts';
import { fillPlaceholders, type PlaceholderReference } from '../spec/placeholder-text.ts';
import { engineFailure, engineStatus } from './engine-error.ts';
import { LiveContainer } from './live-container.ts';
import { createNetwork, ensureNetwork, removeNetwork, SubnetTaken } from './networks.ts';
import type { UndoStack } from './undo-stack.ts';

/** What exists only while a session runs, and never in a plan. */
export interface LiveValues {
  placeholder(secret: string): string;
  /** What stands in a file in its place; throws when there is nothing. */
  reference(reference: PlaceholderReference): string;
  /** The sidecar's configuration with the secrets' values; one line. */
  configLine(): string;
  /** Called with the first line of a container of ours; throws when that is no good news. */
  onFirstLine(role: Exclude<Role, 'agent'>, line: string): void;
  trustFile(content: TrustFile['content']): Buffer;
}

export interface StepContext {
  readonly docker: Docker;
  readonly undo: UndoStack;
  readonly live: LiveValues;
  readonly containers: Map<Role, LiveContainer>;
  readonly signal: AbortSignal;
}

/** For the last words of a container that could not start, in ms. */
const LAST_WORDS_MS = 500;

export async function performStep(step: Step, context: StepContext): Promise<void> {
  try {
    await perform(step, context);
  } catch (error) {
    if (error instanceof SubnetTaken) throw error;
    throw step.do === 'start' && step.role === 'agent'
      ? agentNotStarted(error)
      : engineFailure(`the engine refused the step ${step.id}`, error);
  }
}

async function perform(step: Step, context: StepContext): Promise<void> {
  const { docker, undo, live, containers } = context;
  switch (step.do) {
    case 'ensure-network':
      return ensureNetwork(docker, step.name, step.network);
    case 'create-network': {
      const network = await createNetwork(docker, step.name, step.network);
      undo.push(`network ${step.name}`, () => removeNetwork(network));
      return;
    }
    case 'create-container': {
      const placeholders = step.placeholders.map((name) => `${name}=${live.placeholder(name)}`);
      const entrypoint = step.container.Entrypoint?.map((text) =>
        fillPlaceholders(text, (reference) => live.reference(reference)),
      );
      const container = await createContainer(docker, step, placeholders, entrypoint);
      const created = new LiveContainer(step.role, step.name, container);
      undo.push(`container ${step.name}`, () => created.remove());
      containers.set(step.role, created);
      return;
    }
    case 'connect-network':
      await docker.getNetwork(step.network).connect({
        Container: find(containers, step.role).container.id,
        ...(step.address === null ? {} : { EndpointConfig: { IPAMConfig: { IPv4Address: step.address } } }),
      });
      return;
    case 'attach':
      return find(containers, step.role).attach();
    case 'start':
      return find(containers, step.role).start();
    case 'send-config':
      find(containers, step.role).send(live.configLine());
      return;
    case 'await-ready':
      return awaitReady(find(containers, step.role), step.role, step.timeoutMs, context);
    case 'write-trust':
      // In place: a mount of a file is of that very file, not of its name.
      for (const { path, content } of step.files) writeFileSync(path, live.trustFile(content), { flag: 'r+' });
      return;
    default:
      step satisfies never;
  }
}

async function createContainer(
  docker: Docker,
  step: Extract<Step, { do: 'create-container' }>,
  env: readonly string[],
  entrypoint: readonly string[] | undefined,
): Promise<Docker.Container> {
  // The plan's own type is the engine's, with nothing in it that may be written to.
  const options = {
    ...step.container,
    name: step.name,
    Env: [...step.container.Env, ...env],
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
  } as unknown as Docker.ContainerCreateOptions;
  try {
    return await docker.createContainer(options);
  } catch (error) {
    if (engineStatus(error) === 404 && /no such image/i.test(String(error))) {
      throw new BottleError({
        what: `the engine has no image ${step.container.Image}`,
        why: 'bottle does not pull images by itself',
        fix: `run "docker pull ${step.container.Image}", or name another one in agent.image`,
        cause: error,
      });
    }
    throw error;
  }
}

async function awaitReady(
  from: LiveContainer,
  role: Exclude<Role, 'agent'>,
  timeoutMs: number,
  context: StepContext,
): Promise<void> {
  const deadline = AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]);
  const aborted = new Promise<never>((_, reject) => {
    deadline.addEventListener('abort', () =>
      reject(
        context.signal.aborted ? context.signal.reason : notReady(from, `it said nothing within ${timeoutMs / 1000} s`),
      ),
    );
  });
  aborted.catch(() => undefined); // nobody waits for it once the line is there
  const line = await Promise.race([from.nextLine(), aborted]);
  if (line === null) {
    const exit = await Promise.race([from.exit, aborted]);
    throw notReady(from, exit.kind === 'exited' ? `it ended with exit code ${exit.code}` : `it was lost: ${exit.why}`);
  }
  try {
    context.live.onFirstLine(role, line);
  } catch (error) {
    if (error instanceof BottleError) await addWords(error, from);
    throw error;
  }
}

/** What it wrote on stderr is for those who look for a bug: the cause is shown with BOTTLE_DEBUG=1. */
async function addWords(error: BottleError, from: LiveContainer): Promise<void> {
  await Promise.race([from.exit, setTimeout(LAST_WORDS_MS, undefined, { ref: false })]);
  error.cause ??= new Error(from.stderrTail);
}

function notReady(from: LiveContainer, how: string): BottleError {
  const last = from.stderrTail.trim().split('\n').at(-1) ?? '';
  return new BottleError({
    what: `the ${from.role === 'proxy' ? 'sidecar' : from.role} did not become ready`,
    why: last === '' ? how : `${how}: ${last}`,
    fix: 'set BOTTLE_DEBUG=1 and report it',
  });
}

function agentNotStarted(error: unknown): unknown {
  const failure = engineFailure(
    'the agent did not start',
    error,
    'look at agent.command and agent.image, or at what stands behind "--"',
  );
  if (!(failure instanceof BottleError)) return failure;
  // The engine's text has the runtime's own history in front: `OCI runtime create failed: … exec: "x": executable file not found in $PATH`.
  const exec =
    /exec: "?(.+?)"?: (executable file not found in \$PATH|permission denied|no such file or directory)/.exec(
      failure.why,
    );
  if (exec === null) return failure;
  return new BottleError({
    what: failure.what,
    why: `its command "${exec[1]}": ${exec[2]}`,
    fix: failure.fix,
    cause: error,
  });
}

function find(containers: ReadonlyMap<Role, LiveContainer>, role: Role): LiveContainer {
  const found = containers.get(role);
  if (found === undefined) throw new Error(`there is no container ${role} yet`);
  return found;
}
