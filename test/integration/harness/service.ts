// A server of a few lines in a container of this engine, on a network of its own, that keeps what arrived.
import type Docker from 'dockerode';
import { imageTags } from '../../../src/images/inputs.ts';
import { until } from './look-at-engine.ts';
import { REPOSITORY } from './run-bottle.ts';

export interface Service<Kept> {
  readonly network: string;
  /** Address in that network. */
  readonly address: string;
  /** What the server has given to `keep`, in its order. */
  kept(): Promise<readonly Kept[]>;
  /** Sends its program a signal. */
  signal(name: NodeJS.Signals): Promise<void>;
  /** Its container is gone; its network stays, where others may still be. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

/** What every server has: `keep` for what arrived, `up` for when it listens. */
const HEAD = `
const { appendFileSync, writeFileSync } = require('node:fs');
const keep = (what) => appendFileSync('/tmp/kept', JSON.stringify(what) + '\\n');
const up = () => writeFileSync('/tmp/kept', '');
`;

interface Options {
  readonly env: Readonly<Record<string, string>>;
  /** Networks besides its own. */
  readonly networks?: readonly string[];
  /** Names that it finds there. */
  readonly hosts?: Readonly<Record<string, string>>;
}

/** `program`: CommonJS for Node. */
export async function startService<Kept>(
  docker: Docker,
  title: string,
  program: string,
  { env, networks = [], hosts = {} }: Options,
): Promise<Service<Kept>> {
  const name = `bottle-test-${title}-${process.pid}-${Date.now()}`;
  const labels = { 'bottle.role': 'service' };
  const network = await docker.createNetwork({ Name: name, Internal: true, Labels: labels });
  const container = await docker.createContainer({
    name,
    Image: imageTags(REPOSITORY).agent,
    Entrypoint: ['node', '-e', HEAD + program],
    User: '0:0',
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    Labels: labels,
    HostConfig: {
      NetworkMode: name,
      AutoRemove: true,
      ExtraHosts: Object.entries(hosts).map(([host, address]) => `${host}:${address}`),
    },
  });
  for (const other of networks) await docker.getNetwork(other).connect({ Container: container.id });
  await container.start();
  const read = async () => {
    const exec = await container.exec({ Cmd: ['cat', '/tmp/kept'], AttachStdout: true, Tty: true });
    const chunks: Buffer[] = [];
    for await (const chunk of await exec.start({ Tty: true })) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  };
  await until(`the ${title} listens`, async () => !(await read()).includes('No such file'));
  let isStopped = false;
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    await container.remove({ force: true });
  };
  return {
    network: name,
    address: (await container.inspect()).NetworkSettings.Networks[name]?.IPAddress ?? '',
    kept: async () =>
      (await read())
        .split('\r\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Kept),
    signal: async (signal) => {
      await container.kill({ signal });
    },
    stop,
    remove: async () => {
      await stop();
      await network.remove();
    },
  };
}
