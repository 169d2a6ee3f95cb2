// What every container of ours has in common: nothing that it does not need. Pure data.
import type { HostConfig } from './plan.ts';

export const MEBIBYTE = 1024 ** 2;
/** The part of HostConfig that is the same for all; network, mounts and limits come beside it. */
export function hardened(limits: { cpus: number; memoryBytes: number; pids: number }) {
  return {
    IpcMode: 'private',
    // NET_RAW alone would let a hand-made frame reach services of the host.
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    ReadonlyRootfs: true,
    PidsLimit: limits.pids,
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpus * 1e9),
    AutoRemove: true,
    // stdout of sidecar and relay is our protocol, the agent's is the person's: neither belongs in a file of the engine.
    LogConfig: { Type: 'none' },
    // A core file would hold what a process knew. No limit on open files: one above the engine's own makes a start fail.
    Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
  } as const satisfies Partial<HostConfig>;
}

/** Labels of everything that belongs to a session: `reap` finds it by them. */
export function sessionLabels(
  session: { readonly id: string; readonly name: string; readonly owner: string },
  role: string,
): Readonly<Record<string, string>> {
  return {
    'bottle.id': session.id,
    'bottle.name': session.name,
    'bottle.owner': session.owner,
    'bottle.role': role,
  };
}
