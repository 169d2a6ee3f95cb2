// `main.ts relay`: captures every TCP connection and DNS query of the agent's namespace and passes them to the sidecar's socket.
import type { RelayEvent } from '../contract.ts';
import { createCaptures } from '../probe/captures.ts';
import { runProbe } from '../probe/probe.ts';
import { captureDns } from './dns-capture.ts';
import { readRelaySettings } from './environment.ts';
import { captureEveryAddress, dropRoot } from './namespace.ts';
import { createSidecar } from './sidecar.ts';
import { captureTcp } from './tcp-capture.ts';

export interface Relay {
  /** Resolves when the sidecar ended the lifeline: the caller then ends the process. */
  readonly ended: Promise<void>;
  close(): void;
}

/** The sidecar starts at the same time; its own bounds are tighter. */
const SIDECAR_TIMEOUT_MS = 20_000;

/** Sets up the namespace, drops root, listens, probes, then emits `ready`. Throws ProxyFailure. */
export async function startRelay(environment: NodeJS.ProcessEnv, emit: (event: RelayEvent) => void): Promise<Relay> {
  const settings = readRelaySettings(environment);
  captureEveryAddress();
  dropRoot();
  const captures = createCaptures();
  const capturing = await Promise.all([captureTcp(settings.ports, captures), captureDns(captures)]);
  const sidecar = createSidecar(settings.socketPath);
  // The agent is not there yet: until both are done, whatever arrives is our own probe.
  const [lifeline, probe] = await Promise.all([
    sidecar.openLifeline(SIDECAR_TIMEOUT_MS),
    runProbe(settings.probe, { captures }),
  ]);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  lifeline.on('error', () => lifeline.destroy());
  lifeline.on('end', () => lifeline.destroy());
  lifeline.on('close', () => resolve());
  lifeline.resume();
  for (const capture of capturing) capture.passOn(sidecar);
  emit({ event: 'ready', probe, startedMs: Math.round(performance.now()) });
  return {
    ended,
    close: () => {
      for (const capture of capturing) capture.close();
      lifeline.destroy();
    },
  };
}
