import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../proxy/src/contract.ts';
import { finding, logText, record } from '../unit/review/records.ts';
import { bottle, freshDirectory, startBottle } from './bottle-process.ts';

const refused = { verdict: 'block', stage: 'policy', rule: 'not-allowed', status: 403 } as const;

interface Session {
  readonly state: string;
  readonly audit: string;
  readonly env: { readonly BOTTLE_STATE_DIR: string };
  end(): void;
}

/** A session as `start` leaves it on disk. `pid` of this test = it runs. */
function makeSession(id: string, records: readonly AuditRecord[], pid: number, state = freshDirectory()): Session {
  const dir = join(state, 'sessions', id);
  mkdirSync(join(dir, 'log'), { recursive: true });
  const audit = join(dir, 'log', 'audit.jsonl');
  writeFileSync(audit, logText(records));
  const session = {
    v: 1,
    id,
    name: id.slice(0, -7),
    pid,
    startedAt: new Date().toISOString(),
    endedAt: null,
    exitCode: null,
  };
  const write = (more: object) => writeFileSync(join(dir, 'session.json'), JSON.stringify({ ...session, ...more }));
  write({});
  return {
    state,
    audit,
    env: { BOTTLE_STATE_DIR: state },
    end: () => write({ endedAt: new Date().toISOString(), exitCode: 0 }),
  };
}

