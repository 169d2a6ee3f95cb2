// Takes the values of a spec's secrets from where the spec says. All that fail are named at once.
import { BottleError, EXIT } from '../report/bottle-error.ts';
import type { SecretSource } from '../spec/bottle.ts';
import { describeSource } from './describe-source.ts';
import { readSecret, type SecretSurroundings } from './read-source.ts';
import { Secret } from './secret.ts';
import { Unresolved } from './unresolved.ts';

export interface ResolvedSecrets {
  readonly secrets: ReadonlyMap<string, Secret>;
  /** What a person should know, without any value. */
  readonly warnings: readonly string[];
  /** How long those are good for of which somebody says it, in ms. */
  readonly lives: ReadonlyMap<string, number>;
}

/** A refresh token was used up: its successor lives in this session's memory alone. */
export const rotationNote = (name: string): string =>
  `secret ${name}: the service gave a new refresh token in place of the stored one; it is kept in memory only, so log in again before the next session`;

/** Shorter values stand in ordinary text by chance. */
const SHORT_CHARACTERS = 8;

export async function resolveSecrets(
  sources: Readonly<Record<string, SecretSource>>,
  surroundings: SecretSurroundings,
): Promise<ResolvedSecrets> {
  const secrets = new Map<string, Secret>();
  const warnings: string[] = [];
  const failures: string[] = [];
  const lives = new Map<string, number>();
  const all = Object.entries(sources);
  const isToken = ([, { kind }]: (typeof all)[number]) => kind === 'token';
  await readAll(all.filter((one) => !isToken(one)));
  // What tokens are asked for with is there by now.
  await readAll(all.filter(isToken));
  if (failures.length > 0) throw unresolved(failures);
  return { secrets, warnings, lives };

  function inputOf(name: string): string {
    const secret = secrets.get(name);
    if (secret === undefined) throw new Unresolved(`${name} has no value`);
    return secret.reveal();
  }

  async function readAll(some: typeof all): Promise<void> {
    await Promise.all(some.map(([name, source]) => read(name, source)));
  }

  async function read(name: string, source: SecretSource): Promise<void> {
    try {
      const { value, lifeMs, rotated } = await readSecret(source, surroundings, inputOf);
      secrets.set(name, new Secret(value));
      if (lifeMs !== null) lives.set(name, lifeMs);
      if (rotated !== null) {
        secrets.set(rotated.name, new Secret(rotated.value));
        warnings.push(rotationNote(rotated.name));
      }
      if (value.length < SHORT_CHARACTERS)
        warnings.push(
          `secret ${name}: it is shorter than ${SHORT_CHARACTERS} characters, so ordinary text may look like it`,
        );
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error;
      failures.push(`${name} (${describeSource(source)}): ${error.message}`);
    }
  }
}

function unresolved(failures: readonly string[]): BottleError {
  return new BottleError({
    what: failures.length === 1 ? 'a secret has no value' : `${failures.length} secrets have no value`,
    why: [...failures].sort().join('; '),
    fix: 'set what is missing and start again; nothing was started',
    exitCode: EXIT.failed,
  });
}
