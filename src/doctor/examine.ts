// Looks at each thing that a session needs, one after the other; a thing that is missing hides none of the others.
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectEngine, type Engine } from '../engine/connect.ts';
import { engineStatus } from '../engine/engine-error.ts';
import { imageTags } from '../images/inputs.ts';
import { BottleError } from '../report/bottle-error.ts';
import { stateDir } from '../state/paths.ts';
import { loadHostTrust, splitCertificates } from '../trust/host-trust.ts';

export interface DoctorFinding {
  readonly subject: string;
  readonly ok: boolean;
  readonly detail: string;
  /** '' where all is well. */
  readonly fix: string;
}

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

export async function examineMachine(host: string | undefined): Promise<DoctorFinding[]> {
  const findings = [
    { subject: 'Node', ok: true, detail: `${process.versions.node} (${process.execPath})`, fix: '' },
    await examine('state', async () => examineState(stateDir())),
    await examine('trust', async () => {
      const count = splitCertificates(loadHostTrust()).size;
      return fine(`${count} roots for upstream certificates`);
    }),
  ];
  let engine: Engine | null = null;
  findings.push(
    await examine('engine', async () => {
      engine = await connectEngine({ host });
      const { Version, Os, Arch } = await engine.docker.version();
      return fine(`${Version} ${Os}/${Arch} at ${engine.url}`);
    }),
  );
  if (engine === null) return findings;
  const connected: Engine = engine;
  const tags = imageTags(REPOSITORY);
  for (const [subject, tag] of [
    ['agent image', tags.agent],
    ['proxy image', tags.proxy],
  ] as const) {
    findings.push(await examine(subject, () => examineImage(connected, tag)));
  }
  return findings;
}

type Answer = Omit<DoctorFinding, 'subject'>;

function fine(detail: string): Answer {
  return { ok: true, detail, fix: '' };
}

/** An expected failure is a finding. */
async function examine(subject: string, look: () => Promise<Answer>): Promise<DoctorFinding> {
  try {
    return { subject, ...(await look()) };
  } catch (error) {
    if (!(error instanceof BottleError)) throw error;
    return { subject, ok: false, detail: `${error.what}: ${error.why}`, fix: error.fix };
  }
}

function examineState(directory: string): Answer {
  let existing = directory;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
    return fine(directory);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, detail: `${directory}: ${why}`, fix: `make ${existing} writable, or set BOTTLE_STATE_DIR` };
  }
}

async function examineImage({ docker }: Engine, tag: string): Promise<Answer> {
  try {
    const { Size } = await docker.getImage(tag).inspect();
    return fine(`${tag} (${Math.round(Size / 1_000_000)} MB)`);
  } catch (error) {
    if (engineStatus(error) !== 404) throw error;
    return { ok: false, detail: `${tag} is not built yet`, fix: 'the first start builds it, or run: npm run setup' };
  }
}
