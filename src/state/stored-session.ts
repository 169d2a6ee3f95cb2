// What session.json says about one session, and how a person's NAME or ID finds it among many.

/** Written at start, completed at the end. Writers may add keys; readers keep to these. */
export interface StoredSession {
  readonly v: 1;
  /** `<name>-<6 hex>` */
  readonly id: string;
  readonly name: string;
  /** Process id of the CLI that runs the session. */
  readonly pid: number;
  /** The same process, told apart from a later one with its number; see session/owner.ts. */
  readonly owner?: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** ISO 8601, UTC; null while it runs (or when the CLI was killed). */
  readonly endedAt: string | null;
  /** The agent's exit code; null while it runs or when it never ran. */
  readonly exitCode: number | null;
  /** Path of its control socket, once it runs. */
  readonly control?: string;
}

/** Type check of text from disk; null when it is not a session of ours. */
export function parseStoredSession(text: string): StoredSession | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // A half-written file is the same as none: the caller skips the session.
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const record = value as Record<string, unknown>; // an object, checked above
  const { id, name, pid, startedAt } = record;
  if (typeof id !== 'string' || typeof name !== 'string' || typeof startedAt !== 'string') return null;
  return {
    v: 1,
    id,
    name,
    pid: typeof pid === 'number' ? pid : 0,
    ...(typeof record.owner === 'string' ? { owner: record.owner } : {}),
    ...(typeof record.control === 'string' ? { control: record.control } : {}),
    startedAt,
    endedAt: typeof record.endedAt === 'string' ? record.endedAt : null,
    exitCode: typeof record.exitCode === 'number' ? record.exitCode : null,
  };
}

/** Newest first. */
export function sortSessions<T extends StoredSession>(sessions: readonly T[]): T[] {
  return [...sessions].sort((a, b) => b.startedAt.localeCompare(a.startedAt));
}

/**
 * The session that `query` means: an exact id, else the newest of that name, else a unique beginning of an id;
 * without a query the newest of all. Undefined when there is none.
 */
export function pickSession<T extends StoredSession>(sessions: readonly T[], query: string | undefined): T | undefined {
  const newestFirst = sortSessions(sessions);
  if (query === undefined) return newestFirst[0];
  const exact = newestFirst.find((session) => session.id === query) ?? newestFirst.find(({ name }) => name === query);
  if (exact !== undefined) return exact;
  const begun = newestFirst.filter((session) => session.id.startsWith(query));
  return begun.length === 1 ? begun[0] : undefined;
}
