// Texts with `{placeholder:NAME}` in them: what the agent has instead of that secret.

const REFERENCE = /\{placeholder:([A-Za-z_][A-Za-z0-9_]{0,63})\}/g;

/** A text with what `placeholder` gives in place of each reference. */
export function fillPlaceholders(text: string, placeholder: (secret: string) => string): string {
  return text.replace(REFERENCE, (_, name: string) => placeholder(name));
}

/** Names of the secrets that a text refers to. */
export function placeholdersIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(REFERENCE)].map(([, name = '']) => name))];
}
