// The schema of an allow entry: rules, credentials, and what else belongs to one host.

import Type, { type Static } from 'typebox';
import { PushSchema } from './schema-git.ts';
import { hmacParts } from './schema-hmac.ts';
import { actionsOf, closed, expires, onMatch, quotaParts, secretName, stringOr, words } from './schema-parts.ts';

const stringMap = (description: string) =>
  Type.Record(Type.String(), Type.String(), { description, default: {}, propertyNames: { minLength: 1 } });

const confirm = (description: string) =>
  Type.Optional(Type.Enum(['each', 'session'], { ...words(description), examples: ['each'] }));

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
      confirm: confirm(
        'A person lets it pass first (bottle watch): each request, or one of each method for the whole session. Wins over rules that match as well and do not ask.',
      ),
    },
    { ...closed },
  ),
  words('`METHOD PATH`, like `GET /repos/acme/**` or `GET,HEAD /**`, or the parts one by one.', {
    minLength: 1,
    examples: ['GET /repos/acme/**'],
  }),
);

const fieldGlobs = (what: string, value: readonly string[]) =>
  Type.Array(Type.String({ pattern: '^[A-Za-z0-9_*?]+$', examples: ['create*'] }), {
    ...words(`Globs of the fields that ${what} may ask for; [] allows none.`),
    default: value,
    examples: [['repository', 'create*']],
  });

const scopeNames = (description: string, example: readonly string[]) =>
  Type.Array(Type.String({ pattern: '^[a-z0-9-]{1,64}$', examples: [example[0]] }), {
    ...words(description),
    minItems: 1,
    examples: [example],
  });

