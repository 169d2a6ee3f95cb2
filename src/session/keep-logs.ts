// What becomes of logs when a session has ended: a copy where the spec wants one, and not more old sessions than it keeps.
import { constants } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logs } from '../spec/bottle.ts';
import { sessionPaths } from '../state/paths.ts';
import { isRunning, listSessions } from '../state/sessions.ts';

export interface EndedSession {
  readonly id: string;
  readonly name: string;
}

/** What could not be done, for a person; never a reason to fail a session that is over. */
export async function keepLogs(logs: Logs, session: EndedSession, stateDirectory: string): Promise<readonly string[]> {
  const warnings: string[] = [];
  const attempt = async (what: string, action: () => Promise<unknown>) => {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      warnings.push(`${what}: ${error.message}`);
    }
  };
  const { dir } = logs;
  if (dir !== null) {
    await attempt(`the log is not copied to ${dir}`, async () => {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await copyFile(
        sessionPaths(stateDirectory, session.id).auditFile,
        join(dir, `${session.id}.jsonl`),
        constants.COPYFILE_EXCL,
      );
    });
  }
  await attempt('old sessions are not removed', async () => {
    const sessions = await listSessions(stateDirectory);
    const ended = sessions.filter((one) => one.name === session.name && !isRunning(one));
    for (const { id, paths } of ended.slice(logs.keep)) {
      if (id !== session.id) await rm(paths.dir, { recursive: true, force: true });
    }
  });
  return warnings;
}
