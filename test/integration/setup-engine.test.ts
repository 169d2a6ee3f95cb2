import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveProcess } from '../../scripts/engine/daemon.ts';

let folder = '';
let pidFile = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bottle-engine-'));
  pidFile = join(folder, 'pid');
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('a pid file', () => {
  it('that is missing names no process', () => {
    expect(liveProcess(pidFile, 'sleep')).toBeUndefined();
  });

  it('names its process while that lives, and none once it has ended', async () => {
    const child = spawn('sleep', ['60']);
    writeFileSync(pidFile, `${child.pid}\n`);
    await expect.poll(() => liveProcess(pidFile, 'sleep')).toBe(child.pid);
    child.kill();
    await once(child, 'exit');
    expect(liveProcess(pidFile, 'sleep')).toBeUndefined();
  });

  it('names no process when another program has the number by now', () => {
    writeFileSync(pidFile, String(process.pid));
    expect(liveProcess(pidFile, 'dockerd')).toBeUndefined();
  });

  it('names no process when that is a zombie, which nobody reaps in many containers', async () => {
    // It ends when its parent has become a program that does not reap.
    const child = `until [ "$(cat /proc/$PPID/comm)" = sleep ]; do :; done; exec sleep 0`;
    const parent = spawn('sh', ['-c', `sh -c '${child}' & echo $! >${pidFile}; exec sleep 60`]);
    try {
      const state = () =>
        /\) (\S)/.exec(readFileSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}/stat`, 'utf8'))?.[1];
      await expect.poll(state).toBe('Z');
      expect(liveProcess(pidFile, 'sleep')).toBeUndefined();
    } finally {
      parent.kill();
    }
  });

  it('that holds no number names no process', () => {
    writeFileSync(pidFile, 'none\n');
    expect(liveProcess(pidFile, 'sleep')).toBeUndefined();
  });
});
