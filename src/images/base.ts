// The base image: from a registry where one answers, else bootstrapped from the distribution.
import type Docker from 'dockerode';
import { BottleError } from '../report/bottle-error.ts';
import { bootstrapBase, canBootstrap } from './bootstrap.ts';
import { buildImage, followEvents } from './build.ts';
import type { InputFile } from './inputs.ts';

const OFFICIAL = 'node:24-bookworm-slim';
/** A registry that has said nothing after this long counts as not there. */
const ANSWER_WITHIN_MS = 6_000;
/** A download that stands still for this long has failed. */
const STALL_MS = 60_000;

export async function makeBase(
  docker: Docker,
  repoRoot: string,
  base: { readonly tag: string; readonly files: readonly InputFile[] },
  onProgress: (line: string) => void,
): Promise<void> {
  const refusal = (await pullOfficial(docker, onProgress)) ?? (await addPackages(docker, base, onProgress));
  if (refusal === undefined) return;
  onProgress(`${OFFICIAL} is not to be had: ${refusal}`);
  await bootstrapBase(docker, repoRoot, base.tag, onProgress);
}

/** Builds the base on the official image; returns why not, where its package sources cannot be reached, say. */
async function addPackages(
  docker: Docker,
  base: { readonly tag: string; readonly files: readonly InputFile[] },
  onProgress: (line: string) => void,
): Promise<string | undefined> {
  onProgress(`adding packages to ${OFFICIAL}`);
  const build = { tag: base.tag, dockerfile: 'base.Dockerfile', files: base.files, args: proxyArguments() };
  try {
    await buildImage(docker, { ...build, network: 'default' }, () => {});
    return undefined;
  } catch (error) {
    if (error instanceof BottleError && canBootstrap()) return error.why;
    throw error;
  }
}

/** Pulls the official image; returns why not, where that is not to be had. */
async function pullOfficial(docker: Docker, onProgress: (line: string) => void): Promise<string | undefined> {
  const present = await docker.getImage(OFFICIAL).inspect().catch(notFound);
  if (present !== undefined) return undefined;
  onProgress(`asking the engine for ${OFFICIAL}`);
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), ANSWER_WITHIN_MS);
  try {
    const output = await docker.createImage({ fromImage: OFFICIAL, abortSignal: abort.signal });
    let last = '';
    await followEvents(docker, output, OFFICIAL, (line) => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), STALL_MS);
      if (line !== last && /^(Pulling from|Status)/.test(line)) onProgress(line);
      last = line;
    });
    return undefined;
  } catch (error) {
    if (abort.signal.aborted) return 'no answer';
    // The engine's account ends with the cause: "... dial tcp: lookup HOST: no such host".
    return error instanceof Error ? (error.message.trim().split(': ').at(-1) ?? '') : String(error);
  } finally {
    clearTimeout(timer);
  }
}

function notFound(error: unknown): undefined {
  if ((error as { statusCode?: number }).statusCode === 404) return undefined;
  throw error;
}

/** The engine hands these names to a build without keeping them in the image. */
function proxyArguments(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}
