// Installs packages of the distribution, where we are root on a Debian-like machine.
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { BottleError } from '../report/bottle-error.ts';

const POLICY = '/usr/sbin/policy-rc.d';
const KEPT_POLICY = `${POLICY}.kept-by-bottle`;

/** Whether `installPackages` can work here at all. */
export function canInstallPackages(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** Installs packages without their recommendations; services that they bring are not started. */
export async function installPackages(packages: readonly string[], onProgress: (line: string) => void): Promise<void> {
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  forbidServices();
  try {
    onProgress(`installing ${packages.join(', ')} with apt-get`);
    if (await succeeds(install)) return;
    onProgress('refreshing the package lists: apt-get update');
    await runAptGet(['update']);
    await runAptGet(install);
  } finally {
    allowServices();
  }
}

async function succeeds(args: readonly string[]): Promise<boolean> {
  return (await execa('apt-get', aptArguments(args), { env: APT_ENV, reject: false, stdin: 'ignore' })).exitCode === 0;
}

async function runAptGet(args: readonly string[]): Promise<void> {
  const result = await execa('apt-get', aptArguments(args), {
    env: APT_ENV,
    reject: false,
    stdin: 'ignore',
    all: true,
  });
  if (result.exitCode === 0) return;
  throw new BottleError({
    what: `apt-get ${args.join(' ')} failed`,
    why: result.all.trim().split('\n').slice(-3).join(' | '),
    fix: 'run it by hand as root, mend what it says, and start again',
  });
}

const APT_ENV = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

function aptArguments(args: readonly string[]): string[] {
  return ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=2', '--quiet', ...args];
}

/** dpkg asks this file before it starts a service; one that a killed run left aside is found again below. */
function forbidServices(): void {
  if (existsSync(POLICY) && !existsSync(KEPT_POLICY)) renameSync(POLICY, KEPT_POLICY);
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
}

function allowServices(): void {
  rmSync(POLICY, { force: true });
  if (existsSync(KEPT_POLICY)) renameSync(KEPT_POLICY, POLICY);
}
