// What an image starts by itself: needed where something runs before it.
import type Docker from 'dockerode';
import type { ImageStart } from '../plan/facts.ts';
import { engineFailure, engineStatus } from './engine-error.ts';

export async function readImageStart(docker: Docker, image: string): Promise<ImageStart> {
  try {
    const { Config } = await docker.getImage(image).inspect();
    return { entrypoint: listOf(Config.Entrypoint), command: listOf(Config.Cmd) };
  } catch (error) {
    // Whoever makes the container says what is to be done.
    if (engineStatus(error) === 404) return { entrypoint: [], command: [] };
    throw engineFailure(`the engine does not show the image ${image}`, error);
  }
}

/** Older engines give one text, or null. */
function listOf(given: unknown): readonly string[] {
  if (typeof given === 'string') return [given];
  return Array.isArray(given) ? given.map(String) : [];
}
