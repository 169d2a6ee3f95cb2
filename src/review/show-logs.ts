// What `bottle logs` does: finds the log, reads or follows it, prints.
import type { AuditRecord } from '../../proxy/src/contract.ts';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { paint, printLine, printNote, printWarning } from '../report/output.ts';
import { safeJson } from '../report/printable.ts';
import { stateDir } from '../state/paths.ts';
import { findSession, isRunning, listSessions, readSession, type SessionOnDisk } from '../state/sessions.ts';
import { type ChainReader, damageText, type LogLine } from './chain.ts';
import { groupRecords, isPassed, isRefusal } from './group.ts';
import { followLog, readLog } from './read-log.ts';
import { paragraphLines, passedLines, recordLine } from './render.ts';
import { parseSince } from './since.ts';

export interface LogsOptions {
  readonly blocked?: true;
  readonly follow?: true;
  readonly json?: true;
  readonly verify?: true;
  readonly since?: string;
  readonly log?: string;
  readonly id?: string;
}

interface Source {
  readonly file: string;
  /** Null with `--log`. */
  readonly session: SessionOnDisk | null;
}

export async function showLogs(query: string | undefined, options: LogsOptions): Promise<void> {
  const isWanted = filterFor(options);
  const source = await findSource(query, options);
  if (options.follow) {
    await followSource(source, options, isWanted);
    return;
  }
  const { lines, chain } = await readLog(source.file, source.session !== null);
  if (options.verify) {
    verify(source, lines.length, chain);
    return;
  }
  const records = lines.map(({ record }) => record).filter(isWanted);
  if (options.json) for (const record of records) printLine(safeJson(record));
  else printGroups(source, records, options);
  warnOfDamage(source, chain);
}

function filterFor({ blocked, since, id }: LogsOptions): (record: AuditRecord) => boolean {
  const fromMs = since === undefined ? Number.NEGATIVE_INFINITY : parseSince(since, Date.now());
  if (fromMs === null) {
    throw new BottleError({
      what: `--since does not understand "${since}"`,
      why: 'it is no duration and no time',
      fix: 'write 90s, 10m, 2h, 1d, 14:30, 2031-05-01 or 2031-05-01T14:30:00Z',
      exitCode: EXIT.input,
    });
  }
  return (record) =>
    (blocked !== true || isRefusal(record)) &&
    (id === undefined || record.id === id) &&
    Date.parse(record.ts) >= fromMs;
}

async function findSource(query: string | undefined, { log, id, follow }: LogsOptions): Promise<Source> {
  if (log === undefined) {
    if (id !== undefined && query === undefined) return findRecord(id);
    const session = await findSession(stateDir(), query, { prefersRunning: follow === true });
    return { file: session.paths.auditFile, session };
  }
  if (query === undefined) return { file: log, session: null };
  throw new BottleError({
    what: 'a session and --log were given',
    why: 'only one log is read at a time',
    fix: 'leave one of them out',
    exitCode: EXIT.input,
  });
}

/** The session whose log has the record; newest first. */
async function findRecord(id: string): Promise<Source> {
  const sessions = await listSessions(stateDir());
  for (const session of sessions) {
    const { lines } = await readLog(session.paths.auditFile, true);
    if (lines.some(({ record }) => record.id === id)) return { file: session.paths.auditFile, session };
  }
  throw new BottleError({
    what: `no record has the id "${id}"`,
    why: `it is in the log of none of ${sessions.length} sessions`,
    fix: 'look whether it was copied whole; "bottle proxy" has a log of its own, to be named with --log',
    exitCode: EXIT.no,
  });
}

function printGroups(source: Source, records: readonly AuditRecord[], options: LogsOptions): void {
  const groups = groupRecords(records);
  const passed = groups.filter(isPassed);
  const others = groups.filter((group) => !isPassed(group));
  const title = source.session === null ? source.file : `session ${source.session.id}${stateOf(source.session)}`;
  const requests = records.filter(({ via }) => via !== 'dns').length;
  const lookups = records.length - requests;
  const counts = `${requests} ${requests === 1 ? 'request' : 'requests'}${lookups > 0 ? `, ${lookups} DNS look-ups` : ''}`;
  if (records.length === 0) {
    printLine(
      `${title}: ${options.blocked ? 'nothing was refused' : 'no records'}${options.since ? ' since then' : ''}`,
    );
    return;
  }
  printLine(paint('bold', `${title}: ${options.blocked ? 'refused ' : ''}${counts}`));
  if (passed.length > 0) printLine(`\n${passedLines(passed).join('\n')}`);
  if (others.length > 0) printLine(`\n${paragraphLines(others, paint).join('\n')}`);
}

function stateOf(session: SessionOnDisk): string {
  return isRunning(session) ? ' (running)' : '';
}

async function followSource(
  source: Source,
  options: LogsOptions,
  isWanted: (record: AuditRecord) => boolean,
): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const onLine = ({ record }: LogLine) => {
    if (isWanted(record)) printLine(options.json ? safeJson(record) : recordLine(record, paint));
  };
  const { session } = source;
  const isOver = async () => {
    if (session === null) return false;
    const now = await readSession(stateDir(), session.id);
    return now === null || !isRunning(now);
  };
  try {
    const chain = await followLog(source.file, { onLine, isOver, signal: stop.signal });
    warnOfDamage(source, chain);
    if (session !== null && !stop.signal.aborted) printNote(`bottle: session ${session.id} has ended`);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function verify(source: Source, records: number, chain: ChainReader): void {
  const damage = damageText(chain.damage);
  if (damage === null && chain.unfinishedBytes === 0) {
    printLine(`${source.file}: ${records} ${records === 1 ? 'record' : 'records'}, whole and unchanged`);
    return;
  }
  printLine(`${source.file}: ${damage ?? 'the last line is not whole'}`);
  process.exitCode = EXIT.no;
}

function warnOfDamage(source: Source, chain: ChainReader): void {
  const damage = damageText(chain.damage);
  if (damage !== null) printWarning(`${source.file}: ${damage}`);
  const mayBeGrowing = source.session === null || isRunning(source.session);
  if (chain.unfinishedBytes > 0 && !mayBeGrowing) {
    printWarning(`${source.file}: its last line is not whole; the proxy was killed while it wrote`);
  }
}
