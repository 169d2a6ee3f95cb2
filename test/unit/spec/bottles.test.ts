// The example specs that we ship.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../../src/report/problem.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { renderBottle } from '../../../src/spec/render.ts';
import { surroundings } from './surroundings.ts';

const FOLDER = fileURLToPath(new URL('../../../bottles/', import.meta.url));
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));

describe('an example in bottles/', () => {
  it('is there for each agent, and for the demo', () => {
    expect(FILES).toEqual(
      expect.arrayContaining(['claude.yaml', 'codex.yaml', 'demo.yaml', 'gemini.yaml', 'opencode.yaml']),
    );
  });

  it.each(FILES)('%s is right, names the schema for editors, and is named like its file', (name) => {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./bottle.schema.json');
    const parsed = parseSpec(text, join(FOLDER, name), surroundings());
    if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'));
    expect(`${parsed.bottle.name}.yaml`).toBe(name);
  });

  it.each(FILES)('%s means the same when its effective spec is read again', (name) => {
    const file = join(FOLDER, name);
    const parsed = parseSpec(readFileSync(file, 'utf8'), file, surroundings());
    if (!parsed.ok) throw new Error('not read');
    const text = renderBottle(parsed.bottle);
    expect(parseSpec(text, file, surroundings())).toEqual(parsed);
    // A second time the text is the same, too.
    expect(renderBottle(parsed.bottle)).toBe(text);
  });

  it.each(FILES.filter((name) => name !== 'demo.yaml'))(
    '%s gives its agent one model API, with the credential added on the way',
    (name) => {
      const file = join(FOLDER, name);
      const parsed = parseSpec(readFileSync(file, 'utf8'), file, surroundings());
      if (!parsed.ok) throw new Error('not read');
      const models = parsed.bottle.egress.allow.filter(({ errorShape }) => errorShape !== 'plain');
      expect(models).toHaveLength(1);
      expect(Object.keys(parsed.bottle.secrets)).toEqual([models[0]?.auth?.secret]);
    },
  );
});
