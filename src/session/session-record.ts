// A session's directory on the host: its record, its spec, its log, and the small files that its containers mount.
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { groupText, passwdText } from '../plan/agent-user.ts';
import type { AgentUser } from '../plan/plan.ts';
import { TRUST } from '../plan/trust-paths.ts';
import { type SessionPaths, sessionPaths } from '../state/paths.ts';
import { parseStoredSession, type StoredSession } from '../state/stored-session.ts';

export type SessionStatus = 'starting' | 'running' | 'ended' | 'failed' | 'reaped';

/** What session.json holds; readers that know less keep to StoredSession. */
export interface SessionState extends StoredSession {
  readonly owner: string;
  readonly status: SessionStatus;
  readonly topology: 'sealed' | 'internal';
  /** Absolute path of the spec. */
  readonly spec: string;
  readonly workspace: string | null;
  readonly engine: string;
  /** When the first entry or secret that has an end is over, ISO 8601. */
  readonly expiresAt?: string;
}

export interface MountedFiles {
  readonly logDirectory: string;
  readonly passwd: string;
  readonly group: string;
  readonly canaries: string;
  readonly empty: string;
  readonly trustDirectory: string;
}

export class SessionRecord {
  readonly paths: SessionPaths;
  #state: SessionState;

  constructor(stateDirectory: string, state: SessionState, spec: string) {
    this.paths = sessionPaths(stateDirectory, state.id);
    this.#state = state;
    mkdirSync(this.paths.dir, { recursive: true, mode: 0o700 });
    // The sidecar writes here with a uid of its own. Nobody else gets past the directory above.
    mkdirSync(this.paths.logDir, { mode: 0o777 });
    chmodSync(this.paths.logDir, 0o777);
    writeFileSync(this.paths.specFile, spec, { mode: 0o600, flag: 'wx' });
    this.#write();
  }

  get state(): SessionState {
    return this.#state;
  }

  update(change: Partial<SessionState>): void {
    this.#state = { ...this.#state, ...change };
    this.#write();
  }

  /** What the containers mount, readable for whatever user is inside. */
  writeMountedFiles(user: AgentUser, canaries: string): MountedFiles {
    const trustDirectory = join(this.paths.dir, 'trust');
    mkdirSync(trustDirectory);
    chmodSync(trustDirectory, 0o755);
    const write = (name: string, text: string, mode = 0o444) => {
      const path = join(this.paths.dir, name);
      writeFileSync(path, text, { mode });
      chmodSync(path, mode);
      return path;
    };
    for (const name of [TRUST.certificateFile, TRUST.javaFile]) write(join('trust', name), '', 0o644);
    return {
      logDirectory: this.paths.logDir,
      passwd: write('passwd', passwdText(user)),
      group: write('group', groupText(user)),
      canaries: write('canaries', canaries),
      empty: write('empty', ''),
      trustDirectory,
    };
  }

  /** Whole or not at all, so that a reader never sees half of it. */
  #write(): void {
    writeState(this.paths, this.#state);
  }
}

export function writeState(paths: SessionPaths, state: SessionState): void {
  const draft = `${paths.sessionFile}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, paths.sessionFile);
}

/** The whole record; null when it is of a bottle that wrote less, or is no record. */
export function readState(paths: SessionPaths): SessionState | null {
  let text: string;
  try {
    text = readFileSync(paths.sessionFile, 'utf8');
  } catch {
    return null; // removed meanwhile
  }
  const stored = parseStoredSession(text);
  if (stored === null) return null;
  const state = JSON.parse(text) as SessionState; // a session of ours, checked above
  return typeof state.owner === 'string' ? state : null;
}
