// The schema of a preset's file: allow entries and variables under a name, and what has to be told about them. And of `egress.use`, which asks for one.

import Type, { type Static } from 'typebox';
import { EntrySchema, type SpecAuth } from './schema-entry.ts';
import { FileSchema } from './schema-file.ts';
import { closed, secretName, words } from './schema-parts.ts';

const given = {
  type: ['string', 'integer', 'boolean', 'array'],
  minLength: 1,
  minItems: 1,
  items: { type: 'string', minLength: 1, examples: ['web-shop'] },
  examples: ['git.example.com'],
};

type Given = string | number | boolean | string[];

/** An item of `egress.use`. */
export const UseSchema = Type.Unsafe<string | Record<string, Record<string, Given>>>({
  ...words('A preset by its name or the path of its file; with what it is told: `{ NAME: { PARAMETER: VALUE } }`.'),
  type: ['string', 'object'],
  minLength: 1,
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: {
    type: 'object',
    ...words('What the preset is told: its parameters, and for its secrets the names that they have here.'),
    additionalProperties: given,
    examples: [{ host: 'git.example.com' }],
  },
  examples: ['github-read'],
});

const ParameterSchema = Type.Object(
  {
    type: Type.Enum(['host', 'port', 'flag', 'word', 'words', 'user', 'paths', 'url'], {
      ...words(
        'host: a host name. port: its port. flag: true or false. word, words: names, one or several. user: a user name or an e-mail address. paths: several pieces of a path, `*` allowed. url: where a service is; its parts are `{X_scheme}`, `{X_host}`, `{X_port}`, `{X_path}` (ends with /), `{X_top}` (that without a last `simple/`), `{X_private}` (somebody named it: it may have a private address).',
      ),
    }),
    about: Type.String({ ...words('What it means, for a person.'), minLength: 1, examples: ['where it is installed'] }),
    default: Type.Optional(Type.Unsafe<Given>({ ...words('What it is when nothing is said.'), ...given })),
    from: Type.Optional(
      Type.Enum(['npm', 'pip'], {
        ...words('type url: when nothing is said, where that tool on this machine installs from.'),
      }),
    ),
    optional: Type.Optional(
      Type.Boolean(words('It may stay unsaid: texts that hold it are left out then.', { examples: [true] })),
    ),
    example: Type.Optional(Type.Unsafe<Given>({ ...words('A value, for messages and documentation.'), ...given })),
  },
  { ...closed, examples: [{ type: 'host', about: 'where it is installed' }] },
);

const auth = EntrySchema.properties.auth;

const PresetEntrySchema = Type.Object(
  {
    ...EntrySchema.properties,
    auth: Type.Optional(
      Type.Unsafe<SpecAuth | SpecAuth[]>({
        ...auth,
        ...words('As in a spec, or several: the first whose secrets the spec has.'),
        type: ['object', 'array'],
        items: auth,
        minItems: 1,
      }),
    ),
  },
  { ...closed, examples: [{ host: 'api.example.com' }] },
);

export const PresetSchema = Type.Object(
  {
    version: Type.Unsafe<1>({ const: 1, description: 'Version of this vocabulary: 1.', examples: [1] }),
    about: Type.String({
      ...words('One line for `bottle presets`.'),
      minLength: 1,
      examples: ["our company's package mirror"],
    }),
    secrets: Type.Optional(
      Type.Record(Type.String(), Type.Array(Type.String(secretName)), {
        ...words(
          'Names of secrets that serve as well as the one that an entry names, best first. The agent gets its placeholder in a variable of that name, so these are the variables that the tools read.',
        ),
        propertyNames: { pattern: secretName.pattern },
        examples: [{ GH_TOKEN: ['GITHUB_TOKEN'] }],
      }),
    ),
    needs_secret: Type.Optional(
      Type.Boolean(
        words(
          'false: where the spec has no secret for an entry, the entry stays without one. true, the default: refused.',
          {
            examples: [false],
          },
        ),
      ),
    ),
    parameters: Type.Optional(
      Type.Record(Type.String(), ParameterSchema, {
        ...words(
          'What `use: [{ NAME: { PARAMETER: VALUE } }]` may say: it stands as `"{PARAMETER}"` in the texts below.',
        ),
        propertyNames: { pattern: '^[a-z][a-z0-9_]*$' },
        examples: [{ host: { type: 'host', about: 'where it is installed' } }],
      }),
    ),
    env: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        ...words("Variables that the agent gets; the spec's own win."),
        propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
        examples: [{ MYCORP_URL: 'https://api.mycorp.example' }],
      }),
    ),
    files: Type.Optional(
      Type.Record(Type.String(), FileSchema, {
        ...words("Files that the agent finds at its start, as `agent.files` of a spec has them; the spec's own win."),
        propertyNames: { minLength: 1 },
        examples: [{ '~/.config/mycorp/auth.json': { json: { token: '{placeholder:MYCORP_TOKEN}' } } }],
      }),
    ),
    allow: Type.Array(PresetEntrySchema, {
      ...words('Entries as in `egress.allow` of a spec. One whose host holds a list stands for one each.'),
      minItems: 1,
      maxItems: 200,
      examples: [[{ host: 'api.example.com' }]],
    }),
  },
  {
    ...closed,
    title: 'bottle preset',
    description: 'A preset of bottle: entries that `egress.use` brings under a name.',
  },
);

/** A preset as its file says it. */
export type PresetDocument = Static<typeof PresetSchema>;
export type PresetEntry = PresetDocument['allow'][number];
export type PresetParameter = Static<typeof ParameterSchema>;
export type ParameterValue = Given;
/** As written in `egress.use`. */
export type SpecUse = Static<typeof UseSchema>;
