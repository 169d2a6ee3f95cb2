// `main.ts relay`: captures every TCP connection and DNS query of the agent's namespace and passes them to the sidecar's socket.
import type { RelayEvent } from '../contract.ts';

export interface Relay {
  /** Resolves when the sidecar ended the lifeline: the caller then ends the process. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Sets up the namespace, drops root, listens, probes, then emits `ready`. Throws ProxyFailure. */
export function startRelay(_environment: NodeJS.ProcessEnv, _emit: (event: RelayEvent) => void): Promise<Relay> {
  throw new Error('being written');
}
