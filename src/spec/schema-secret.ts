// The schema of one secret: where its value comes from. References only.

import Type, { type Static } from 'typebox';
import { closed, expires, seconds, secretName, words } from './schema-parts.ts';

/** No argument of a command line that could be taken for an option of it. */
const argument = (description: string, example: string) =>
  Type.String({
    ...words(description),
    pattern: '^[^-\\u0000-\\u001f\\u007f][^\\u0000-\\u001f\\u007f]*$',
    examples: [example],
  });

const inputSecret = (what: string) =>
  Type.String({ ...words(`Name of another secret of this spec: the ${what}.`), ...secretName });

const tokenUrl = (description: string) =>
  Type.String({
    ...words(`An https URL, or one of loopback: ${description}`),
    pattern: '^(?:https://|http://(?:127\\.0\\.0\\.1|localhost|\\[::1\\])(?=[:/]))[^\\u0000-\\u0020\\u007f]+$',
    examples: ['https://auth.example.com/token'],
  });

const keyFile = (description: string) =>
  Type.String({
    ...words(`${description} Nobody else may read it; relative to this file, \`~/…\` is understood.`),
    minLength: 1,
    examples: ['~/.config/app.pem'],
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
    oauth2: Type.Optional(
      Type.Object(
        {
          token_url: tokenUrl('the token endpoint.'),
          client_id: argument('Client id.', 'web-shop'),
          client_secret: Type.Optional(inputSecret('client secret')),
          refresh_token: Type.Optional(inputSecret('refresh token; left out: the grant is client_credentials')),
          scope: Type.Optional(argument('Scopes, separated by spaces.', 'read:all')),
          audience: Type.Optional(argument('Audience, where the service asks for one.', 'https://api.example.com')),
          client_auth: Type.Optional(
            Type.Enum(['basic', 'body'], {
              ...words('How the client names itself to the token endpoint: HTTP Basic, or fields of the form.'),
              default: 'basic',
            }),
          ),
        },
        {
          ...closed,
          ...words('An OAuth 2 access token: asked for at the start, and again before it expires.'),
          examples: [
            { token_url: 'https://auth.example.com/token', client_id: 'web-shop', client_secret: 'CLIENT_SECRET' },
          ],
        },
      ),
    ),
    jwt_bearer: Type.Optional(
      Type.Object(
        {
          key: keyFile(
            'Private key in PEM, or the JSON file of a Google service account, which says the rest but the scope.',
          ),
          token_url: Type.Optional(tokenUrl('the token endpoint.')),
          issuer: Type.Optional(argument('Who signs: `iss` of the assertion.', 'robot@web-shop.example')),
          scope: Type.Optional(
            argument('Scopes, separated by spaces.', 'https://www.googleapis.com/auth/devstorage.read_only'),
          ),
        },
        {
          ...closed,
          ...words('An access token for a signed assertion (RFC 7523), as Google service accounts get theirs.'),
          examples: [{ key: '~/.config/robot.json', scope: 'https://www.googleapis.com/auth/devstorage.read_only' }],
        },
      ),
    ),
    github_app: Type.Optional(
      Type.Object(
        {
          app_id: Type.String({
            ...words('Id of the app, or its client id.'),
            pattern: '^[A-Za-z0-9.]+$',
            examples: ['123456'],
          }),
          installation_id: Type.String({
            ...words('Id of the installation.'),
            pattern: '^[0-9]+$',
            examples: ['7890'],
          }),
          key: keyFile("The app's private key in PEM."),
          api: Type.Optional(tokenUrl('the base of the API; default: that of github.com.')),
          repositories: Type.Optional(
            Type.Array(Type.String({ pattern: '^[A-Za-z0-9._-]+$', examples: ['web-shop'] }), {
              ...words('Names of repositories that the token is for; left out: all of the installation.'),
              minItems: 1,
              examples: [['web-shop']],
            }),
          ),
          permissions: Type.Optional(
            Type.Record(Type.String(), Type.Enum(['read', 'write', 'admin'], {}), {
              ...words('What the token may do; left out: all that the installation may.'),
              propertyNames: { pattern: '^[a-z_]+$' },
              examples: [{ contents: 'read' }],
            }),
          ),
        },
        {
          ...closed,
          ...words('An installation token of a GitHub App, minted at the start and again before it expires.'),
          examples: [
            { app_id: '123456', installation_id: '7890', key: '~/.config/app.pem', repositories: ['web-shop'] },
          ],
        },
      ),
    ),
    login: Type.Optional(
      Type.Object(
        {
          of: Type.Enum(['claude', 'codex'], {
            ...words(
              "Whose: Claude Code's (~/.claude/.credentials.json), or Codex' with ChatGPT (~/.codex/auth.json).",
            ),
            examples: ['claude'],
          }),
          file: Type.Optional(keyFile("Where it lies; left out: the tool's own place.")),
          write_back: Type.Optional(
            Type.Boolean({
              ...words(
                'true: it is renewed before it expires, and the new tokens are written into the file, as the tool itself does. false: the file is only read; its tool renews it.',
              ),
              default: false,
            }),
          ),
          token_url: Type.Optional(tokenUrl('where it is renewed; left out: at its service.')),
        },
        {
          ...closed,
          ...words('The access token of a subscription: the login that a tool on this machine has.'),
          examples: [{ of: 'claude', write_back: true }],
        },
      ),
    ),
    jwt: Type.Optional(
      Type.Object(
        {
          key: keyFile('Private key in PEM (RSA, P-256 or Ed25519: RS256, ES256, EdDSA); with HS256 any text.'),
          algorithm: Type.Optional(Type.Enum(['HS256'], words('Left out: as the key says.', { examples: ['HS256'] }))),
          key_id: Type.Optional(argument('`kid` of the header.', '2X9R4HXF34')),
          issuer: Type.Optional(argument('`iss`.', '57246542-96fe-1a63-e053-0824d011072a')),
          subject: Type.Optional(argument('`sub`.', 'web-shop')),
          audience: Type.Optional(argument('`aud`.', 'appstoreconnect-v1')),
          claims: Type.Optional(
            Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
              ...words('Further claims.'),
              propertyNames: { pattern: '^(?!(?:iss|sub|aud|iat|nbf|exp|jti)$)[^\\u0000-\\u001f]+$' },
              examples: [{ bid: 'example.web-shop' }],
            }),
          ),
          life_seconds: Type.Optional(seconds('How long each is good for; 600.', 600)),
        },
        {
          ...closed,
          ...words(
            'A JWT that is signed on your machine, for services that know the key: App Store Connect, Snowflake and the like. A new one before it expires.',
          ),
          examples: [
            {
              key: '~/.config/AuthKey.p8',
              key_id: '2X9R4HXF34',
              issuer: '57246542-96fe',
              audience: 'appstoreconnect-v1',
            },
          ],
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
    expires: expires('After it requests that it would be added to are refused.'),
    ttl_seconds: Type.Optional(
      seconds('It is read again after so long; without, once, and when a service answers 401.', 900),
    ),
    timeout_seconds: Type.Optional(seconds('How long a command may take; 60.', 60)),
  },
  { ...closed, minProperties: 1, examples: [{ env: 'GITHUB_TOKEN' }] },
);

/** A secret as a person writes it. */
export type SpecSecret = Static<typeof SecretSchema>;
