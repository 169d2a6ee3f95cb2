// Literal secrets in a spec: texts that are credentials by their form, and values that are by the name they stand under.
//
// This guards the file that a person commits and reviews; what the agent sends is judged by the proxy's detectors.

interface Shape {
  readonly kind: string;
  readonly pattern: RegExp;
}

const SHAPES: readonly Shape[] = [
  { kind: 'a GitHub token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})/g },
  { kind: 'a GitLab token', pattern: /\bgl(?:pat|dt|rt|cbt|ptt|soat|agent)-[A-Za-z0-9_-]{16,}/g },
  { kind: 'an AWS access key', pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b/g },
  { kind: 'a Google API key', pattern: /\bAIza[A-Za-z0-9_-]{35}/g },
  { kind: 'a Google OAuth token', pattern: /\bya29\.[A-Za-z0-9_-]{20,}/g },
  { kind: 'an Anthropic key', pattern: /\bsk-ant-[A-Za-z0-9_-]{20,}/g },
  { kind: 'an API key', pattern: /\bsk-(?=[a-z_-]*[0-9A-Z])[A-Za-z0-9_-]{20,}/g },
  { kind: 'a Slack token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}/g },
  { kind: 'a Stripe key', pattern: /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}/g },
  { kind: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{30,}/g },
  { kind: 'a Hugging Face token', pattern: /\bhf_[A-Za-z0-9]{30,}/g },
  { kind: 'a PyPI token', pattern: /\bpypi-[A-Za-z0-9_-]{40,}/g },
  { kind: 'a SendGrid key', pattern: /\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16}/g },
  { kind: 'a DigitalOcean token', pattern: /\bdo[opr]_v1_[a-f0-9]{40,}/g },
  { kind: 'a JSON web token', pattern: /\beyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8}/g },
  { kind: 'a private key', pattern: /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY-----/g },
  { kind: 'a URL with a password', pattern: /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/?#@:]{0,200}:[^\s/?#@]{1,500}@/gi },
];

export interface SecretShape {
  /** `a GitHub token` */
  readonly kind: string;
  /** Offset in the text, in characters. */
  readonly index: number;
}

/** The first credential in a text, by its form. */
export function secretShapeOf(text: string): SecretShape | null {
  return secretShapesOf(text)[0] ?? null;
}

/** Every credential in a text, by its form, in order; one for each place. */
export function secretShapesOf(text: string): SecretShape[] {
  const found = SHAPES.flatMap(({ kind, pattern }) =>
    [...text.matchAll(pattern)].map((match) => ({ kind, index: match.index, end: match.index + match[0].length })),
  ).sort((a, b) => a.index - b.index);
  const kept: typeof found = [];
  for (const shape of found) if (shape.index >= (kept.at(-1)?.end ?? 0)) kept.push(shape);
  return kept.map(({ kind, index }) => ({ kind, index }));
}

const SENSITIVE_NAME =
  /(?:^|[_-])(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PWD|CREDENTIALS?|AUTH|AUTHORIZATION|COOKIE|(?:API|ACCESS|PRIVATE|SECRET|SIGNING|ENCRYPTION)?_?KEY|APIKEY)(?:$|[_-])/i;

/** Is this the name of a variable or header field that usually holds a credential? */
export function isSensitiveName(name: string): boolean {
  return SENSITIVE_NAME.test(name) && !/(?:^|_)(?:PUBLIC|FILE|PATH|DIR|NAME|URL|ID|TTL|HOST|USER)(?:_|$)/i.test(name);
}

/** Does a value under a sensitive name look like the credential itself, and not like a word, a path, a flag or a number? */
export function looksLikeCredential(value: string): boolean {
  const text = value.replace(/^(?:bearer|basic|token)\s+/i, '');
  // Short ones are what a local database is given for an afternoon.
  if (text.length < 12 || /^(?:[./~$]|https?:\/\/[^@]*$)/.test(text)) return false;
  const hasDigit = /\d/.test(text);
  const hasLetter = /[a-z]/i.test(text);
  return (hasDigit && hasLetter) || text.length >= 24;
}
