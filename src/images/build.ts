// Builds an image from files in memory through the engine's API; no docker command is needed.
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { BottleError } from '../report/bottle-error.ts';
import { printable } from '../report/printable.ts';
import type { InputFile } from './inputs.ts';

export interface Build {
  readonly tag: string;
  readonly dockerfile: string;
  readonly files: readonly InputFile[];
  readonly args?: Readonly<Record<string, string>>;
  /** Without a network the result depends on the inputs alone. */
  readonly network: 'none' | 'default';
}

export async function buildImage(docker: Docker, build: Build, onProgress: (line: string) => void): Promise<void> {
  const context = pack();
  for (const file of build.files) context.entry({ name: file.path, mode: 0o644, mtime: new Date(0) }, file.bytes);
  context.finalize();
  const output = await docker.buildImage(context as unknown as NodeJS.ReadableStream, {
    t: build.tag,
    dockerfile: build.dockerfile,
    buildargs: { ...build.args },
    labels: { 'bottle.role': 'image' },
    forcerm: true,
    ...(build.network === 'none' ? { networkmode: 'none' } : {}),
  });
  await followEvents(docker, output, build.tag, onProgress);
}

interface EngineEvent {
  readonly stream?: string;
  readonly status?: string;
  readonly error?: string;
}

/** Reads the engine's progress to its end; what it reports as an error is thrown. Returns every status line. */
export async function followEvents(
  docker: Docker,
  output: NodeJS.ReadableStream,
  what: string,
  onProgress: (line: string) => void,
): Promise<string[]> {
  const lines: string[] = [];
  let failure = '';
  await new Promise<void>((resolve, reject) => {
    const onEvent = (event: EngineEvent) => {
      if (event.error !== undefined) failure = printable(event.error);
      const line = printable(event.stream ?? event.status ?? '').trim();
      if (line === '') return;
      lines.push(line);
      onProgress(line);
    };
    docker.modem.followProgress(output, (error) => (error ? reject(error) : resolve()), onEvent);
  }).catch((error: unknown) => {
    failure ||= error instanceof Error ? error.message : String(error);
  });
  if (failure === '') return lines;
  throw new BottleError({
    what: `the engine could not make the image ${what}`,
    why: [...lines.slice(-3), failure].join(' | '),
    fix: 'mend what it says and run npm run setup',
  });
}
