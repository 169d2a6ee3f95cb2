// Takes the values of a spec's secrets from where the spec says. All that fail are named at once.
import { BottleError, EXIT } from '../report/bottle-error.ts';
import type { SecretSource } from '../spec/bottle.ts';
import { describeSource, readSource, type SecretSurroundings, Unresolved } from './read-source.ts';
import { Secret } from './secret.ts';

export interface ResolvedSecrets {
  readonly secrets: ReadonlyMap<string, Secret>;
  /** What a person should know, without any value. */
  readonly warnings: readonly string[];
}

/** Shorter values stand in ordinary text by chance. */
const SHORT_CHARACTERS = 8;

export async function resolveSecrets(
  sources: Readonly<Record<string, SecretSource>>,
  surroundings: SecretSurroundings,
): Promise<ResolvedSecrets> {
  const secrets = new Map<string, Secret>();
  const warnings: string[] = [];
  const failures: string[] = [];
  await Promise.all(
    Object.entries(sources).map(async ([name, source]) => {
      try {
        const value = await readSource(source, surroundings);
        secrets.set(name, new Secret(value));
        if (value.length < SHORT_CHARACTERS)
          warnings.push(
            `secret ${name}: it is shorter than ${SHORT_CHARACTERS} characters, so ordinary text may look like it`,
          );
      } catch (error) {
        if (!(error instanceof Unresolved)) throw error;
        failures.push(`${name} (${describeSource(source)}): ${error.message}`);
      }
    }),
  );
  if (failures.length > 0) {
    throw new BottleError({
      what: failures.length === 1 ? 'a secret has no value' : `${failures.length} secrets have no value`,
      why: failures.sort().join('; '),
      fix: 'set what is missing and start again; nothing was started',
      exitCode: EXIT.failed,
    });
  }
  return { secrets, warnings };
}
