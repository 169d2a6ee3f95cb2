// The order of the checks, in one function: readable as the specification.
import type { ProxyConfig } from '../contract.ts';
import type { Scanner } from '../dlp/types.ts';
import type { Pipeline } from './types.ts';

/** Compiles the configuration once. Throws ProxyFailure when a part of it cannot be enforced (unsafe credential, unknown secret). */
export function createPipeline(_config: ProxyConfig, _scanner: Scanner): Pipeline {
  throw new Error('the pipeline is being built');
}
