// The schema of a spec file, in one place: the TypeScript type, the JSON Schema file for editors and validation come from here.
//
// Nothing imports this file at run time except `npm run schema`, which writes bottles/bottle.schema.json; the validator reads that
// file, and a test compares the two. `examples` are what error messages propose. `default` here is the only place of a default.

import Type, { type Static, type TObject, type TSchema } from 'typebox';

export type * from './bottle.ts';

const closed = { additionalProperties: false } as const;

/** Either a string, or an object with these properties: both sets of keywords in one schema, so that errors name the place. */
function stringOr<T extends TObject>(object: T, text: Record<string, unknown>) {
  return Type.Unsafe<string | Static<T>>({ ...object, ...text, type: ['string', 'object'] });
}

function nullable<T extends TSchema>(schema: T, options: Record<string, unknown>) {
  const { type } = schema as unknown as { type: string };
  return Type.Unsafe<Static<T> | null>({ ...schema, type: [type, 'null'], ...options });
}

const words = (description: string, options: Record<string, unknown> = {}) => ({ description, ...options });

// Parts whose behaviour comes later: they are in the schema so that editors know the word, and refused with "not yet".
const notYet = (description: string) => Type.Unknown({ description: `Not yet: ${description}` });

const secretName = {
  pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$',
  examples: ['GITHUB_TOKEN'],
};

const AgentSchema = Type.Object(
  {
    image: Type.Optional(
      nullable(
        Type.String(),
        words("Image reference; null = bottle's own agent image.", { default: null, minLength: 1 }),
      ),
    ),
    command: Type.Optional(
      Type.Unsafe<string | string[]>({
        ...words(
          'Program and arguments. A text is run by `sh -c`. Empty = what the image starts by itself. Replaces the one of `extends`.',
        ),
        type: ['array', 'string'],
        items: { type: 'string' },
        minLength: 1,
        default: [],
        examples: [['claude', '--dangerously-skip-permissions']],
      }),
    ),
    env: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        ...words('Plain environment variables of the agent. Never a secret: those go to `secrets`.'),
        default: {},
        propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
        examples: [{ NODE_ENV: 'development' }],
      }),
    ),
    user: Type.Optional(
      nullable(
        Type.String(),
        words('`NAME`, `UID` or `UID:GID`; never root. null = you.', {
          default: null,
          pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[0-9]+)?$',
          examples: ['1000:1000'],
        }),
      ),
    ),
    network: Type.Optional(
      Type.Enum(['sealed', 'internal'], {
        ...words(
          'sealed: no network interface at all. internal: an internal network of its own, for runtimes with their own network stack.',
        ),
        default: 'sealed',
      }),
    ),
    runtime: Type.Optional(
      Type.Enum(['runc', 'runsc', 'kata', 'auto'], {
        ...words('Container runtime. Not yet: runsc, kata, auto.'),
        default: 'runc',
      }),
    ),
    resources: Type.Optional(
      Type.Object(
        {
          cpus: Type.Optional(
            Type.Number({
              ...words('CPUs, fractions allowed.'),
              default: 2,
              minimum: 0.1,
              maximum: 512,
              examples: [2],
            }),
          ),
          memory: Type.Optional(
            Type.String({
              ...words('Most memory, with a unit: k, m, g. At least 64m.'),
              default: '4g',
              pattern: '^[0-9]+(\\.[0-9]+)?[kmgKMG]$',
              examples: ['4g'],
            }),
          ),
          pids: Type.Optional(
            Type.Integer({
              ...words('Most processes and threads at once.'),
              default: 1024,
              minimum: 16,
              maximum: 1_000_000,
              examples: [1024],
            }),
          ),
        },
        { ...closed, ...words('What the agent may use of the machine.'), default: {} },
      ),
    ),
  },
  { ...closed, ...words('The container that the agent runs in.'), default: {} },
);

const WorkspaceSchema = Type.Object(
  {
    path: Type.Optional(
      nullable(
        Type.String(),
        words(
          'Directory that the agent works in, as /workspace. Relative to this file; `~/…` and `$PWD` (where you started bottle) are understood. null = an empty one in memory.',
          { default: null, minLength: 1, examples: ['$PWD', '~/src/web-shop'] },
        ),
      ),
    ),
    mode: Type.Optional(
      Type.Enum(['mount', 'overlay', 'clone'], {
        ...words('mount: the agent works on your files. Not yet: overlay, clone.'),
        default: 'mount',
      }),
    ),
    hide: Type.Optional(
      Type.Array(Type.String({ minLength: 1, examples: ['.env*'] }), {
        ...words('Globs, relative to `path`, of what the agent sees empty: `*` stops at `/`, `**` does not.'),
        default: [],
        examples: [['.env*', 'secrets/**']],
      }),
    ),
    protect: Type.Optional(notYet('globs that the agent may read but not change.')),
    volumes: Type.Optional(notYet('directories kept in a volume of their own.')),
    require_clean: Type.Optional(notYet('refuse to start on uncommitted changes.')),
  },
  { ...closed, ...words('What the agent sees of your files.'), default: {} },
);

