// What `bottle ps` shows: what runs on the engine, joined with what is on disk.
import type Docker from 'dockerode';
import { countHeld } from '../control/count-held.ts';
import { tableLines } from '../report/table.ts';
import { stateDir } from '../state/paths.ts';
import { listSessions } from '../state/sessions.ts';
import { listLiveSessions } from './find-live.ts';
import { livenessOf } from './owner.ts';
import { readState } from './session-record.ts';

export interface SessionRow {
  readonly id: string;
  readonly name: string;
  /** `orphaned`: its bottle was killed, and something of it is left: `bottle reap`. */
  readonly status: string;
  readonly topology: string;
  /** ISO 8601; '' when this machine did not start it. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly exitCode: number | null;
  readonly workspace: string | null;
  /** Requests that wait for a person; null = cannot be told. */
  readonly held: number | null;
  /** When the first entry or secret that has an end is over, ISO 8601; null = none has. */
  readonly expiresAt: string | null;
}

/** Newest first. */
export async function listRows(docker: Docker, all: boolean): Promise<readonly SessionRow[]> {
  const live = new Map((await listLiveSessions(docker)).map((session) => [session.id, session]));
  const rows: SessionRow[] = [];
  for (const { paths, id } of await listSessions(stateDir())) {
    const state = readState(paths);
    if (state === null) continue;
    const running = live.get(id);
    live.delete(id);
    const isLeft = running !== undefined && livenessOf(running.owner) === 'dead';
    if (!all && running === undefined && state.endedAt !== null) continue;
    rows.push({
      id,
      name: state.name,
      status: isLeft
        ? 'orphaned'
        : state.endedAt === null && livenessOf(state.owner) === 'dead'
          ? 'killed'
          : state.status,
      topology: state.topology,
      startedAt: state.startedAt,
      endedAt: state.endedAt,
      exitCode: state.exitCode,
      workspace: state.workspace,
      expiresAt: state.expiresAt ?? null,
      held: state.endedAt === null && state.control !== undefined ? await countHeld(state.control) : null,
    });
  }
  const elsewhere = [...live.values()].map((session) => ({
    id: session.id,
    name: session.name,
    status: livenessOf(session.owner) === 'dead' ? 'orphaned' : 'running',
    topology: '',
    startedAt: '',
    endedAt: null,
    exitCode: null,
    workspace: null,
    held: null,
    expiresAt: null,
  }));
  return [...rows, ...elsewhere];
}

export function formatRows(rows: readonly SessionRow[], now: Date): string {
  if (rows.length === 0) return 'no session runs';
  const hasEnds = rows.some(({ expiresAt }) => expiresAt !== null);
  const titles = [
    'NAME',
    'ID',
    'STATUS',
    'NETWORK',
    'STARTED',
    'EXIT',
    'HELD',
    ...(hasEnds ? ['EXPIRES'] : []),
    'WORKSPACE',
  ];
  const columns = titles.map((title) => ({ title }));
  const cells = rows.map((row) => [
    row.name,
    row.id,
    row.status,
    row.topology,
    row.startedAt === '' ? '' : formatAge(now.getTime() - Date.parse(row.startedAt)),
    row.exitCode === null ? '' : String(row.exitCode),
    row.held === null || row.held === 0 ? '' : String(row.held),
    ...(hasEnds ? [row.expiresAt === null ? '' : formatEnd(Date.parse(row.expiresAt) - now.getTime())] : []),
    row.workspace ?? '',
  ]);
  return tableLines(columns, cells).join('\n');
}

/** Of the first entry or secret that has an end: `in 42 min`, `over`. */
function formatEnd(ms: number): string {
  return ms <= 0 ? 'over' : `in ${formatAge(ms).replace(' ago', '')}`;
}

/** `42 s ago`, `3 min ago`, … */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}
