// How a small file gets from a spec to the agent: what a person may write.

import { describe, expect, it } from 'vitest';
import type { Bottle } from '../../../src/spec/bottle.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { claimOf, fillPlaceholders, placeholdersIn } from '../../../src/spec/placeholder-text.ts';
import { renderBottle } from '../../../src/spec/render.ts';
import { surroundings } from './surroundings.ts';

function read(rest: string, files: Readonly<Record<string, string>> = {}): Bottle {
  const around = { ...surroundings(), readFile: (path: string) => files[path.replace(/^.*\//, '')] ?? '' };
  const parsed = parseSpec(`version: 1\nsecrets: { API_TOKEN: { env: API_TOKEN } }\n${rest}`, 'x.yaml', around);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.bottle;
}

const SPEC = `agent:
  files:
    ~/.tool/auth.json:
      json: { tokens: { access: "{placeholder:API_TOKEN}" }, expires_at: 4102444800000, token_type: Bearer }
    /tmp/netrc: { text: "machine api.example password {placeholder:API_TOKEN}\\n" }
`;

describe('agent.files', () => {
  it('are JSON with line breaks, or text as it stands, by their path in the container', () => {
    expect(read(SPEC).agent.files).toEqual([
      {
        path: '/home/agent/.tool/auth.json',
        text: '{\n  "tokens": {\n    "access": "{placeholder:API_TOKEN}"\n  },\n  "expires_at": 4102444800000,\n  "token_type": "Bearer"\n}\n',
      },
      { path: '/tmp/netrc', text: 'machine api.example password {placeholder:API_TOKEN}\n' },
    ]);
  });

  it('are printed by `bottle show` so that reading it again gives the same', () => {
    const bottle = read(SPEC);
    const again = parseSpec(renderBottle(bottle), 'x.yaml', surroundings());
    expect(again.ok && again.bottle.agent.files).toEqual(bottle.agent.files);
  });

  it('of a base are taken over, and one at the same place is replaced as a whole', () => {
    const base = 'version: 1\nagent: { files: { ~/a.json: { json: { a: 1, b: 2 } }, ~/b: { text: base } } }\n';
    const { agent } = read('extends: ./base.yaml\nagent: { files: { ~/a.json: { text: own } } }\n', {
      'base.yaml': base,
    });
    expect(agent.files).toEqual([
      { path: '/home/agent/a.json', text: 'own' },
      { path: '/home/agent/b', text: 'base' },
    ]);
  });

  it('refer to secrets by name, and to nothing else', () => {
    const text = '{placeholder:A/account_id} {placeholder:B_2} {placeholder:} $A {secret:A} {placeholder:A}';
    expect(placeholdersIn(text)).toEqual(['A', 'B_2']);
    expect(fillPlaceholders(text, ({ secret, claim }) => `<${secret}$&${claim ?? ''}>`)).toBe(
      '<A$&account_id> <B_2$&> {placeholder:} $A {secret:A} <A$&>',
    );
  });

  it('can say what a placeholder that is a JWT says of itself, by the name of a claim', () => {
    const group = { account_id: 'acct-1', number: 1 };
    const claims = { iss: 'https://auth.example', exp: 1, 'https://api.example/auth': group };
    const token = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
    expect([claimOf(token, 'account_id'), claimOf(token, 'iss')]).toEqual(['acct-1', 'https://auth.example']);
    for (const claim of ['exp', 'number', 'constructor', 'other']) expect(claimOf(token, claim)).toBeNull();
    for (const none of ['', 'a.b.c', 'plain']) expect(claimOf(none, 'iss')).toBeNull();
  });
});
