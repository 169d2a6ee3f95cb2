// The schema of what git may do: repositories (`git:`), and pushes through an entry (`push:`).

import Type, { type Static } from 'typebox';
import { closed, secretName, words } from './schema-parts.ts';

const pushParts = {
  force: Type.Optional(
    Type.Boolean(words('Branches may be rewritten and tags moved. Without, a push must show that it goes forward.')),
  ),
  delete: Type.Optional(Type.Boolean(words('Refs may be deleted.'))),
};

const refs = (description: string) =>
  Type.Array(Type.String({ pattern: '^[^\\u0000-\\u0020\\u007f~^:?\\[\\\\]+$', examples: ['agent/**'] }), {
    ...words(description),
    examples: [['agent/**']],
  });

export const PushSchema = Type.Object(
  { refs: refs('Globs of branches, or of full names (`refs/tags/v*`); empty: nothing is pushed.'), ...pushParts },
  {
    ...closed,
    ...words('What `git push` through this entry may do. Left out: what its rules let through.'),
    examples: [{ refs: ['agent/**'] }],
  },
);

export const GitSchema = Type.Object(
  {
    repo: Type.String({
      ...words('Host and path of a repository; `*` is any one name, `**` any path.'),
      minLength: 1,
      examples: ['github.com/acme/web-shop'],
    }),
    access: Type.Optional(
      Type.Enum(['read', 'write'], { ...words('read: clone and fetch. write: push as well.'), default: 'read' }),
    ),
    refs: Type.Optional(
      refs('With write: globs of branches, or of full names (`refs/tags/v*`). Left out: any branch.'),
    ),
    ...pushParts,
    secret: Type.Optional(Type.String({ ...words('Name of a secret: the password or token.'), ...secretName })),
    username: Type.Optional(
      Type.String({ ...words('User of the token; default: x-access-token.'), minLength: 1, examples: ['oauth2'] }),
    ),
    scan: Type.Optional(
      Type.Enum(['dlp', 'gitleaks'], {
        ...words('What searches a push: our own search, whatever this says. Not yet: gitleaks as well.'),
        default: 'dlp',
      }),
    ),
    allow_private: Type.Optional(Type.Boolean(words('The host may have a private address.'))),
  },
  {
    ...closed,
    examples: [{ repo: 'github.com/acme/web-shop', access: 'write', refs: ['agent/**'], secret: 'GH_TOKEN' }],
  },
);

/** A repository as a person writes it. */
export type SpecGit = Static<typeof GitSchema>;
export type SpecPush = Static<typeof PushSchema>;
