// Makes the base image without any image registry: mmdebstrap from the sources that apt is configured with, plus Node and npm.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { execa } from 'execa';
import { BottleError } from '../report/bottle-error.ts';
import { canInstallPackages, installPackages } from './apt.ts';
import { followEvents } from './build.ts';

const NPM = 'npm@11';
const MMDEBSTRAP = '/usr/bin/mmdebstrap';

/** Imports the base image under `tag`; about half a minute. */
export async function bootstrapBase(
  docker: Docker,
  repoRoot: string,
  tag: string,
  onProgress: (line: string) => void,
): Promise<void> {
  await provideMmdebstrap(onProgress);
  const work = mkdtempSync(join(tmpdir(), 'bottle-base-'));
  try {
    const node = await bringNode(repoRoot);
    const npm = await fetchNpm(work, onProgress);
    const aptOptions = join(work, 'apt.conf');
    writeFileSync(aptOptions, await readAptOptions());
    const sources = await findSourceFiles();
    onProgress(`bootstrapping ${sources.release} with mmdebstrap`);
    const bootstrap = execa('mmdebstrap', mmdebstrapArguments(repoRoot, { node, npm, aptOptions, ...sources }), {
      env: { TMPDIR: work, LC_ALL: 'C' },
      stdin: 'ignore',
      buffer: { stdout: false, stderr: true },
      encoding: 'utf8',
      reject: false,
    });
    forwardLines(bootstrap.stderr, onProgress);
    // Tagged only after mmdebstrap has ended well: half an archive must never become the base.
    const [imported, result] = await Promise.all([importArchive(docker, bootstrap.stdout, tag), bootstrap]);
    if (result.exitCode !== 0) throw mmdebstrapFailure(result.stderr);
    const [repo = '', version = ''] = tag.split(':');
    await docker.getImage(imported).tag({ repo, tag: version });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export function canBootstrap(): boolean {
  return existsSync(MMDEBSTRAP) || canInstallPackages();
}

async function provideMmdebstrap(onProgress: (line: string) => void): Promise<void> {
  if (existsSync(MMDEBSTRAP)) return;
  if (!canInstallPackages()) {
    throw new BottleError({
      what: 'cannot make the base image',
      why: 'no image registry answers the engine, and mmdebstrap is not installed here',
      fix: 'let the engine reach a registry (docker pull node:24-bookworm-slim), or install mmdebstrap, then run npm run setup',
    });
  }
  await installPackages(['mmdebstrap'], onProgress);
}

interface Parts {
  readonly node: string;
  readonly npm: string;
  readonly aptOptions: string;
  readonly release: string;
  readonly files: readonly string[];
}

function mmdebstrapArguments(repoRoot: string, parts: Parts): string[] {
  const packages = readFileSync(join(repoRoot, 'images/packages.txt'), 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
  return [
    '--variant=minbase',
    `--include=${packages.join(',')}`,
    `--aptopt=${parts.aptOptions}`,
    ...['man', 'doc', 'locale', 'info'].map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    `--customize-hook=cp ${parts.node} "$1/usr/local/bin/node"`,
    `--customize-hook=mkdir -p "$1/usr/local/lib/node_modules" && cp -r ${parts.npm} "$1/usr/local/lib/node_modules/npm"`,
    '--customize-hook=ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"',
    '--customize-hook=ln -s ../lib/node_modules/npm/bin/npx-cli.js "$1/usr/local/bin/npx"',
    // The image must not carry this machine's proxies, nor a password out of an address of its sources.
    '--customize-hook=rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"',
    `--customize-hook=find "$1/etc/apt" -name "*.list" -o -name "*.sources" | xargs -r sed -i "s#://[^/@]*@#://#"`,
    '--format=tar',
    parts.release,
    '-',
    ...parts.files,
  ];
}

async function importArchive(docker: Docker, archive: NodeJS.ReadableStream, tag: string): Promise<string> {
  const output = await docker.importImage(archive, { changes: ['LABEL bottle.role=image'] });
  const lines = await followEvents(docker, output, tag, () => {});
  return lines.at(-1) ?? '';
}

function forwardLines(stream: NodeJS.ReadableStream, onProgress: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk: Buffer | string) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, phase] =
        /^I: ((?:running apt|downloading|extracting|installing|creating).*?)(?:\.\.\.)?$/.exec(line) ?? [];
      if (phase !== undefined) onProgress(phase);
    }
  });
}

function mmdebstrapFailure(stderr: string): BottleError {
  const errors = stderr.split('\n').filter((line) => /^(E|W|Err|mmdebstrap):/.test(line));
  return new BottleError({
    what: 'mmdebstrap could not make the base image',
    why: (errors.length > 0 ? errors : stderr.trim().split('\n')).slice(-4).join(' | '),
    fix: 'see that apt-get update works here, then run npm run setup',
  });
}

async function bringNode(repoRoot: string): Promise<string> {
  const { stdout } = await execa(join(repoRoot, 'scripts/setup/bring-node.sh'), { stdin: 'ignore' });
  return stdout.trim();
}

/** The npm package `node` holds the binary alone, so npm is fetched as a package as well. */
async function fetchNpm(work: string, onProgress: (line: string) => void): Promise<string> {
  onProgress(`fetching ${NPM}`);
  const { stdout } = await execa('npm', ['pack', NPM, '--silent', '--ignore-scripts'], { cwd: work, stdin: 'ignore' });
  await execa('tar', ['-xzf', join(work, stdout.trim().split('\n').at(-1) ?? ''), '-C', work]);
  return join(work, 'package');
}

/** The files of apt that name the running release; apt itself reads them, whichever format they have. */
async function findSourceFiles(): Promise<{ release: string; files: string[] }> {
  const system = await readOsRelease();
  const { stdout } = await execa('apt-get', [
    'indextargets',
    '--format',
    '$(ORIGIN)|$(CODENAME)|$(SOURCESENTRY)',
    'Created-By: Packages',
  ]);
  const targets = stdout.split('\n').map((line) => line.split('|'));
  const ofRelease = targets.filter(([, codename]) => codename === system.release);
  // Mirrors inside a company may carry another origin; then every source of this release counts.
  const official = ofRelease.filter(([origin]) => origin?.toLowerCase() === system.id);
  const files = (official.length > 0 ? official : ofRelease).map(([, , entry]) => entry?.replace(/:\d+$/, '') ?? '');
  if (files.length > 0) return { release: system.release, files: [...new Set(files)] };
  throw new BottleError({
    what: 'cannot make the base image',
    why: `apt knows no source for ${system.release}`,
    fix: 'run apt-get update as root and see that its sources work, then run npm run setup',
  });
}

async function readOsRelease(): Promise<{ id: string; release: string }> {
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), release: field('VERSION_CODENAME') };
}

/** What makes apt reach its sources here: proxies, certificates, log-ins. Used while bootstrapping, then removed. */
async function readAptOptions(): Promise<string> {
  const { stdout } = await execa('apt-config', ['dump']);
  const network = stdout
    .split('\n')
    .filter((line) => /^Acquire::(https?|Check-|Retries)/i.test(line) && !line.endsWith(' "";'));
  return [...network, 'Dir::Etc::netrc "/etc/apt/auth.conf";', 'Dir::Etc::netrcparts "/etc/apt/auth.conf.d";', ''].join(
    '\n',
  );
}
