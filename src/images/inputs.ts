// The tags of our images: each is a hash of what the image is made from, so that an unchanged image is never built again.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface ImageTags {
  readonly base: string;
  readonly agent: string;
  readonly proxy: string;
}

export interface InputFile {
  /** Where the file stands in the build context, with `/` between the parts. */
  readonly path: string;
  readonly bytes: Buffer;
}

export interface ImageInputs {
  readonly base: readonly InputFile[];
  readonly agent: readonly InputFile[];
  readonly proxy: readonly InputFile[];
}

/** Names every image after its inputs and those of the image below it. */
export function tagImages(inputs: ImageInputs): ImageTags {
  const base = `bottle-base:${hashFiles(inputs.base)}`;
  return {
    base,
    agent: `bottle-agent:${hashFiles(inputs.agent, base)}`,
    proxy: `bottle-proxy:${hashFiles(inputs.proxy, base)}`,
  };
}

/** 12 hex digits over the paths and contents, whatever the order of the files. */
export function hashFiles(files: readonly InputFile[], below = ''): string {
  const hash = createHash('sha256').update(`${below}\n`);
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${file.path}\n${file.bytes.length}\n`).update(file.bytes);
  }
  return hash.digest('hex').slice(0, 12);
}

export function imageTags(repoRoot: string): ImageTags {
  return tagImages(readImageInputs(repoRoot));
}

/** Reads the build context of every image; a few milliseconds. */
export function readImageInputs(repoRoot: string): ImageInputs {
  const images = join(repoRoot, 'images');
  const proxy = join(repoRoot, 'proxy');
  return {
    base: [
      readInput(join(images, 'base.Dockerfile'), 'base.Dockerfile'),
      readInput(join(images, 'packages.txt'), 'packages.txt'),
      readInput(join(repoRoot, '.nvmrc'), 'node-version'),
    ],
    agent: [
      readInput(join(images, 'agent.Dockerfile'), 'agent.Dockerfile'),
      ...readFolder(join(images, 'agent'), 'agent'),
    ],
    proxy: [
      readInput(join(images, 'proxy.Dockerfile'), 'proxy.Dockerfile'),
      ...readFolder(join(images, 'proxy'), 'proxy'),
      readInput(join(proxy, 'package.json'), 'opt/package.json'),
      ...readFolder(join(proxy, 'src'), 'opt/src'),
      // A published version never changes: its manifest stands for its code.
      ...proxyPackages(repoRoot).map((name) =>
        readInput(join(repoRoot, 'node_modules', name, 'package.json'), `packages/${name}`),
      ),
    ],
  };
}

/** The code of the packages that the proxy needs at run time: no types, docs or builds for browsers. */
export function readProxyPackages(repoRoot: string): InputFile[] {
  const wanted = (path: string) =>
    /(^|\/)(package\.json|LICENSE|[^/]+\.[cm]?js)$/.test(path) && !path.includes('/dist/');
  return proxyPackages(repoRoot).flatMap((name) =>
    readFolder(join(repoRoot, 'node_modules', name), `opt/node_modules/${name}`, wanted),
  );
}

/** Names of the packages that the proxy needs at run time, with what they need in turn. */
function proxyPackages(repoRoot: string): string[] {
  const seen = new Set<string>();
  const open = Object.keys(readDependencies(join(repoRoot, 'proxy')));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    open.push(...Object.keys(readDependencies(join(repoRoot, 'node_modules', name))));
  }
  return [...seen].sort();
}

function readDependencies(folder: string): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  return manifest.dependencies ?? {};
}

function readFolder(folder: string, as: string, wanted: (path: string) => boolean = () => true): InputFile[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(wanted)
    .map((path) => readInput(path, `${as}/${relative(folder, path).replaceAll('\\', '/')}`));
}

function readInput(path: string, as: string): InputFile {
  return { path: as, bytes: readFileSync(path) };
}
