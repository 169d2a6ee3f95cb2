// Decides as which user the agent runs, so that files in the workspace stay the person's own. Pure.
import { BottleError, EXIT } from '../report/bottle-error.ts';
import type { AgentUser } from './plan.ts';

/** The uid of relay and sidecar inside their containers: an agent with it could reach into the relay. */
export const PROXY_UID = 1337;
/** The one case in which the agent may be root, without any capability: else it could not write the workspace. */
export const ROOT_REASON = 'the workspace belongs to root';
/** The user of our own agent image. */
const IMAGE_USER = { uid: 1000, gid: 1000 };

export interface UserFacts {
  /** `agent.user`: `NAME`, `UID` or `UID:GID`; null = not given. */
  readonly asked: string | null;
  /** Who started bottle. */
  readonly caller: { readonly uid: number; readonly gid: number };
  /** Owner of the workspace; null without one. */
  readonly workspace: { readonly uid: number; readonly gid: number } | null;
}

export function chooseAgentUser({ asked, caller, workspace }: UserFacts): AgentUser {
  const chosen = asked !== null ? parseUser(asked) : unasked(caller, workspace);
  if (chosen.uid === PROXY_UID) {
    throw new BottleError({
      what: `the agent would run as uid ${PROXY_UID}`,
      why: 'that is the uid of the relay beside it',
      fix: 'set agent.user to another UID:GID',
      exitCode: EXIT.input,
    });
  }
  return chosen;
}

function unasked(caller: UserFacts['caller'], workspace: UserFacts['workspace']): AgentUser {
  if (caller.uid !== 0) return { ...caller, reason: 'the user who started it' };
  if (workspace === null) return { ...IMAGE_USER, reason: 'started by root, without a workspace' };
  if (workspace.uid !== 0) return { ...workspace, reason: 'the owner of the workspace' };
  return { uid: 0, gid: 0, reason: ROOT_REASON };
}

function parseUser(asked: string): AgentUser {
  if (asked === 'agent') return { ...IMAGE_USER, reason: 'agent.user' };
  const numbers = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(asked);
  if (numbers === null) {
    throw new BottleError({
      what: `agent.user "${asked}" is not supported yet`,
      why: 'names other than "agent" belong to the image, and only the engine could tell their number',
      fix: 'give it as UID:GID',
      exitCode: EXIT.input,
    });
  }
  const uid = Number(numbers[1]);
  return { uid, gid: Number(numbers[2] ?? uid), reason: 'agent.user' };
}

/** The /etc/passwd of the agent: without an entry of its own, ssh and `os.userInfo()` fail. */
export function passwdText({ uid, gid }: AgentUser): string {
  const agent = `agent:x:${uid}:${gid}:agent:/home/agent:/bin/bash`;
  const others = [
    'root:x:0:0:root:/root:/usr/sbin/nologin',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
  ];
  return `${[agent, ...others.filter((line) => Number(line.split(':')[2]) !== uid)].join('\n')}\n`;
}

export function groupText({ gid }: AgentUser): string {
  const others = ['root:x:0:', 'tty:x:5:', 'nogroup:x:65534:'];
  return `${[`agent:x:${gid}:`, ...others.filter((line) => Number(line.split(':')[2]) !== gid)].join('\n')}\n`;
}
