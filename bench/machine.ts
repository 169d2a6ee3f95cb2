// What the bench takes of the machine: a folder, cores that processes are pinned to, a certificate for the origin.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  readonly folder: string;
  /** How many cores the proxies under measurement have to share with nobody, or null = too few here: nothing is pinned. */
  readonly proxyCore: string | null;
  /** For origin and load generator. */
  readonly loadCore: string | null;
  readonly cores: number;
  /** Self-signed, for ORIGIN and every name below it; PEM. */
  readonly key: string;
  readonly cert: string;
  remove(): void;
}

export const ORIGIN = 'origin.test';
/** Names that nobody has a leaf for at first; all of them lead to the origin. */
export const NEW_HOSTS = Array.from({ length: 4_000 }, (_, index) => `h${index}.${ORIGIN}`);

export function prepareMachine(): Machine {
  const folder = mkdtempSync(join(tmpdir(), 'bottle-bench-'));
  const cores = Number(execFileSync('nproc', { encoding: 'utf8' }));
  return {
    folder,
    cores,
    proxyCore: cores >= 2 ? '1' : null,
    loadCore: cores >= 2 ? '0' : null,
    ...makeCertificate(folder),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The load generator is this process: all of its threads move. */
export function pinSelf(core: string | null): void {
  if (core !== null) execFileSync('taskset', ['-acp', core, String(process.pid)], { stdio: 'ignore' });
}

function makeCertificate(folder: string): { key: string; cert: string } {
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  const asked = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'.split(' ');
  const names = ['-subj', `/CN=${ORIGIN}`, '-addext', `subjectAltName=DNS:${ORIGIN},DNS:*.${ORIGIN}`];
  execFileSync('openssl', [...asked, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}