const SecretSchema = Type.Object(
  {
    env: Type.Optional(
      Type.String({ ...words('Variable of the environment that you start bottle in.'), ...secretName }),
    ),
    file: Type.Optional(
      Type.String({
        ...words('File; relative to this file, `~/…` is understood.'),
        minLength: 1,
        examples: ['~/.config/token'],
      }),
    ),
    cmd: Type.Optional(
      Type.Array(Type.String(), {
        ...words('Program and arguments that print the value.'),
        minItems: 1,
        examples: [['gh', 'auth', 'token']],
      }),
    ),
  },
  { ...closed, minProperties: 1, maxProperties: 1, examples: [{ env: 'GITHUB_TOKEN' }] },
);

const stringMap = (description: string) =>
  Type.Record(Type.String(), Type.String(), { description, default: {}, propertyNames: { minLength: 1 } });

const RuleSchema = stringOr(
  Type.Object(
    {
      methods: Type.Optional(
        Type.Array(Type.String(), {
          ...words('Methods, upper case; left out: those of `access`.'),
          minItems: 1,
          examples: [['GET']],
        }),
      ),
      paths: Type.Optional(
        Type.Array(Type.String(), {
          ...words('Path globs: `*` stops at `/`, `**` does not; left out: any path.'),
          minItems: 1,
          examples: [['/repos/acme/**']],
        }),
      ),
      query: Type.Optional(stringMap('Query parameters that must be there, each with a glob for its value.')),
      headers: Type.Optional(
        stringMap('Header fields (lower case) that must be there, each with a glob for its value.'),
      ),
    },
    { ...closed },
  ),
  words('`METHOD PATH`, like `GET /repos/acme/**` or `GET,HEAD /**`, or the parts one by one.', {
    minLength: 1,
    examples: ['GET /repos/acme/**'],
  }),
);

const AuthSchema = Type.Object(
  {
    type: Type.Enum(['bearer', 'basic', 'header', 'query', 'sigv4', 'oauth2'], {
      ...words(
        'bearer: `Authorization: Bearer …`. basic: with `username`. header / query: field or parameter `name`. Not yet: sigv4, oauth2.',
      ),
    }),
    secret: Type.String({ ...words('Name of a secret of this spec.'), ...secretName }),
    username: Type.Optional(
      Type.String({
        ...words('type basic: the user name; default `x-access-token`.'),
        pattern: '^[^:\\u0000-\\u001f]*$',
      }),
    ),
    name: Type.Optional(
      Type.String({
        ...words('type header: the field. type query: the parameter.'),
        pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
        examples: ['x-api-key'],
      }),
    ),
    template: Type.Optional(
      Type.String({
        ...words('type header: the value, with `{secret}` in it; default `{secret}`.'),
        pattern: '^[^\\u0000-\\u001f\\u007f]*\\{secret\\}[^\\u0000-\\u001f\\u007f]*$',
        examples: ['token {secret}'],
      }),
    ),
  },
  {
    ...closed,
    ...words("The credential that is added on the way out. The agent's own value in that place is removed first."),
    examples: [{ type: 'bearer', secret: 'GITHUB_TOKEN' }],
  },
);

const onMatch = (description: string, options: Record<string, unknown>) =>
  Type.Enum(['block', 'redact', 'hold', 'log'], { description: `${description} Not yet: hold.`, ...options });

const port = { minimum: 1, maximum: 65535 };

