import { describe, expect, it } from 'vitest';
import { pickField } from '../../../src/secrets/pick-field.ts';
import type { Pick } from '../../../src/spec/bottle.ts';

const JSON_TEXT = '{"tokens":{"access":"t-1","list":[{"v":"t-2"}],"a.b":{"c/d":"t-3"},"n":12,"none":null},"own":"t-4"}';
const YAML_TEXT = 'github.com:\n  oauth_token: "t-5"\n  user: me\nusers:\n  - token: t-6\nnumber: 0123\n';
const DOTENV = `# A comment
PLAIN=t-7
export EXPORTED=t-8
 SPACED = t-9  # a comment
QUOTED="t-10 # no \\"comment\\""
SINGLE='t-11 $X \\n'
HASH=t-12#part
TWICE=first
TWICE=last
EMPTY=
BASE64=abc==
`;
const NETRC = `# machine commented.example login x password never
machine a.example login me password t-13
machine b.example
  login one
  password t-14
machine b.example login two password "t 15\\"x"
macdef init
  machine c.example login x password never

machine d.example password t-16 login late
default login anonymous password never
`;
const INI = `top = t-17
[default]
aws_secret_access_key = t-18 ; a comment
key:t-19
# key = never
[profile build]
aws_secret_access_key="t-20 ; kept"
[a.b]
token=t-21
`;

describe('picks the value', () => {
  it.each<[Pick['format'], string, string, string]>([
    ['json', JSON_TEXT, 'tokens.access', 't-1'],
    ['json', JSON_TEXT, 'tokens.list.0.v', 't-2'],
    ['json', JSON_TEXT, '/tokens/a.b/c~1d', 't-3'],
    ['json', JSON_TEXT, 'own', 't-4'],
    ['json', JSON_TEXT, 'tokens.n', '12'],
    ['yaml', YAML_TEXT, '/github.com/oauth_token', 't-5'],
    ['yaml', YAML_TEXT, 'users.0.token', 't-6'],
    ['dotenv', DOTENV, 'PLAIN', 't-7'],
    ['dotenv', DOTENV, 'EXPORTED', 't-8'],
    ['dotenv', DOTENV, 'SPACED', 't-9'],
    ['dotenv', DOTENV, 'QUOTED', 't-10 # no "comment"'],
    ['dotenv', DOTENV, 'SINGLE', 't-11 $X \\n'],
    ['dotenv', DOTENV, 'HASH', 't-12#part'],
    ['dotenv', DOTENV, 'TWICE', 'last'],
    ['dotenv', DOTENV, 'EMPTY', ''],
    ['dotenv', DOTENV, 'BASE64', 'abc=='],
    ['dotenv', DOTENV.replaceAll('\n', '\r\n'), 'PLAIN', 't-7'],
    ['netrc', NETRC, 'a.example', 't-13'],
    ['netrc', NETRC, 'b.example', 't-14'],
    ['netrc', NETRC, 'b.example one', 't-14'],
    ['netrc', NETRC, 'b.example two', 't 15"x'],
    ['netrc', NETRC, 'd.example', 't-16'],
    ['ini', INI, 'top', 't-17'],
    ['ini', INI, 'default.aws_secret_access_key', 't-18'],
    ['ini', INI, 'default.key', 't-19'],
    ['ini', INI, 'profile build.aws_secret_access_key', 't-20 ; kept'],
    ['ini', INI, 'a.b.token', 't-21'],
  ])('%s %#: %s', (format, text, key, value) => {
    expect(pickField(text, { format, key })).toBe(value);
  });
});

describe('says why there is none, and nothing of the text', () => {
  it.each<[Pick['format'], string, string, string]>([
    ['json', '{"a": t-secret', 'a', 'it is no JSON'],
    ['json', JSON_TEXT, 'tokens.refresh', 'it has no tokens.refresh'],
    ['json', JSON_TEXT, 'own.deeper', 'it has no own.deeper'],
    ['json', JSON_TEXT, 'tokens.none', 'tokens.none is null'],
    ['json', JSON_TEXT, 'tokens.list', 'tokens.list is a list'],
    ['json', JSON_TEXT, 'tokens', 'tokens is no text'],
    ['json', JSON_TEXT, 'tokens.__proto__', 'it has no tokens.__proto__'],
    ['json', JSON_TEXT, 'own.length', 'it has no own.length'],
    ['yaml', 'a: [t-secret', 'a', 'it is no YAML'],
    ['dotenv', DOTENV, 'NOT_THERE', 'it sets no NOT_THERE'],
    ['netrc', NETRC, 'commented.example', 'it has no password for commented.example'],
    ['netrc', NETRC, 'c.example', 'it has no password for c.example'],
    ['netrc', NETRC, 'b.example three', 'it has no password for b.example three'],
    ['netrc', NETRC, 'unknown.example', 'it has no password for unknown.example'],
    ['ini', INI, 'default.none', '[default] sets no none'],
    ['ini', INI, 'none', 'it sets no none'],
  ])('%s %#: %s', (format, text, key, why) => {
    expect(() => pickField(text, { format, key })).toThrow(why);
    expect(() => pickField(text, { format, key })).not.toThrow(/t-secret/);
  });

  it('an alias bomb in YAML ends at once', () => {
    const bomb = ['a0: &a0 [x, x]', ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)];
    expect(() => pickField(bomb.join('\n'), { format: 'yaml', key: 'a40' })).toThrow(/no YAML|a list/);
  });
});
