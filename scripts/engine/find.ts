// Which engine the set-up speaks to, and whether it answers.
import Docker from 'dockerode';

export interface Engine {
  readonly docker: Docker;
  /** Nobody has named an engine: one of our own may be started. */
  readonly isDefault: boolean;
}

export function findEngine(): Engine {
  return { docker: new Docker(), isDefault: !process.env.DOCKER_HOST };
}

/** The version of an engine that answers. */
export async function engineVersion(docker: Docker): Promise<string | undefined> {
  try {
    return (await docker.version()).Version;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    throw error;
  }
}
