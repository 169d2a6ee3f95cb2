// Reads ProbeTargets out of the environment. What cannot be read is an error: a probe that tries nothing proves nothing.
import type { ProbeTargets } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';
import { ipBytes } from '../net/address.ts';
import type { Place } from './reach.ts';

/** Reads BOTTLE_PROBE; throws ProxyFailure when it is not ProbeTargets. */
export function readProbeTargets(environment: NodeJS.ProcessEnv): ProbeTargets {
  const text = environment.BOTTLE_PROBE;
  if (text === undefined) throw notTargets('it is not set');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw notTargets(`it is not JSON (${(error as Error).message})`);
  }
  if (!isTargets(value)) throw notTargets('it does not have the form of ProbeTargets');
  for (const place of [...value.tcp, ...value.dns, ...(value.proxy === null ? [] : [value.proxy])]) parsePlace(place);
  return value;
}

/** `ADDR:PORT`, IPv6 in brackets. */
export function parsePlace(text: string): Place {
  const [, bracketed, bare, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? bare ?? '';
  if (ipBytes(address) === null || Number(port) < 1 || Number(port) > 65535)
    throw notTargets(`"${text}" is not ADDR:PORT`);
  return { address, port: Number(port) };
}

function isTargets(value: unknown): value is ProbeTargets {
  if (typeof value !== 'object' || value === null) return false;
  const { topology, tcp, dns, proxy } = value as Record<keyof ProbeTargets, unknown>;
  const isTextList = (list: unknown): boolean => Array.isArray(list) && list.every((item) => typeof item === 'string');
  if (topology === 'sealed') return isTextList(tcp) && isTextList(dns) && proxy === null;
  return topology === 'internal' && isTextList(tcp) && isTextList(dns) && typeof proxy === 'string';
}

function notTargets(why: string): ProxyFailure {
  return new ProxyFailure({
    what: 'cannot read what to probe from BOTTLE_PROBE',
    why,
    fix: 'start the probe through `bottle start` or `bottle verify`',
  });
}
