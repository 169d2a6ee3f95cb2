// The corpus of bad specs: each file says at its end which problems it must give, word for word.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../../src/report/problem.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { type InventedTokens, inventTokens, surroundings } from './surroundings.ts';

const FOLDER = fileURLToPath(new URL('bad/', import.meta.url));
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));

/** `#> LINE:COL: …` lines; in bases the file's name stands before. */
function expectedOf(text: string): string[] {
  return text.split('\n').flatMap((line) => (line.startsWith('#> ') ? [line.slice(3)] : []));
}

function specOf(text: string): string {
  return text.replace(/^#> .*\n?/gm, '');
}

function problemsOf(name: string, text: string): string[] {
  const parsed = parseSpec(text, name, {
    ...surroundings(),
    cwd: FOLDER,
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  if (parsed.ok) return [];
  return parsed.problems.map((problem) => formatProblem(problem).replace(`${name}:`, '').replaceAll(FOLDER, ''));
}

function fill(text: string, tokens: InventedTokens): string {
  return text.replace(/\{\{([a-z-]+)\}\}/g, (_, name: string) => tokens[name as keyof InventedTokens]);
}

describe('a bad spec gives all its problems, each with its place, the reason and the fix', () => {
  it('has a corpus of at least 60', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(60);
  });

  it.each(FILES)('%s', (name) => {
    const file = readFileSync(join(FOLDER, name), 'utf8');
    const tokens = inventTokens();
    const problems = problemsOf(name, fill(specOf(file), tokens));
    expect(problems).toEqual(expectedOf(file));
    expect(problems.length).toBeGreaterThan(0);
    for (const token of Object.values(tokens)) expect(problems.join('\n')).not.toContain(token);
  });

  it('names the directories of this test nowhere', () => {
    for (const name of FILES) expect(readFileSync(join(FOLDER, name), 'utf8')).not.toContain(relative('/', FOLDER));
  });
});
