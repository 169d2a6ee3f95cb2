// Specs that load and are safe, but hardly what was meant: each file says at its end which warnings it must give, word for word.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../../src/report/problem.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { surroundings } from './surroundings.ts';

const FOLDER = fileURLToPath(new URL('dubious/', import.meta.url));

describe('a spec that asks for what will be refused loads all the same, with a warning', () => {
  it.each(readdirSync(FOLDER))('%s', (name) => {
    const lines = readFileSync(join(FOLDER, name), 'utf8').split('\n');
    const text = lines.filter((line) => !line.startsWith('#> ')).join('\n');
    const expected = lines.filter((line) => line.startsWith('#> ')).map((line) => line.slice(3));
    const parsed = parseSpec(text, name, surroundings());
    expect(parsed.ok && parsed.warnings.map((one) => formatProblem(one).replace(`${name}:`, ''))).toEqual(expected);
  });
});
