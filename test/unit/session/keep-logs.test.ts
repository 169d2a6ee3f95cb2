import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepLogs } from '../../../src/session/keep-logs.ts';
import { ownerOf } from '../../../src/session/owner.ts';

describe('when a session has ended', () => {
  let state: string;
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'keep-logs-'));
  });
  afterEach(() => {
    rmSync(state, { recursive: true });
  });

  function session(id: string, name: string, minute: number, endedAt: string | null, owner = 'gone/0/0/0'): void {
    const dir = join(state, 'sessions', id);
    mkdirSync(join(dir, 'log'), { recursive: true });
    const startedAt = `2031-05-01T10:${String(minute).padStart(2, '0')}:00.000Z`;
    writeFileSync(
      join(dir, 'session.json'),
      JSON.stringify({ v: 1, id, name, pid: 1, owner, startedAt, endedAt, exitCode: 0 }),
    );
    writeFileSync(join(dir, 'log', 'audit.jsonl'), `{"id":"${id}"}\n`);
  }
  const left = () => readdirSync(join(state, 'sessions')).sort();
  const ENDED = '2031-05-01T11:00:00.000Z';

  it('as many of its name stay as the spec keeps, the newest, and none that runs is touched', async () => {
    session('web-000001', 'web', 1, ENDED);
    session('web-000002', 'web', 2, null);
    session('web-000003', 'web', 3, null, ownerOf(process.pid));
    session('web-000004', 'web', 4, ENDED);
    session('web-000005', 'web', 5, ENDED);
    session('other-000001', 'other', 1, ENDED);
    const warnings = await keepLogs({ dir: null, keep: 2, bodies: 'never' }, { id: 'web-000005', name: 'web' }, state);
    expect(warnings).toEqual([]);
    expect(left()).toEqual(['other-000001', 'web-000003', 'web-000004', 'web-000005']);
  });

  it('its log is copied where the spec wants it, and over nothing', async () => {
    session('web-000001', 'web', 1, ENDED);
    const dir = join(state, 'copies', 'deep');
    const keep = () => keepLogs({ dir, keep: 5, bodies: 'never' }, { id: 'web-000001', name: 'web' }, state);
    expect(await keep()).toEqual([]);
    expect(readFileSync(join(dir, 'web-000001.jsonl'), 'utf8')).toBe('{"id":"web-000001"}\n');
    expect((await keep())[0]).toContain(`the log is not copied to ${dir}`);
  });

  it('a copy that is impossible is told, and undoes nothing', async () => {
    session('web-000001', 'web', 1, ENDED);
    writeFileSync(join(state, 'file'), '');
    const warnings = await keepLogs(
      { dir: join(state, 'file', 'x'), keep: 1, bodies: 'never' },
      { id: 'web-000001', name: 'web' },
      state,
    );
    expect(warnings).toHaveLength(1);
    expect(existsSync(join(state, 'sessions', 'web-000001', 'log', 'audit.jsonl'))).toBe(true);
  });
});
