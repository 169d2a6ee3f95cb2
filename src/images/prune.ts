// Removes images of ours that newer ones have replaced.
import type Docker from 'dockerode';

const KEPT_OF_EACH = 2;
/** Younger ones may be about to be run by somebody else. */
const KEPT_FOR_S = 3600;
/** For all of them: an engine may take minutes over one, and somebody waits for a session behind us. */
const PRUNE_TIMEOUT_MS = 3_000;

export interface OwnImage {
  readonly tag: string;
  /** Seconds since 1970. */
  readonly created: number;
}

/** The tags to remove: of each name the newest two stay, and all that are younger than an hour. */
export function chooseStale(images: readonly OwnImage[], nowS: number): string[] {
  const names = new Set(images.map((image) => image.tag.split(':')[0]));
  return [...names].flatMap((name) =>
    images
      .filter((image) => image.tag.startsWith(`${name}:`))
      .sort((a, b) => b.created - a.created)
      .slice(KEPT_OF_EACH)
      .filter((image) => nowS - image.created > KEPT_FOR_S)
      .map((image) => image.tag),
  );
}

/** What is not removed in time is left to the next time. */
export async function pruneImages(docker: Docker): Promise<void> {
  const abortSignal = AbortSignal.timeout(PRUNE_TIMEOUT_MS);
  const listed = await docker.listImages({ filters: { label: ['bottle.role=image'] } });
  const own = listed.flatMap((image) =>
    (image.RepoTags ?? [])
      .filter((tag) => /^bottle-(base|agent|proxy):/.test(tag))
      .map((tag) => ({ tag, created: image.Created })),
  );
  for (const tag of chooseStale(own, Date.now() / 1000)) {
    try {
      await docker.getImage(tag).remove({ abortSignal });
    } catch (error) {
      if (abortSignal.aborted) return;
      // 404: somebody else removed it; 409: a container runs from it. Both are fine, it was only to save disk space.
      if (![404, 409].includes((error as { statusCode?: number }).statusCode ?? 0)) throw error;
    }
  }
}