export const EntrySchema = Type.Object(
  {
    host: Type.String({
      ...words('A host name, lower case, or `*.x` for every name below x (not x itself), or an IP address.'),
      minLength: 1,
      examples: ['api.example.com'],
    }),
    id: Type.Optional(
      Type.String({
        ...words('Name of this entry in refusals and logs; default `allow.N`.'),
        pattern: '^[a-z][a-z0-9-]*(\\.[a-z0-9-]+)*$',
        examples: ['billing-api'],
      }),
    ),
    port: Type.Optional(
      Type.Integer({ ...words('Port; default 443, or 80 with `scheme: http`.'), ...port, examples: [443] }),
    ),
    ports: Type.Optional(
      Type.Array(Type.Integer({ ...port, examples: [443] }), {
        ...words('Several ports, instead of `port`.'),
        minItems: 1,
        examples: [[443, 8443]],
      }),
    ),
    scheme: Type.Optional(
      Type.Enum(['https', 'http'], { ...words('http is unencrypted, and can carry no credential.'), default: 'https' }),
    ),
    access: Type.Optional(
      Type.Enum(['read', 'write', 'full'], {
        ...words('Methods. read: GET, HEAD, OPTIONS. write: those and POST, PUT, PATCH, DELETE. full: any.'),
        default: 'full',
      }),
    ),
    rules: Type.Optional(
      Type.Array(RuleSchema, {
        ...words('Only requests that match one of these pass. Left out: any path, with the methods of `access`.'),
        minItems: 1,
        examples: [['GET /repos/acme/**']],
      }),
    ),
    auth: Type.Optional(AuthSchema),
    placeholder: Type.Optional(
      Type.Object(
        {
          secret: Type.String({ ...words('Name of a secret of this spec.'), ...secretName }),
          in: Type.Optional(
            Type.Array(Type.Enum(['header', 'query', 'path', 'body', 'ws']), {
              ...words('Where the placeholder is swapped for the value. Not yet: path, body, ws.'),
              minItems: 1,
              uniqueItems: true,
              default: ['header'],
              examples: [['header']],
            }),
          ),
        },
        {
          ...closed,
          ...words("The agent's placeholder becomes the real value where it stands, on this entry's host alone."),
          examples: [{ secret: 'GITHUB_TOKEN' }],
        },
      ),
    ),
    tls: Type.Optional(
      Type.Enum(['inspect', 'passthrough'], {
        ...words('inspect: the proxy reads what passes. Not yet: passthrough.'),
        default: 'inspect',
      }),
    ),
    dlp: Type.Optional(
      Type.Object(
        {
          on_match: Type.Optional(
            onMatch("What happens when a secret is found; default: the spec's `dlp.on_match`.", {}),
          ),
          except: Type.Optional(
            Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9_.-]*$', examples: ['jwt'] }), {
              ...words('Detector ids, or fingerprints from `bottle logs`, that are fine here.'),
              default: [],
              examples: [['jwt']],
            }),
          ),
        },
        { ...closed, default: {} },
      ),
    ),
    allow_private: Type.Optional(
      Type.Boolean({ ...words('The host may have a private, loopback or link-local address.'), default: false }),
    ),
    error_shape: Type.Optional(
      Type.Enum(['plain', 'anthropic', 'openai', 'google'], {
        ...words("Form of a refusal's body: ours, or what that API's clients show to a person."),
        default: 'plain',
      }),
    ),
  },
  { ...closed },
);

const EgressSchema = Type.Object(
  {
    mode: Type.Optional(
      Type.Enum(['enforce', 'observe'], {
        ...words('enforce: only what is allowed passes. Not yet: observe.'),
        default: 'enforce',
      }),
    ),
    use: Type.Optional(
      Type.Array(Type.String({ minLength: 1, examples: ['github-read'] }), {
        ...words('Presets: `bottle presets` lists them, `bottle show` prints what they become.'),
        default: [],
        examples: [['anthropic', 'github-read']],
      }),
    ),
    allow: Type.Optional(
      Type.Array(
        stringOr(EntrySchema, words('A host alone allows every request to it; otherwise the parts.', { minLength: 1 })),
        {
          ...words('What the agent may reach. Empty = nothing. The first entry that matches a request decides.'),
          default: [],
          examples: [['api.example.com']],
        },
      ),
    ),
    deny: Type.Optional(
      Type.Array(Type.String({ minLength: 1, examples: ['*.ngrok.app'] }), {
        ...words('Hosts that are never reached, whatever `allow` says.'),
        default: [],
        examples: [['*.ngrok.app']],
      }),
    ),
    on_deny: Type.Optional(
      Type.Enum(['block', 'hold'], { ...words('block: refuse at once. Not yet: hold.'), default: 'block' }),
    ),
    upstream_proxy: Type.Optional(notYet('a proxy between bottle and the world.')),
    limits: Type.Optional(notYet('bounds on requests and bytes.')),
  },
  { ...closed, ...words('What leaves the container. Nothing, unless it is allowed here.'), default: {} },
);

