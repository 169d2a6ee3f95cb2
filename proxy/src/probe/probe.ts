// `main.ts probe`: tries to get out of the agent's namespace, in parallel and briefly, and reports what happened.
import type { ProbeReport, ProbeTargets } from '../contract.ts';

/** Reads BOTTLE_PROBE; throws ProxyFailure when it is not ProbeTargets. */
export function readProbeTargets(_environment: NodeJS.ProcessEnv): ProbeTargets {
  throw new Error('being written');
}

export function runProbe(_targets: ProbeTargets): Promise<ProbeReport> {
  throw new Error('being written');
}
