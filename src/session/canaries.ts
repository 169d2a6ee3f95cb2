// Fake secrets for the agent to find: nothing uses them, so that one seen on its way out says that somebody is collecting secrets.
import { BASE62, randomChars, UPPER, withChecksum } from '../../proxy/src/contract.ts';

export interface Canary {
  /** Name of the variable, or of the entry in the file. */
  readonly name: string;
  /** What is watched for. */
  readonly value: string;
  /** What the agent finds: the value, or text that holds it. */
  readonly shown: string;
}

export interface Canaries {
  /** Planted as variables of the agent. */
  readonly variables: readonly Canary[];
  /** Planted in a file of the agent's home. */
  readonly entries: readonly Canary[];
}

export const NO_CANARIES: Canaries = { variables: [], entries: [] };

/** Believable by form, checksums included, and random for each session. Their names are none that a tool would use by itself. */
export function makeCanaries(): Canaries {
  const password = randomChars(BASE62, 20);
  return {
    variables: [
      whole('DEPLOY_GITHUB_TOKEN', githubToken()),
      whole('BACKUP_AWS_ACCESS_KEY_ID', `AKIA${randomChars(`${UPPER}234567`, 16)}`),
      whole('BACKUP_AWS_SECRET_ACCESS_KEY', randomChars(`${BASE62}+/`, 40)),
    ],
    entries: [
      whole('PROD_STRIPE_SECRET_KEY', `sk_live_${randomChars(BASE62, 24)}`),
      whole('PROD_GITHUB_TOKEN', githubToken()),
      { name: 'PROD_DATABASE_URL', value: password, shown: `postgres://shop:${password}@db.internal:5432/shop` },
    ],
  };
}

/** The text of the file that holds `entries`. */
export function canaryFile({ entries }: Canaries): string {
  return entries.map(({ name, shown }) => `${name}=${shown}\n`).join('');
}

export function allCanaries({ variables, entries }: Canaries): readonly Canary[] {
  return [...variables, ...entries];
}

const whole = (name: string, value: string): Canary => ({ name, value, shown: value });

const githubToken = (): string => `ghp_${withChecksum(randomChars(BASE62, 30))}`;
