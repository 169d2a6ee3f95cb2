// Texts with `{placeholder:NAME}` in them: what the agent has instead of that secret. `{placeholder:NAME/CLAIM}` is what a placeholder that is a
// JWT says of itself: never more than the agent could read in it anyway.
import { parseJsonObject } from '../json-object.ts';

const REFERENCE = /\{placeholder:([A-Za-z_][A-Za-z0-9_]{0,63})(?:\/([a-z_]{1,64}))?\}/g;

export interface PlaceholderReference {
  readonly secret: string;
  /** null = the whole placeholder. */
  readonly claim: string | null;
}

/** A text with what `fill` gives in place of each reference. */
export function fillPlaceholders(text: string, fill: (reference: PlaceholderReference) => string): string {
  return text.replace(REFERENCE, (_, secret: string, claim: string | undefined) =>
    fill({ secret, claim: claim ?? null }),
  );
}

/** As it is written. */
export function referenceText({ secret, claim }: PlaceholderReference): string {
  return `{placeholder:${secret}${claim === null ? '' : `/${claim}`}}`;
}

/** Names of the secrets that a text refers to. */
export function placeholdersIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(REFERENCE)].map(([, name = '']) => name))];
}

/** A claim of a JWT at its top, or in an object there (as vendors group theirs); null when it has none of that name. */
export function claimOf(token: string, claim: string): string | null {
  const payload = token.split('.')[1] ?? '';
  const claims = parseJsonObject(Buffer.from(payload, 'base64url').toString('utf8'));
  if (claims === null) return null;
  const groups = Object.values(claims).filter((value) => typeof value === 'object' && value !== null);
  const found = [claims, ...groups].find((group) => Object.hasOwn(group, claim)) as Record<string, unknown> | undefined;
  const value = found?.[claim];
  return typeof value === 'string' && value !== '' ? value : null;
}