const DlpSchema = Type.Object(
  {
    on_match: Type.Optional(
      onMatch('What happens when a secret is found in what the agent sends.', { default: 'block' }),
    ),
    detectors: Type.Optional(
      nullable(
        Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9_.-]*$', examples: ['github-token'] })),
        words('Ids of the detectors that are on; null = the usual ones.', {
          default: null,
          examples: [['github-token', 'jwt']],
        }),
      ),
    ),
    known: Type.Optional(
      Type.Array(Type.String(secretName), {
        ...words(
          'Secrets that are only watched for: the agent gets no placeholder for them. (Every secret is watched for, listed here or not.)',
        ),
        default: [],
        examples: [['PROD_DATABASE_URL']],
      }),
    ),
    rules: Type.Optional(notYet('a file of detectors in gitleaks format.')),
    baseline: Type.Optional(notYet('a file of findings that are known to be fine.')),
  },
  { ...closed, ...words('The search for secrets in what the agent sends.'), default: {} },
);

const LogsSchema = Type.Object(
  {
    dir: Type.Optional(
      nullable(
        Type.String(),
        words("Directory that gets a copy of each session's log; null = only bottle's own state.", {
          default: null,
          minLength: 1,
        }),
      ),
    ),
    keep: Type.Optional(
      Type.Integer({
        ...words('How many ended sessions of this name keep their log.'),
        default: 50,
        minimum: 1,
        maximum: 100_000,
        examples: [50],
      }),
    ),
    bodies: Type.Optional(Type.Enum(['never'], { ...words('Bodies are never written.'), default: 'never' })),
  },
  { ...closed, ...words('The record of every exchange.'), default: {} },
);

export const SpecSchema = Type.Object(
  {
    version: Type.Unsafe<1>({ const: 1, description: 'Version of this vocabulary: 1.', examples: [1] }),
    name: Type.Optional(
      Type.String({
        ...words("Name of the bottle; default: the file's name."),
        pattern: '^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$',
        examples: ['web-shop'],
      }),
    ),
    extends: Type.Optional(
      Type.String({
        ...words(
          'Another spec, relative to this file, that this one builds on: arrays append, maps merge, `deny` always wins.',
        ),
        minLength: 1,
        examples: ['./base/node.yaml'],
      }),
    ),
    agent: Type.Optional(AgentSchema),
    workspace: Type.Optional(WorkspaceSchema),
    secrets: Type.Optional(
      Type.Record(Type.String(), SecretSchema, {
        ...words(
          'Where the real values come from: references only. The agent sees a variable of the same name with a placeholder.',
        ),
        default: {},
        propertyNames: { pattern: secretName.pattern },
        examples: [{ GITHUB_TOKEN: { env: 'GITHUB_TOKEN' } }],
      }),
    ),
    egress: Type.Optional(EgressSchema),
    git: Type.Optional(notYet('access to single repositories and branches.')),
    dlp: Type.Optional(DlpSchema),
    ports: Type.Optional(notYet("the agent's ports on your machine's loopback.")),
    logs: Type.Optional(LogsSchema),
  },
  { ...closed, title: 'bottle', description: 'A spec of bottle: what an agent may use, see and reach.' },
);

/** A spec file as a person writes it. */
export type SpecDocument = Static<typeof SpecSchema>;
/** An allow entry in its long form. */
export type SpecEntry = Static<typeof EntrySchema>;
export type SpecRule = Static<typeof RuleSchema>;
export type SpecAuth = Static<typeof AuthSchema>;

type Part<K extends keyof SpecDocument> = NonNullable<SpecDocument[K]>;
type With<T, K extends keyof T> = T & { readonly [P in K]-?: NonNullable<T[P]> | Extract<T[P], null> };

/** A spec with its defaults filled in. */
export type FilledSpec = SpecDocument & {
  readonly agent: With<Part<'agent'>, 'image' | 'command' | 'env' | 'user' | 'network' | 'runtime'> & {
    readonly resources: Required<NonNullable<Part<'agent'>['resources']>>;
  };
  readonly workspace: With<Part<'workspace'>, 'path' | 'mode' | 'hide'>;
  readonly secrets: Part<'secrets'>;
  readonly egress: With<Part<'egress'>, 'mode' | 'use' | 'allow' | 'deny' | 'on_deny'>;
  readonly dlp: With<Part<'dlp'>, 'on_match' | 'detectors' | 'known'>;
  readonly logs: Required<Part<'logs'>>;
};

/** An entry with its defaults filled in. */
export type FilledEntry = With<SpecEntry, 'scheme' | 'access' | 'tls' | 'dlp' | 'allow_private' | 'error_shape'>;

/** The text of bottles/bottle.schema.json. */
export function schemaFileText(): string {
  const file = { $schema: 'http://json-schema.org/draft-07/schema#', ...SpecSchema };
  return `${JSON.stringify(file, null, 2)}\n`;
}