const AuthSchema = Type.Object(
  {
    type: Type.Enum(['bearer', 'basic', 'header', 'query', 'sigv4', 'hmac', 'oauth2'], {
      ...words(
        'bearer: `Authorization: Bearer …`. basic: with `username`. header / query: field or parameter `name`. sigv4: AWS; the agent signs with placeholders, and is signed anew. hmac: a keyed hash of the request. oauth2: bearer, of a secret that is asked for at a token endpoint.',
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
    access_key: Type.Optional(
      Type.String({
        ...words('types sigv4 and hmac: name of the secret that holds the access key id.'),
        ...secretName,
      }),
    ),
    session_token: Type.Optional(
      Type.String({ ...words('type sigv4: name of the secret that holds the session token.'), ...secretName }),
    ),
    services: Type.Optional(scopeNames('type sigv4: services that may be signed for; left out: any.', ['s3'])),
    regions: Type.Optional(scopeNames('type sigv4: regions that may be signed for; left out: any.', ['eu-central-1'])),
    ...hmacParts,
  },
  {
    ...closed,
    ...words("The credential that is added on the way out. The agent's own value in that place is removed first."),
    examples: [{ type: 'bearer', secret: 'GITHUB_TOKEN' }],
  },
);

/** Left out as `fields`. */
export const TOKEN_FIELDS = ['access_token', 'refresh_token', 'id_token', 'token'] as const;

const swapParts = {
  secret: Type.String({ ...words('Name of a secret of this spec.'), ...secretName }),
  in: Type.Optional(
    Type.Array(Type.Enum(['header', 'query', 'path', 'body', 'ws']), {
      ...words(
        'Where the placeholder is swapped for the value. body: in one that is neither compressed nor too large to be held. ws: in one of the first 4 text messages of a WebSocket, once.',
      ),
      minItems: 1,
      uniqueItems: true,
      default: ['header'],
      examples: [['header']],
    }),
  ),
};

const PlaceholderSchema = Type.Object(swapParts, {
  ...closed,
  ...words("The agent's placeholder becomes the real value where it stands, on this entry's host alone."),
  examples: [{ secret: 'GITHUB_TOKEN' }],
});

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
      Type.Integer({
        ...words('Port; default 443 (80 with `scheme: http`; `scheme: tcp` has none).'),
        ...port,
        examples: [443],
      }),
    ),
    ports: Type.Optional(
      Type.Array(Type.Integer({ ...port, examples: [443] }), {
        ...words('Several ports, instead of `port`.'),
        minItems: 1,
        examples: [[443, 8443]],
      }),
    ),
    scheme: Type.Optional(
      Type.Enum(['https', 'http', 'tcp'], {
        ...words(
          'Left out: http on port 80, https on any other. http is unencrypted, and can carry no credential. tcp: any protocol (a database, say), not inspected.',
        ),
      }),
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
    expires: expires('After it requests are refused, and what is under way ends.'),
    confirm: confirm('As in a rule, for all rules of this entry that have none of their own.'),
    graphql: Type.Optional(
      Type.Object(
        {
          query: Type.Optional(fieldGlobs('queries', ['*'])),
          mutation: Type.Optional(fieldGlobs('mutations', [])),
          subscription: Type.Optional(fieldGlobs('subscriptions', [])),
        },
        {
          ...closed,
          ...words(
            'Every request of this entry must be GraphQL over HTTP, with these operations alone: globs of the fields at their top. Left out: all queries, no mutation.',
          ),
          examples: [{ mutation: ['addComment', 'create*'] }],
        },
      ),
    ),
    push: Type.Optional(PushSchema),
    auth: Type.Optional(AuthSchema),
    client_certificate: Type.Optional(
      Type.Object(
        {
          certificate: Type.String({
            ...words('Name of the secret with the certificate, PEM, and what signed it behind it.'),
            ...secretName,
          }),
          key: Type.Optional(
            Type.String({
              ...words('Name of the secret with its private key, PEM, not encrypted; left out: in `certificate`, too.'),
              ...secretName,
            }),
          ),
        },
        {
          ...closed,
          ...words(
            'The certificate that the host sees in the TLS handshake (mTLS), besides `auth`. Its connections carry requests of this entry alone.',
          ),
          examples: [{ certificate: 'CLIENT_CERT', key: 'CLIENT_KEY' }],
        },
      ),
    ),
    placeholder: Type.Optional(PlaceholderSchema),
    tokens: Type.Optional(
      Type.Object(
        {
          fields: Type.Optional(
            Type.Array(Type.String({ pattern: '^[A-Za-z0-9_*-]+(\\.[A-Za-z0-9_*-]+)*$', examples: ['access_token'] }), {
              ...words(
                'Fields of JSON or a form that are tokens: a name alone stands for that field anywhere, `a.b` is a path from the top, `*` any characters.',
              ),
              minItems: 1,
              default: [...TOKEN_FIELDS],
              examples: [['access_token', 'data.*_token']],
            }),
          ),
          for: Type.Optional(
            Type.Array(Type.String({ minLength: 1, examples: ['api.example.com'] }), {
              ...words(
                "Ids or hosts of the entries that take its tokens, in header fields; left out: the entries of this entry's own host.",
              ),
              minItems: 1,
              examples: [['api.example.com']],
            }),
          ),
        },
        {
          ...closed,
          ...words(
            'The answers of this entry hold tokens (a token endpoint that the agent calls itself): the agent gets placeholders, which become the tokens again on the entries of `for`. An answer that cannot be read whole is refused.',
          ),
          examples: [{ for: ['api.example.com'] }],
        },
      ),
    ),
    tls: Type.Optional(
      Type.Enum(['inspect', 'passthrough'], {
        ...words(
          'inspect: the proxy reads what passes. passthrough: the TLS of agent and host stays theirs, so nothing in it is inspected.',
        ),
        default: 'inspect',
      }),
    ),
    dlp: Type.Optional(
      Type.Object(
        {
          on_match: Type.Optional(
            onMatch("What happens when a secret is found; default: the spec's `dlp.on_match`.", {}),
          ),
          actions: Type.Optional(actionsOf('What happens on a find of single detectors, whatever `on_match` says.')),
          except: Type.Optional(
            Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9_.-]*(?::[0-9a-f]{16})?$', examples: ['jwt'] }), {
              ...words(
                'Detector ids, fingerprints from `bottle logs`, or both as `DETECTOR:FINGERPRINT`, that are fine here.',
              ),
              default: [],
              examples: [['jwt']],
            }),
          ),
        },
        { ...closed, ...words('The search for secrets in requests to this host.'), default: {} },
      ),
    ),
    allow_private: Type.Optional(
      Type.Boolean({ ...words('The host may have a private, loopback or link-local address.'), default: false }),
    ),
    cookies: Type.Optional(
      Type.Enum(['hold'], {
        ...words(
          'hold: the agent never has a real cookie. Those that the host sets reach it sealed, each as a placeholder that works for the host, path and time of the cookie, on entries that hold cookies, while the session lives.',
        ),
        examples: ['hold'],
      }),
    ),
    hold_request: Type.Optional(
      Type.Boolean(
        words(
          'false: a body of unknown length is passed on, judged, whenever nothing more comes for a moment: for services that answer in the middle of a request. true, the default: it is judged whole, up to `limits.hold_bytes`, before its first byte leaves.',
          { examples: [false] },
        ),
      ),
    ),
    limits: Type.Optional(
      Type.Object(quotaParts, {
        ...closed,
        ...words('What may be used up on this entry, besides `egress.limits`.'),
        examples: [{ requests_per_minute: 60 }],
      }),
    ),
    source: Type.Optional(
      Type.Enum(['allowed', 'refused'], {
        ...words("With `dlp.workspace`: may large pieces of the workspace's own source go there?"),
        default: 'refused',
      }),
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

/** An allow entry in its long form. */
export type SpecEntry = Static<typeof EntrySchema>;
export type SpecRule = Static<typeof RuleSchema>;
export type SpecAuth = Static<typeof AuthSchema>;
