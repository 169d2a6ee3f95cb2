// `ADDR:PORT` of `--listen`: checked, and told whether others than this machine can reach it.
import { isIP } from 'node:net';
import { BottleError, EXIT } from '../report/bottle-error.ts';

export interface ListenAddress {
  /** `127.0.0.1:3128`, `[::1]:3128` */
  readonly text: string;
  readonly isLoopback: boolean;
}

/** An IP address, or `localhost`, and a port; port 0 takes any free one. */
export function parseListenAddress(text: string): ListenAddress {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = (parts?.[1] ?? parts?.[2] ?? '').replace(/^localhost$/, '127.0.0.1');
  const port = Number(parts?.[3] ?? Number.NaN);
  const family = isIP(host);
  if (parts === null || family === 0 || (family === 6) !== (parts[1] !== undefined) || !(port <= 65_535)) {
    throw new BottleError({
      what: `--listen does not understand "${text}"`,
      why: 'it is not ADDR:PORT with an IP address of this machine and a port up to 65535',
      fix: 'write 127.0.0.1:3128, [::1]:3128, or port 0 for any free one',
      exitCode: EXIT.input,
    });
  }
  return {
    text: family === 6 ? `[${host}]:${port}` : `${host}:${port}`,
    isLoopback: family === 6 ? host === '::1' : host.startsWith('127.'),
  };
}
