// The schema of a small file that the agent finds at its start.

import Type, { type Static } from 'typebox';
import { closed, words } from './schema-parts.ts';

export const FileSchema = Type.Object(
  {
    json: Type.Optional(
      Type.Unknown({
        ...words('What stands in it, as JSON; `{placeholder:NAME}` in a text is the placeholder of that secret.'),
        examples: [{ token: '{placeholder:API_TOKEN}' }],
      }),
    ),
    text: Type.Optional(
      Type.String({
        ...words('What stands in it; `{placeholder:NAME}` is the placeholder of that secret.'),
        examples: ['token={placeholder:API_TOKEN}\n'],
      }),
    ),
  },
  { ...closed, examples: [{ json: { token: '{placeholder:API_TOKEN}' } }] },
);

/** A file of the agent as a person writes it. */
export type SpecFile = Static<typeof FileSchema>;
