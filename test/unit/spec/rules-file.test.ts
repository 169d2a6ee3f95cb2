// A file of rules: what is read of gitleaks' TOML, and what is wrong with it, each with its line.
import { describe, expect, it } from 'vitest';
import { parseSpec } from '../../../src/spec/parse.ts';
import { parseRules } from '../../../src/spec/rules-file.ts';
import { surroundings } from './surroundings.ts';

function read(text: string) {
  const problems: string[] = [];
  const warnings: string[] = [];
  const say = (into: string[]) => (line: number, what: string, why: string, fix: string) =>
    void into.push(`${line}: ${[what, why, fix].filter((one) => one !== '').join('; ')}`);
  return { rules: parseRules(text, say(problems), say(warnings)), problems, warnings };
}

describe('a file of rules', () => {
  it('is read with all that a rule may say, in the old words and the new ones', () => {
    const { rules, problems, warnings } = read(`
title = "ours"

[allowlist]
stopwords = ["EXAMPLE"]

[[rules]]
id = "acme-token"
description = "Acme"
regex = '''(?i)acme_([a-z0-9]{20})\\b'''
secretGroup = 1
entropy = 3.5
keywords = ["ACME_"]
tags = ["key"]
  [[rules.allowlists]]
  condition = "AND"
  regexTarget = "line"
  regexes = ['''test''']
  paths = ['''spec/''']
  [[rules.required]]
  id = "acme-user"
  withinLines = 3

[[rules]]
id = "acme-user"
regex = '''user [0-9]+'''
skipReport = true
[rules.allowlist]
regexes = ["user 0"]
`);
    expect([problems, warnings]).toEqual([[], []]);
    expect(rules).toEqual([
      {
        id: 'acme-token',
        description: 'Acme',
        regex: '(?i)acme_([a-z0-9]{20})\\b',
        secretGroup: 1,
        entropy: 3.5,
        keywords: ['acme_'],
        allowlists: [
          { condition: 'AND', regexTarget: 'line', regexes: ['test'], stopwords: [], needsFile: true },
          { condition: 'OR', regexTarget: 'secret', regexes: [], stopwords: ['example'], needsFile: false },
        ],
        required: [{ id: 'acme-user', withinLines: 3, withinColumns: null }],
        skipReport: false,
      },
      expect.objectContaining({ id: 'acme-user', skipReport: true }),
    ]);
  });

  it.each([
    ['[[rules]]\nid = "a"\nregex = "(?=x)"', ['1: rule a does not compile']],
    ['# one\n\n[[rules]]\nid = "ok"\nregex = "x"\n[[rules]]\nid = "b"\nregex = "("', ['6: rule b does not compile']],
    ["[[rules]]\nid='m'\nregex='''x\n[[rules]]\ny'''\n[[rules]]\nid='n'\nregex='('", ['6: rule n does not compile']],
    ['[[rules]]\nregex = "x"', ['1: rule 1 has no id']],
    ['[[rules]]\nid = "a"', ['1: rule a has no regex']],
    ['[[rules]]\nid = "a"\nregex = "x"\n[[rules]]\nid = "a"\nregex = "y"', ['4: rule a is there twice']],
    ['[[rules]]\nid = "a"\nregex = "(x)"\nsecretGroup = 2', ['1: rule a takes the secret from group 2']],
    ['[[rules]]\nid = "a"\nregex = "x"\n[[rules.required]]\nid = "b"', ['2: rule a requires b']],
    [
      '[[rules]]\nid = "a"\nregex = "x"\n[[rules.allowlists]]\nregexes = ["("]',
      ['1: an allowlist of rule a does not compile'],
    ],
    ['[extend]\npath = "other.toml"', ['1: extend names another file']],
    ['a = \n', ['1: this is no TOML']],
  ])('with %j is refused, with the line', (text, expected) => {
    const { problems } = read(text);
    expect(problems).toHaveLength(expected.length);
    for (const [index, start] of expected.entries())
      expect(problems[index]?.startsWith(start), problems[index]).toBe(true);
  });

  it('says what has no meaning here, and drops rules that it disables itself', () => {
    const { rules, warnings } = read(
      '[extend]\nuseDefault = true\ndisabledRules = ["b"]\n[[rules]]\nid = "p"\npath = "x"\n[[rules]]\nid = "b"\nregex = "x"\n[[rules]]\nid = "c"\nregex = "x"\npath = "y"',
    );
    expect(rules.map(({ id }) => id)).toEqual(['c']);
    expect(warnings).toHaveLength(4);
    expect(warnings[3]).toContain('rule c has no keywords');
    expect(warnings[0]).toContain('extend.useDefault does not bring the rules of gitleaks');
  });
});

describe('dlp.rules of a spec', () => {
  const TOML = '[[rules]]\nid = "acme-token"\nregex = "acme_[0-9]+"\nkeywords = ["acme_"]\n';
  const parse = (text: string, toml: string) => {
    const around = surroundings();
    const readFile = (path: string): string => (path === '/specs/rules.toml' ? toml : around.readFile(path));
    return parseSpec(text, '/specs/x.yaml', { ...around, readFile });
  };

  it('can be excepted and given an action, by their ids', () => {
    const parsed = parse(
      'version: 1\ndlp: { rules: ./rules.toml, actions: { acme-token: log } }\negress: { allow: [{ host: a.example, dlp: { except: [acme-token] } }] }',
      TOML,
    );
    expect(parsed.ok && parsed.bottle.dlp.rules.map(({ id }) => id)).toEqual(['acme-token']);
  });

  it('that do not load are problems of the spec, with the line of the rule', () => {
    const parsed = parse('version: 1\ndlp: { rules: ./rules.toml }', `\n${TOML.replace('+', '+(')}`);
    expect(!parsed.ok && parsed.problems.map(({ line, what }) => `${line}: ${what}`)).toEqual([
      '2: ./rules.toml:2: rule acme-token does not compile',
    ]);
  });
});
