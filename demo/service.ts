// Runs the demo's API in a container of its own, on a network that only the sidecar joins, and collects what it received.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import type Dockerode from 'dockerode';

export interface ReceivedRequest {
  readonly method: string;
  readonly target: string;
  readonly authorized: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface DemoService {
  readonly network: string;
  readonly address: string;
  /** Every request so far, as the service saw it. */
  readonly received: readonly ReceivedRequest[];
  stop(): Promise<void>;
}

export interface ServiceSettings {
  readonly key: string;
  readonly cert: string;
  readonly token: string;
  readonly user: string;
}

/** `image`: any with Node as its entry point. The program comes as an argument, key and token over stdin. */
export async function startService(
  docker: Dockerode,
  image: string,
  id: string,
  settings: ServiceSettings,
): Promise<DemoService> {
  const name = `bottle-demo-${id}`;
  const labels = { 'bottle.role': 'service', 'bottle.demo': id };
  const network = await docker.createNetwork({ Name: name, Internal: true, Labels: labels });
  try {
    const container = await docker.createContainer({
      name,
      Image: image,
      Entrypoint: [
        'node',
        '--input-type=module',
        '-e',
        readFileSync(new URL('./service-program.mjs', import.meta.url), 'utf8'),
      ],
      Cmd: [],
      User: '1000:1000',
      Labels: labels,
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      HostConfig: {
        NetworkMode: name,
        AutoRemove: true,
        CapDrop: ['ALL'],
        ReadonlyRootfs: true,
        SecurityOpt: ['no-new-privileges'],
        Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' },
      },
    });
    const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    const output = new PassThrough();
    docker.modem.demuxStream(stream, output, process.stderr);
    stream.on('end', () => output.end());
    const received: ReceivedRequest[] = [];
    const isReady = new Promise<void>((resolve, reject) => {
      createInterface({ input: output })
        .on('line', (line) => {
          const said = JSON.parse(line) as ReceivedRequest | { ready: true };
          if ('ready' in said) resolve();
          else received.push(said);
        })
        .on('close', () => reject(new Error("the demo's API ended before it served")));
    });
    await container.start();
    stream.write(`${JSON.stringify(settings)}\n`);
    await isReady;
    const { NetworkSettings } = await container.inspect();
    return {
      network: name,
      address: NetworkSettings.Networks[name]?.IPAddress ?? '',
      received,
      stop: async () => {
        const gone = container.wait({ condition: 'removed' }).catch(ignoreMissing);
        await container.kill().catch(ignoreMissing);
        await gone;
        await network.remove();
      },
    };
  } catch (error) {
    await network.remove();
    throw error;
  }
}

/** A container that is gone already is what a stop wants. */
function ignoreMissing(error: unknown): void {
  const status = (error as { statusCode?: number }).statusCode;
  if (status !== 404 && status !== 409) throw error;
}
