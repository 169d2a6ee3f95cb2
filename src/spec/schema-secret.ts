// The schema of one secret: where its value comes from. References only.

import Type, { type Static } from 'typebox';
import { closed, seconds, secretName, words } from './schema-parts.ts';

/** No argument of a command line that could be taken for an option of it. */
const argument = (description: string, example: string) =>
  Type.String({
    ...words(description),
    pattern: '^[^-\\u0000-\\u001f\\u007f][^\\u0000-\\u001f\\u007f]*$',
    examples: [example],
  });

const key = (description: string, example: string) =>
  Type.Optional(Type.String({ ...words(description), minLength: 1, examples: [example] }));

export const SecretSchema = Type.Object(
  {
    env: Type.Optional(
      Type.String({ ...words('Variable of the environment that you start bottle in.'), ...secretName }),
    ),
    file: Type.Optional(
      Type.String({
        ...words('File that nobody else may read; relative to this file, `~/…` is understood.'),
        minLength: 1,
        examples: ['~/.config/token'],
      }),
    ),
    cmd: Type.Optional(
      Type.Array(Type.String(), {
        ...words('Program and arguments that print the value. No shell.'),
        minItems: 1,
        examples: [['gh', 'auth', 'token']],
      }),
    ),
    keychain: Type.Optional(
      Type.Object(
        {
          service: argument('Name of the service, as it was stored.', 'github'),
          account: Type.Optional(argument('Name of the account.', 'me')),
        },
        {
          ...closed,
          ...words("The desktop's keychain: `security` on macOS, `secret-tool` elsewhere."),
          examples: [{ service: 'github', account: 'me' }],
        },
      ),
    ),
    op: Type.Optional(
      Type.String({
        ...words('Secret reference of 1Password, read by `op`.'),
        pattern: '^op://[^\\u0000-\\u001f\\u007f]+$',
        examples: ['op://work/github/token'],
      }),
    ),
    vault: Type.Optional(
      Type.Object(
        {
          path: argument('Path of the secret.', 'secret/web-shop'),
          field: argument('Field of it.', 'token'),
        },
        {
          ...closed,
          ...words('HashiCorp Vault, key/value, read by `vault`.'),
          examples: [{ path: 'secret/web-shop', field: 'token' }],
        },
      ),
    ),
    aws: Type.Optional(
      Type.Object(
        {
          secret: argument('Name or ARN of the secret.', 'prod/web-shop'),
          region: Type.Optional(argument('Region; default: that of your configuration.', 'eu-central-1')),
          profile: Type.Optional(argument('Profile of your configuration.', 'build')),
        },
        {
          ...closed,
          ...words('AWS Secrets Manager, read by `aws`; `json` picks one of its keys.'),
          examples: [{ secret: 'prod/web-shop' }],
        },
      ),
    ),
    gcp: Type.Optional(
      Type.Object(
        {
          secret: argument('Name of the secret.', 'web-shop-token'),
          version: Type.Optional(argument('Version; default: latest.', 'latest')),
          project: Type.Optional(argument('Project; default: that of your configuration.', 'web-shop')),
        },
        {
          ...closed,
          ...words("Google Cloud's Secret Manager, read by `gcloud`."),
          examples: [{ secret: 'web-shop-token' }],
        },
      ),
    ),
    json: key('The value is this field of JSON: `a.b.0`, or a JSON pointer.', 'tokens.access_token'),
    yaml: key('The value is this field of YAML: `a.b.0`, or a JSON pointer.', 'users.0.token'),
    dotenv: key('The value is this variable of a dotenv file.', 'API_TOKEN'),
    netrc: key(
      'The value is the password of this machine in a netrc: `MACHINE` or `MACHINE LOGIN`.',
      'api.example.com',
    ),
    ini: key('The value is this key of an INI file: `SECTION.KEY`, or `KEY` before any section.', 'default.token'),
    ttl_seconds: Type.Optional(
      seconds('It is read again after so long; without, once, and when a service answers 401.', 900),
    ),
    timeout_seconds: Type.Optional(seconds('How long a command may take; 60.', 60)),
  },
  { ...closed, minProperties: 1, examples: [{ env: 'GITHUB_TOKEN' }] },
);

/** A secret as a person writes it. */
export type SpecSecret = Static<typeof SecretSchema>;
