// The schema of a spec file, in one place: the TypeScript type, the JSON Schema file for editors and validation come from here.
//
// Nothing imports this file at run time except `npm run schema`, which writes bottles/bottle.schema.json; the validator reads that
// file, and a test compares the two. `examples` are what error messages propose. `default` here is the only place of a default.

import Type, { type Static } from 'typebox';
import { EntrySchema, type SpecEntry } from './schema-entry.ts';
import { FileSchema } from './schema-file.ts';
import { GitSchema } from './schema-git.ts';
import { LimitsSchema } from './schema-limits.ts';
import { actionsOf, closed, notYet, nullable, onMatch, secretName, stringOr, words } from './schema-parts.ts';
import { PresetSchema, UseSchema } from './schema-preset.ts';
import { SecretSchema } from './schema-secret.ts';

export type * from './bottle.ts';
export type { SpecAuth, SpecEntry, SpecRule } from './schema-entry.ts';
export type { SpecFile } from './schema-file.ts';
export type { PresetDocument, PresetEntry, SpecUse } from './schema-preset.ts';
export type { SpecSecret } from './schema-secret.ts';

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
    files: Type.Optional(
      Type.Record(Type.String(), FileSchema, {
        ...words(
          'Small files that the agent finds at its start, of its own user and for it alone (0600): for tools that want a file of credentials. By path: `~/…` or `/tmp/…`. Placeholders only, never a real value.',
        ),
        default: {},
        propertyNames: { minLength: 1 },
        examples: [{ '~/.config/tool/auth.json': { json: { token: '{placeholder:API_TOKEN}' } } }],
      }),
    ),
    user: Type.Optional(
      nullable(
        Type.String(),
        words('`UID`, `UID:GID` or `agent`; never root. null = you.', {
          default: null,
          pattern: '^(?:[0-9]+(?::[0-9]+)?|[A-Za-z_][A-Za-z0-9_.-]*)$',
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
              ...words('Most memory, with a unit: k, m, g (of 1024). At least 64m.'),
              default: '4g',
              pattern: '^[0-9]+(\\.[0-9]+)?[kmgKMG]([iI]?[bB])?$',
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

const UpstreamProxySchema = Type.Object(
  {
    url: Type.String({
      ...words('http:// or https:// (TLS to the proxy itself), host and port.'),
      minLength: 1,
      examples: ['http://proxy.example.com:3128'],
    }),
    auth: Type.Optional(
      Type.Object(
        {
          username: Type.String({
            ...words('Name that the proxy knows us by.'),
            pattern: '^[^:\\u0000-\\u001f\\u007f]+$',
            examples: ['build'],
          }),
          secret: Type.String({
            ...words('Name of a secret of this spec: the password.'),
            examples: ['PROXY_PASSWORD'],
          }),
        },
        {
          ...closed,
          ...words('Basic credentials for the proxy.'),
          examples: [{ username: 'build', secret: 'PROXY_PASSWORD' }],
        },
      ),
    ),
    ca: Type.Optional(
      Type.String({
        ...words(
          'PEM file of authorities, for the proxy and for what it presents, besides those of this machine; relative to this file.',
        ),
        minLength: 1,
        examples: ['~/company-ca.pem'],
      }),
    ),
    no_proxy: Type.Optional(
      Type.Array(Type.String({ minLength: 1, examples: ['.internal.example'] }), {
        ...words(
          'Reached without it: a name (and what is below), `.name` (below only), an address, a CIDR, `host:port`, `*`.',
        ),
        examples: [['.internal.example', '10.0.0.0/8']],
      }),
    ),
  },
  {
    ...closed,
    ...words('A proxy between bottle and the world. It resolves the names, so addresses behind it cannot be judged.'),
    examples: [{ url: 'http://proxy.example.com:3128' }],
  },
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
      Type.Array(UseSchema, {
        ...words(
          'Presets: `bottle presets` lists them, `bottle show` prints what they become. Your own are files: a path relative to this file, or a name in ~/.config/bottle/presets.',
        ),
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
          maxItems: 2000,
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
      Type.Enum(['block', 'hold'], {
        ...words(
          'What happens to a request that no rule allows. block: it is refused at once; hold: a person decides (bottle watch).',
        ),
        default: 'block',
      }),
    ),
    upstream_proxy: Type.Optional(UpstreamProxySchema),
    limits: Type.Optional(LimitsSchema),
    workers: Type.Optional(
      Type.Integer({
        ...words('Threads of the proxy at most; as many as there are cores.'),
        minimum: 1,
        maximum: 256,
        examples: [2],
      }),
    ),
  },
  { ...closed, ...words('What leaves the container. Nothing, unless it is allowed here.'), default: {} },
);

const DlpSchema = Type.Object(
  {
    on_match: Type.Optional(
      onMatch('What happens when a secret is found in what the agent sends.', { default: 'block' }),
    ),
    profile: Type.Optional(
      Type.Enum(['default', 'strict', 'finance', 'personal', 'off'], {
        ...words(
          'What is searched for: default; strict: weak formats, too, and whatever is called a password; finance, personal: default and numbers of banks, of persons; off: only the secrets of the spec. `bottle show` prints the detectors.',
        ),
        default: 'default',
      }),
    ),
    actions: Type.Optional(actionsOf('What happens on a find of single detectors, whatever `on_match` says.')),
    detectors: Type.Optional(
      nullable(
        Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9_.-]*$', examples: ['github-token'] })),
        words('Ids of the detectors that are on; null = those of the profile.', {
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
    canaries: Type.Optional(
      Type.Boolean({
        ...words(
          'Plant believable fake secrets in the agent (variables, and ~/.env.production) that raise the alarm when they are sent anywhere.',
        ),
        default: false,
      }),
    ),
    workspace: Type.Optional(
      Type.Boolean({
        ...words(
          "Search what leaves for large verbatim pieces of the workspace's own source, except on entries with `source: allowed`.",
        ),
        default: false,
      }),
    ),
    rules: Type.Optional(
      Type.String({
        ...words(
          "File of rules of your own in gitleaks' TOML; relative to this file. They are searched for besides the detectors.",
        ),
        minLength: 1,
        examples: ['./rules.toml'],
      }),
    ),
    baseline: Type.Optional(
      Type.String({
        ...words(
          'File of approved findings, `FINGERPRINT DETECTOR HOST` a line; relative to this file. Fingerprints are the same in all your sessions.',
        ),
        minLength: 1,
        examples: ['./approved.txt'],
      }),
    ),
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
    git: Type.Optional(
      Type.Array(GitSchema, {
        ...words('Repositories that git may use over https; each is an allow entry of its own, before the others.'),
        default: [],
      }),
    ),
    dlp: Type.Optional(DlpSchema),
    ports: Type.Optional(notYet("the agent's ports on your machine's loopback.")),
    logs: Type.Optional(LogsSchema),
  },
  { ...closed, title: 'bottle', description: 'A spec of bottle: what an agent may use, see and reach.' },
);

export type { SpecGit, SpecPush } from './schema-git.ts';

/** A spec file as a person writes it. */
export type SpecDocument = Static<typeof SpecSchema>;

type Part<K extends keyof SpecDocument> = NonNullable<SpecDocument[K]>;
type With<T, K extends keyof T> = T & { readonly [P in K]-?: NonNullable<T[P]> | Extract<T[P], null> };

/** A spec with its defaults filled in. */
export type FilledSpec = SpecDocument & {
  readonly agent: With<Part<'agent'>, 'image' | 'command' | 'env' | 'files' | 'user' | 'network' | 'runtime'> & {
    readonly resources: Required<NonNullable<Part<'agent'>['resources']>>;
  };
  readonly workspace: With<Part<'workspace'>, 'path' | 'mode' | 'hide'>;
  readonly secrets: Part<'secrets'>;
  readonly egress: With<Part<'egress'>, 'mode' | 'use' | 'allow' | 'deny' | 'on_deny'>;
  readonly git: Part<'git'>;
  readonly dlp: With<
    Part<'dlp'>,
    'on_match' | 'profile' | 'actions' | 'detectors' | 'known' | 'canaries' | 'workspace'
  >;
  readonly logs: Required<Part<'logs'>>;
};

/** An entry with its defaults filled in. */
export type FilledEntry = With<SpecEntry, 'access' | 'tls' | 'dlp' | 'allow_private' | 'source' | 'error_shape'>;

/** The text of bottles/bottle.schema.json, and of bottles/preset.schema.json. */
export function schemaFileText(kind: 'bottle' | 'preset'): string {
  const file = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...(kind === 'bottle' ? SpecSchema : PresetSchema),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}
