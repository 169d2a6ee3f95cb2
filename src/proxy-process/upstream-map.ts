// The text of `--upstream-map` -> a checked map `host:port` -> `ip:port`: where a name is dialled, and nothing else.
import { isIP } from 'node:net';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { printable } from '../report/printable.ts';

/** `file` names the source in errors. Names are lower-cased. */
export function parseUpstreamMap(text: string, file: string): Readonly<Record<string, string>> {
  const value = parseJson(text, file);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badMap(file, 'it is not a JSON object');
  }
  const map: Record<string, string> = {};
  for (const [from, to] of Object.entries(value)) {
    if (!isName(from)) throw badMap(file, `the key ${shown(from)} is not "host:port"`);
    if (typeof to !== 'string' || !isAddress(to)) throw badMap(file, `the value of ${shown(from)} is not "ip:port"`);
    map[from.toLowerCase()] = to;
  }
  return map;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badMap(file, `it is not JSON (${error instanceof Error ? error.message : String(error)})`, error);
  }
}

function isName(text: string): boolean {
  const { host, port } = split(text);
  return isPort(port) && (isIP(host) !== 0 || /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(host));
}

function isAddress(text: string): boolean {
  const { host, port } = split(text);
  return isPort(port) && isIP(host) !== 0;
}

function split(text: string): { host: string; port: string } {
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d+)$/.exec(text);
  return { host: parts?.[1] ?? parts?.[2] ?? '', port: parts?.[3] ?? '' };
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

function shown(text: string): string {
  return JSON.stringify(printable(text).slice(0, 100));
}

function badMap(file: string, why: string, cause?: unknown): BottleError {
  return new BottleError({
    what: `--upstream-map ${file} is wrong`,
    why,
    fix: 'write {"host:port": "ip:port"}, like {"api.example:443": "127.0.0.1:8443"}',
    exitCode: EXIT.input,
    cause,
  });
}
