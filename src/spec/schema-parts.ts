// What the parts of the schema are made of.

import Type, { type Static, type TObject, type TSchema } from 'typebox';

export const closed = { additionalProperties: false } as const;

/** Either a string, or an object with these properties: both sets of keywords in one schema, so that errors name the place. */
export function stringOr<T extends TObject>(object: T, text: Record<string, unknown>) {
  return Type.Unsafe<string | Static<T>>({ ...object, ...text, type: ['string', 'object'] });
}

export function nullable<T extends TSchema>(schema: T, options: Record<string, unknown>) {
  const { type } = schema as unknown as { type: string };
  return Type.Unsafe<Static<T> | null>({ ...schema, type: [type, 'null'], ...options });
}

export const words = (description: string, options: Record<string, unknown> = {}) => ({ description, ...options });

// Parts whose behaviour comes later: they are in the schema so that editors know the word, and refused with "not yet".
export const notYet = (description: string) => Type.Unknown({ description: `Not yet: ${description}` });

export const secretName = {
  pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$',
  examples: ['GITHUB_TOKEN'],
};

export const onMatch = (description: string, options: Record<string, unknown>) =>
  Type.Enum(['block', 'redact', 'hold', 'log'], {
    description: `${description} hold: a person decides (bottle watch).`.trim(),
    ...options,
  });

export const size = (description: string, options: Record<string, unknown> = {}) =>
  Type.Unsafe<number | string>({
    ...words(description, options),
    type: ['integer', 'string'],
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    pattern: '^[0-9]+(\\.[0-9]+)?([kmgtKMGT]([iI]?[bB])?)?$',
  });

/** What one entry, or all of them together, may use up. */
const usd = (description: string, example: number) =>
  Type.Number({ ...words(description), minimum: 0, maximum: 1_000_000, examples: [example] });

const PricesSchema = Type.Record(
  Type.String(),
  stringOr(
    Type.Object(
      {
        input: usd('Input.', 3),
        output: usd('Output.', 15),
        cache_read: Type.Optional(usd('Input that is read from a cache; default: as input.', 0.3)),
        cache_write: Type.Optional(usd('Input that is written to a cache; default: twice input.', 3.75)),
      },
      { ...closed },
    ),
    words(
      'US dollars for a million tokens; or `reported`: the answers say what they cost, as those of OpenRouter do.',
      {
        pattern: '^reported$',
        examples: [{ input: 3, output: 15 }],
      },
    ),
  ),
  {
    ...words('What models cost: globs of the names that requests give (`*` stops at /); the first that fits counts.'),
    propertyNames: { minLength: 1 },
    examples: [{ 'claude-*': { input: 3, output: 15 } }],
  },
);

export const quotaParts = {
  request_bytes: Type.Optional(
    size('Largest body of a request: a number of bytes, or with a unit of 1024: k, m, g, t.', { examples: ['10m'] }),
  ),
  requests_per_minute: Type.Optional(
    Type.Integer({
      ...words('Most requests in any 60 seconds.'),
      minimum: 0,
      maximum: 100_000,
      examples: [600],
    }),
  ),
  total_bytes: Type.Optional(
    size('Most that may be sent while the session lives, heads included; as request_bytes.', { examples: ['1g'] }),
  ),
  tokens: Type.Optional(
    Type.Integer({
      ...words('Most tokens that model APIs may use while the session lives, in and out, by what their answers say.'),
      minimum: 0,
      examples: [5_000_000],
    }),
  ),
  tokens_per_minute: Type.Optional(
    Type.Integer({ ...words('The same, in any 60 seconds.'), minimum: 0, examples: [200_000] }),
  ),
  cost_usd: Type.Optional(usd('Most US dollars for that, by `prices`; a model without a price is refused.', 5)),
  prices: Type.Optional(PricesSchema),
} as const;

/** Until when something may be used. */
export const expires = (description: string) =>
  Type.Optional(
    Type.String({
      ...words(`${description} A time like 2031-05-01T18:00:00Z, or how long after the start: 90s, 30m, 2h, 7d.`),
      pattern:
        '^(?:[1-9][0-9]{0,8}[smhd]|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2}))$',
      examples: ['2h'],
    }),
  );

/** A time in seconds. */
export const seconds = (description: string, example: number) =>
  Type.Integer({ ...words(description), minimum: 1, maximum: 7 * 24 * 3600, examples: [example] });

export const actionsOf = (description: string) =>
  Type.Record(Type.String(), onMatch('', {}), {
    ...words(description),
    default: {},
    propertyNames: { pattern: '^[a-z0-9][a-z0-9_.-]*$' },
    examples: [{ jwt: 'log' }],
  });