describe('bottle logs', () => {
  test('tells what passed in a table and what was refused with the line that would allow it', async () => {
    const { env } = makeSession(
      'shop-0a1b2c',
      [
        record({ injected: ['API_TOKEN'], bytes_out: 12, bytes_in: 3456 }),
        record({
          ...refused,
          host: 'evil.example',
          method: 'POST',
          path: '/up',
          reason: 'evil.example is not in the allow list',
        }),
      ],
      1,
    );
    const { code, stdout, stderr } = await bottle(['logs'], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^session shop-0a1b2c \(running\): 2 requests\n/);
    expect(stdout).toMatch(/allow +1x +\S+ +api\.example +allow\.0 +API_TOKEN +- +12 +3456\n/);
    expect(stdout).toMatch(/block {2}evil\.example {2}1x {2}last \S+ {2}policy not-allowed {2}id id\d+\n/);
    expect(stdout).toContain('    evil.example is not in the allow list\n');
    expect(stdout).toContain(
      'to allow it, add under egress.allow:\n      - { host: evil.example, rules: ["POST /up"] }\n',
    );
  });

  test('what model APIs used is summed up for each row, when the spec bounds it', async () => {
    const usage = { input_tokens: 1000, output_tokens: 20, cost_usd: 0.25, estimated: false };
    const records = [
      record({ usage }),
      record({ usage: { ...usage, estimated: true } }),
      record({ host: 'b.example' }),
    ];
    const { env } = makeSession('shop-0a1b2c', records, 0);
    const { stdout } = await bottle(['logs'], { env });
    expect(stdout).toMatch(/RECEIVED +TOKENS IN +TOKENS OUT +USD\n/);
    expect(stdout).toMatch(/2x .* api\.example .* ~2000 +~40 +~0\.5\n/);
    expect(stdout).toMatch(/1x .* b\.example .* - +- +-\n/);
    const json = await bottle(['logs', '--json'], { env });
    expect(JSON.parse(json.stdout.split('\n')[0]!)).toMatchObject({ usage });
  });

  test('--blocked shows refusals alone, of the session that is named, or of the latest', async () => {
    const first = makeSession('one-0a1b2c', [record({ ...refused, host: 'first.example' }), record()], 0);
    await new Promise((resolve) => setTimeout(resolve, 5)); // startedAt has milliseconds
    makeSession('two-0a1b2c', [record({ ...refused, host: 'second.example' })], 0, first.state);
    const latest = await bottle(['logs', '--blocked'], { env: first.env });
    expect(latest.stdout).toContain('second.example');
    const named = await bottle(['logs', 'one', '--blocked'], { env: first.env });
    expect(named.stdout).toContain('first.example');
    expect(named.stdout).not.toContain('api.example');
  });

  test('--id finds what a client was told, in whatever session it was', async () => {
    const wanted = record({ ...refused, host: 'first.example' });
    const { env, state } = makeSession('one-0a1b2c', [wanted, record({ ...refused, host: 'first.example' })], 0);
    makeSession('two-0a1b2c', [record({ ...refused, host: 'second.example' })], 0, state);
    const { stdout } = await bottle(['logs', '--id', wanted.id], { env });
    expect(stdout).toContain('session one-0a1b2c: 1 request\n');
    expect(stdout).toContain(`first.example  1x`);
    expect(stdout).toContain(`id ${wanted.id}\n`);
    expect(await bottle(['logs', '--id', 'aaaaaaaaaaaa'], { env })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^bottle: no record has the id "aaaaaaaaaaaa": /),
    });
  });

  test('--json gives the records, one a line, ready for a program', async () => {
    const records = [record({ ...refused, path: '/\u009b2J' }), record()];
    const { env } = makeSession('shop-0a1b2c', records, 0);
    const { stdout } = await bottle(['logs', '--blocked', '--json'], { env });
    expect(stdout).not.toContain('\u009b');
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([{ ...records[0], prev: '' }]);
  });

  test('--since leaves out what is older', async () => {
    const old = record({ host: 'old.example', ts: new Date(Date.now() - 3_600_000).toISOString() });
    const young = record({ host: 'young.example', ts: new Date().toISOString() });
    const { env } = makeSession('shop-0a1b2c', [old, young], 0);
    const { stdout } = await bottle(['logs', '--since', '10m'], { env });
    expect(stdout).toContain('young.example');
    expect(stdout).not.toContain('old.example');
  });

  test('text of an agent cannot steer the terminal or forge a line', async () => {
    const { env } = makeSession(
      'shop-0a1b2c',
      [
        record({
          ...refused,
          host: 'evil.example',
          path: '/\u001b[2J\u202e\u0007x\n  all is well',
          reason: 'a\u001b]0;owned\u0007b\r\nallow  good.example',
          findings: [finding('jwt', 'header x\u001b[31m')],
        }),
      ],
      0,
    );
    const { stdout } = await bottle(['logs'], { env });
    expect(stdout).toMatch(/^[\x20-\x7e\n]*$/);
    expect(stdout).not.toMatch(/^ *(all is well|allow)/m);
  });

  test('a log that was changed afterwards is warned about, and --verify says no', async () => {
    const { audit, env } = makeSession('shop-0a1b2c', [record(), record({ ...refused }), record()], 0);
    expect(await bottle(['logs', '--verify'], { env })).toMatchObject({ code: 0 });
    writeFileSync(audit, readFileSync(audit, 'utf8').replace('"block"', '"allow"'));
    const shown = await bottle(['logs'], { env });
    expect(shown).toMatchObject({ code: 0 });
    expect(shown.stderr).toMatch(/^bottle: warning: .*changed after it was written.*line 3/);
    const verified = await bottle(['logs', '--verify'], { env });
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain('line 3');
  });

  test('--log reads any audit log, whose last line may be half written', async () => {
    const file = join(freshDirectory(), 'audit.jsonl');
    writeFileSync(file, logText([record({ host: 'whole.example' }), record({ host: 'half.example' })]).slice(0, -30));
    const { code, stdout, stderr } = await bottle(['logs', '--log', file]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('whole.example');
    expect(stdout).not.toContain('half.example');
  });

  test.each([
    ['no session at all', ['logs'], /^bottle: there is no session: /],
    [
      'an unknown session, with the nearest name',
      ['logs', 'shpo'],
      /^bottle: no session "shpo": .*; did you mean "shop"\?/,
    ],
    ['a time that is none', ['logs', '--since', 'yesterday'], /^bottle: --since does not understand "yesterday": /],
    [
      'a log that is not there',
      ['logs', '--log', '/nowhere/audit.jsonl'],
      /^bottle: cannot read the log \/nowhere\/audit\.jsonl: ENOENT/,
    ],
    ['two logs at once', ['logs', 'shop', '--log', 'x'], /^bottle: a session and --log were given: /],
  ])('%s is wrong input, told in one line', async (name, args, message) => {
    const env =
      name === 'no session at all' ? { BOTTLE_STATE_DIR: freshDirectory() } : makeSession('shop-0a1b2c', [], 0).env;
    const { code, stdout, stderr } = await bottle(args, { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('a reader that has seen enough is no failure', async () => {
    const { env } = makeSession(
      'shop-0a1b2c',
      Array.from({ length: 5000 }, () => record()),
      0,
    );
    const running = startBottle(['logs', '--json'], { env });
    await running.waitFor(/\n/);
    running.process.stdout?.destroy();
    expect(await running.outcome).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('bottle logs --follow', () => {
  test('prints records as they come, holds back half a line, and ends with the session', async () => {
    const all = [
      record({ host: 'before.example' }),
      record({ host: 'after.example' }),
      record({ ...refused, host: 'last.example' }),
    ];
    const text = logText(all);
    const ends = [...text.matchAll(/\n/g)].map(({ index }) => index + 1);
    const { audit, env, end } = makeSession('shop-0a1b2c', [], process.pid);
    writeFileSync(audit, text.slice(0, ends[0]));
    const running = startBottle(['logs', '--follow'], { env });
    await running.waitFor(/before\.example/);
    appendFileSync(audit, text.slice(ends[0], ends[1]! - 10));
    appendFileSync(audit, text.slice(ends[1]! - 10, ends[1]! + 20));
    expect(await running.waitFor(/after\.example/)).not.toContain('last.example');
    appendFileSync(audit, text.slice(ends[1]! + 20));
    await running.waitFor(/block +403 +GET last\.example\//);
    end();
    const { code, stdout, stderr } = await running.outcome;
    expect({ code, lines: stdout.trimEnd().split('\n').length }).toEqual({ code: 0, lines: 3 });
    expect(stderr).toBe('bottle: session shop-0a1b2c has ended\n');
  });

  test('waits for a log that is not there yet, filters, and ends with Ctrl-C', async () => {
    const file = join(freshDirectory(), 'later.jsonl');
    const running = startBottle(['logs', '--log', file, '--follow', '--blocked', '--json']);
    writeFileSync(file, logText([record({ host: 'passed.example' }), record({ ...refused, host: 'refused.example' })]));
    await running.waitFor(/refused\.example/);
    running.process.kill('SIGINT');
    const { code, stdout, stderr } = await running.outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).host),
    ).toEqual(['refused.example']);
  });

  test('ends when the program that ran the session was killed', async () => {
    const { env } = makeSession('shop-0a1b2c', [record()], 2 ** 22 + 1);
    expect(await bottle(['logs', '--follow'], { env })).toMatchObject({ code: 0 });
  });
});
