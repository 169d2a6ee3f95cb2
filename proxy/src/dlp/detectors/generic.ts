// What is called a password or a key, whosever it is. The least sure of all: a profile notes it, and blocks it only where a spec says so.
import { charset, WORD_DASH } from '../charsets.ts';
import type { View } from '../view.ts';
import { type Detector, detector, isExample, variety } from './detector.ts';

const VALUE = charset('A-Za-z0-9_~!@#%^&*+=/.:?-');
const VALUE_CHARS = 128;
const SHORTEST = 10;
/** What follows the word in a longer name: `passwordHash`, `api_key_prod`. */
const NAME_CHARS = 24;
const ASSIGNS = /^(?:\\?["'`])?\s{0,3}(?:=>|:=|[:=])\s{0,3}(?:\\?["'`])?/;
/** What a program writes where a value would stand: look-ups, calls, types, paths, templates. */
const CODE =
  /^(?:process\.|os\.|env\.|self\.|this\.|config|settings|options|params|req\.|ctx\.|string|str\b|number|boolean|none|null|undefined|true|false|await|new\b|get|https?:|file:|\/|\.{1,2}\/|arn:|projects\/|sha\d|[a-z]+\(|[A-Z][A-Z_]+$)|[a-z]\.[a-z]+\.|\w\(|\$\{|\{\{|<|%[sdv(]/i;

export const generic: readonly Detector[] = [
  detector({
    id: 'generic-secret',
    description: 'A value that is called a password, a secret, a token or a key',
    source: 'CWE-798, "Use of hard-coded credentials"',
    kind: 'generic',
    byDefault: false,
    keywords: [
      'password',
      'passwd',
      'secret',
      'api_key',
      'apikey',
      'api-key',
      'auth_token',
      'access_token',
      'authtoken',
      'accesstoken',
      'private_key',
      'credential',
    ],
    anyCase: true,
    match(view: View, at: number, keyword: string) {
      const name = Math.min(view.runEnd(WORD_DASH, at + keyword.length), at + keyword.length + NAME_CHARS);
      const glue = ASSIGNS.exec(view.text(name, Math.min(view.length, name + 12)));
      if (glue === null) return null;
      const start = name + glue[0].length;
      const end = Math.min(view.runEnd(VALUE, start), start + VALUE_CHARS);
      return end - start >= SHORTEST ? { start, end } : null;
    },
    accept: isSecret,
    truePositives: (random) => {
      const value = (): string =>
        `${random.chars('a-z', 4)}${random.chars('A-Z', 4)}${random.chars('0-9', 4)}${random.chars('A-Za-z0-9', 8)}`;
      return [
        `password = "${value()}"`,
        `api_key: ${value()}`,
        `{"client_secret":"${value()}"}`,
        `DB_PASSWORD=${value()}`,
      ];
    },
    falsePositives: (random) => [
      'password = os.environ["DB_PASSWORD"]',
      'password: string',
      'secret: changeme-please',
      `password = $${'{DB_PASSWORD}'}`,
      `{"secretName":"app-database-credentials"}`,
      `api_key = "${'x'.repeat(32)}"`,
      `"access_token": "<your access token>"`,
      `secret_sha256: sha256:${random.chars('0-9a-f', 64)}`,
    ],
  }),
  detector({
    id: 'bearer-token',
    description: 'An opaque bearer token in an authorization header',
    source: 'RFC 6750, "Bearer token usage"',
    kind: 'generic',
    byDefault: false,
    keywords: ['authorization'],
    anyCase: true,
    match(view: View, at: number) {
      const text = view.text(at + 13, Math.min(view.length, at + 40));
      const glue = /^(?:\\?["'`])?\s{0,3}[:=,]\s{0,3}(?:\\?["'`])?(?:bearer|token)\s{1,2}/i.exec(text);
      if (glue === null) return null;
      const start = at + 13 + glue[0].length;
      const end = Math.min(view.runEnd(VALUE, start), start + VALUE_CHARS);
      return end - start >= 16 ? { start, end } : null;
    },
    accept: isSecret,
    truePositives: (random) => [
      `Authorization: Bearer ${random.chars('a-z', 4)}${random.chars('A-Z', 4)}${random.chars('0-9', 6)}${random.chars('A-Za-z0-9', 20)}`,
    ],
    falsePositives: () => ['Authorization: Bearer <token>', 'Authorization: Bearer your_token_here_please1'],
  }),
];

/** Letters and digits of many kinds, and neither code nor words. */
function isSecret(found: string): boolean {
  if (isExample(found) || CODE.test(found)) return false;
  return (
    /[0-9]/.test(found) &&
    /[A-Za-z]/.test(found) &&
    variety(found) >= 8 &&
    !/^[a-z0-9]+(?:[-_.][a-z0-9]+)+$/.test(found)
  );
}
