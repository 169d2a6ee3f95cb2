// Sees to it that the engine has the images of this source tree: two looks when it has, else the builds that are missing.
import type Docker from 'dockerode';
import { type ImageTags, readImageInputs, readProxyPackages, tagImages } from './inputs.ts';
import { pruneImages } from './prune.ts';

export interface EnsureOptions {
  readonly repoRoot: string;
  onProgress(line: string): void;
}

/** The tags to run; what was missing has been built. */
export async function ensureImages(
  docker: Docker,
  options: EnsureOptions,
): Promise<Pick<ImageTags, 'agent' | 'proxy'>> {
  const { repoRoot, onProgress } = options;
  const inputs = readImageInputs(repoRoot);
  const tags = tagImages(inputs);
  const [hasAgent, hasProxy] = await Promise.all([hasImage(docker, tags.agent), hasImage(docker, tags.proxy)]);
  if (hasAgent && hasProxy) return tags;

  // What builds is loaded only when something is to be built: it would take longer than the two looks.
  const { buildImage } = await import('./build.ts');
  if (!(await hasImage(docker, tags.base))) {
    const { makeBase } = await import('./base.ts');
    onProgress(`making ${tags.base}`);
    await makeBase(docker, repoRoot, { tag: tags.base, files: inputs.base }, onProgress);
  }
  const missing = [
    { tag: tags.agent, has: hasAgent, dockerfile: 'agent.Dockerfile', files: inputs.agent },
    {
      tag: tags.proxy,
      has: hasProxy,
      dockerfile: 'proxy.Dockerfile',
      files: [...inputs.proxy, ...readProxyPackages(repoRoot)],
    },
  ].filter((image) => !image.has);
  for (const image of missing) {
    onProgress(`building ${image.tag}`);
    await buildImage(docker, { ...image, args: { BASE: tags.base }, network: 'none' }, () => {});
  }
  await pruneImages(docker);
  return tags;
}

async function hasImage(docker: Docker, tag: string): Promise<boolean> {
  try {
    await docker.getImage(tag).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}
