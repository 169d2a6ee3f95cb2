// Damaged specs: whatever is done to a spec, reading it gives a bottle or problems that stand in the file, and never throws.

import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../../src/report/problem.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { renderBottle } from '../../../src/spec/render.ts';
import { cpuMsOf } from '../cpu-time.ts';
import { surroundings } from './surroundings.ts';

const SPECS = [
  `version: 1
name: web-shop
agent:
  image: node:24-slim
  command: [claude, --dangerously-skip-permissions]
  env: { NODE_ENV: development }
  user: "1000:1000"
  network: internal
  resources: { cpus: 1.5, memory: 2g, pids: 200 }
workspace:
  path: ~/src/web-shop
  hide: [".env*", "private/**"]
secrets:
  GITHUB_TOKEN: { env: GITHUB_TOKEN }
  ANTHROPIC_API_KEY: { cmd: [pass, anthropic] }
  WATCHED: { file: ~/watched }
egress:
  use: [anthropic, github-read, npm]
  allow:
    - api.example.com
    - "*.example.org"
    - host: billing.example.com
      id: billing
      ports: [443, 8443]
      access: write
      rules: ["GET,POST /v1/**", { methods: [POST], paths: [/graphql], query: { v: "2" }, headers: { x-a: "b*" } }]
      auth: { type: header, name: x-key, secret: GITHUB_TOKEN, template: "token {secret}" }
      dlp: { on_match: redact, except: [jwt] }
      limits: { request_bytes: 10m, requests_per_minute: 60 }
    - { host: 10.0.0.7, scheme: http, allow_private: true, placeholder: { secret: GITHUB_TOKEN, in: [query] } }
  deny: ["*.ngrok.app"]
  limits: { total_bytes: 1g, head_bytes: 64k, idle_seconds: 60 }
dlp: { on_match: block, detectors: [github-token, jwt], known: [WATCHED] }
logs: { keep: 3 }
`,
  `{ "version": 1, "egress": { "allow": [ { "host": "a.example", "auth": { "type": "query", "name": "k", "secret": "K" } } ] }, "secrets": { "K": { "env": "K" } } }\n`,
];

const PIECES = [
  '',
  ' ',
  '\n',
  '\t',
  ':',
  '- ',
  '? ',
  '#',
  '"',
  "'",
  '[',
  ']',
  '{',
  '}',
  '|',
  '>',
  '&a ',
  '*a',
  '!x ',
  '%',
  '@',
  '`',
  '---\n',
  '...\n',
  '<<: ',
  '~',
  'null',
  'true',
  'no',
  '0',
  '-1',
  '1e400',
  '.nan',
  '0x10',
  '99999999999999999999',
  '\u0000',
  '\u0007',
  '\u001b[31m',
  '\u202e',
  '\ud800',
  '\u{1f600}',
  'ü',
  '*',
  '**',
  '*.com',
  '/',
  '//',
  '..',
  '$PWD',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what a person writes
  '${X}',
  'version: 1\n',
  'egress:',
  'allow:',
  'host:',
  'auth:',
  '__proto__: ',
  'constructor',
  'https://',
  ':443',
  '{secret}',
  'extends: ./x.yaml\n',
  '\\',
  '\r\n',
  '\u2028',
];

/** A small generator with a seed, so that a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function damage(text: string, next: (below: number) => number): string {
  let damaged = text;
  for (let count = 1 + next(4); count > 0; count--) {
    const at = next(damaged.length + 1);
    const length = next(12);
    const piece = PIECES[next(PIECES.length)] ?? '';
    const lines = damaged.split('\n');
    const line = next(lines.length);
    switch (next(6)) {
      case 0:
        damaged = damaged.slice(0, at) + piece + damaged.slice(at);
        break;
      case 1:
        damaged = damaged.slice(0, at) + damaged.slice(at + length);
        break;
      case 2:
        damaged = damaged.slice(0, at) + piece + damaged.slice(at + length);
        break;
      case 3:
        damaged = lines.toSpliced(line, 1).join('\n');
        break;
      case 4:
        damaged = lines.toSpliced(line, 0, lines[next(lines.length)] ?? '').join('\n');
        break;
      default:
        damaged = lines.with(line, `${' '.repeat(next(6))}${(lines[line] ?? '').trim()}`).join('\n');
    }
  }
  return damaged;
}

function checkReading(text: string): 'bottle' | 'problems' {
  const parsed = parseSpec(text, 'x.yaml', surroundings());
  if (parsed.ok) {
    const again = parseSpec(renderBottle(parsed.bottle), 'x.yaml', surroundings());
    expect(again).toEqual(parsed);
    return 'bottle';
  }
  expect(parsed.problems.length).toBeGreaterThan(0);
  const lines = text.split('\n');
  for (const problem of parsed.problems) {
    const line = lines[problem.line - 1];
    expect(line, formatProblem(problem)).toBeDefined();
    expect(problem.col, formatProblem(problem)).toBeGreaterThanOrEqual(1);
    expect(problem.col, formatProblem(problem)).toBeLessThanOrEqual((line ?? '').length + 1);
    expect(problem.what).not.toBe('');
    expect(problem.fix).not.toBe('');
    expect(formatProblem(problem)).not.toMatch(/undefined|\[object|\n/);
  }
  return 'problems';
}

describe('a damaged spec', () => {
  it('is read without a crash, and what is read can be written and read again', () => {
    const seed = 20_310_501;
    const next = numbers(seed);
    const outcomes = { bottle: 0, problems: 0 };
    for (let run = 0; run < 700; run++) {
      const text = damage(SPECS[next(SPECS.length)] ?? '', next);
      try {
        outcomes[checkReading(text)]++;
      } catch (cause) {
        throw new Error(`seed ${seed}, run ${run}:\n${JSON.stringify(text)}`, { cause });
      }
    }
    // Otherwise the damage is too small or too great to say anything.
    expect(outcomes.bottle).toBeGreaterThan(20);
    expect(outcomes.problems).toBeGreaterThan(200);
  }, 60_000);

  it.each([
    ['many brackets', `version: 1\nname: ${'['.repeat(20_000)}`],
    ['many braces', `${'{a: '.repeat(20_000)}`],
    ['deep indents', Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['a long line', `version: 1\nname: "${'a'.repeat(200_000)}"`],
    [
      'a long path glob',
      `version: 1\negress: { allow: [{ host: a.example, rules: ["GET /${'*a'.repeat(50_000)}"] }] }`,
    ],
    ['many aliases', `version: 1\na: &a [x]\nb: [${'*a,'.repeat(20_000)}]`],
    [
      'many entries',
      `version: 1\negress:\n  allow:\n${Array.from({ length: 1000 }, (_, n) => `    - "*.h${n}.example"`).join('\n')}`,
    ],
    ['many bad entries', `version: 1\negress:\n  allow:\n${'    - { hst: 1 }\n'.repeat(5000)}`],
    ['words that begin like tokens', `# ${'eyJaaaaaaaa-'.repeat(15_000)}`],
    ['half URLs', `# ${'a://:'.repeat(40_000)}`],
    ['dotted words', `# ${'a.'.repeat(120_000)}`],
    ['too much', `version: 1\n# ${'x'.repeat(1_100_000)}`],
  ])(
    'with %s is judged within seconds',
    (_, text) => {
      expect(cpuMsOf(() => checkReading(text))).toBeLessThan(10_000);
    },
    60_000,
  );
});
