// Runs a Node program as a service in a container of its own, on a network that only the sidecar joins.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import type Dockerode from 'dockerode';

export interface ServiceContainerOptions {
  /** Any image with Node. */
  readonly image: string;
  readonly name: string;
  readonly program: URL;
  /** The program's first line of stdin, as JSON: what it must not have in its environment, arguments or labels. */
  readonly settings: unknown;
  /** Each line of its stdout but the first, which is `{"ready":true}` once it serves. */
  readonly onLine: (line: string) => void;
}

export interface ServiceContainer {
  readonly network: string;
  readonly address: string;
  stop(): Promise<void>;
}

export async function startServiceContainer(
  docker: Dockerode,
  { image, name, program, settings, onLine }: ServiceContainerOptions,
): Promise<ServiceContainer> {
  // What a killed run left: its container ends with it, its network does not.
  await docker.pruneNetworks({ filters: { label: ['bottle.service'], until: ['10m'] } });
  const labels = { 'bottle.role': 'service', 'bottle.service': name };
  const network = await docker.createNetwork({ Name: name, Internal: true, Labels: labels });
  try {
    const container = await docker.createContainer({
      name,
      Image: image,
      Entrypoint: ['node', '--input-type=module', '-e', readFileSync(program, 'utf8')],
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
        Tmpfs: { '/tmp': 'rw,exec,size=64m,mode=1777' },
        SecurityOpt: ['no-new-privileges'],
        Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' },
      },
    });
    const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    const output = new PassThrough();
    docker.modem.demuxStream(stream, output, process.stderr);
    stream.on('end', () => output.end());
    const isReady = new Promise<void>((resolve, reject) => {
      let isFirst = true;
      createInterface({ input: output })
        .on('line', (line) => {
          if (isFirst) resolve();
          else onLine(line);
          isFirst = false;
        })
        .on('close', () => reject(new Error(`${name} ended before it served`)));
    });
    await container.start();
    stream.write(`${JSON.stringify(settings)}\n`);
    await isReady;
    const { NetworkSettings } = await container.inspect();
    return {
      network: name,
      address: NetworkSettings.Networks[name]?.IPAddress ?? '',
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
