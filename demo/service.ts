// The demo's API, in a container of its own, and what it received.
import type Dockerode from 'dockerode';
import { startServiceContainer } from './service-container.ts';

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

export async function startService(
  docker: Dockerode,
  image: string,
  id: string,
  settings: ServiceSettings,
): Promise<DemoService> {
  const received: ReceivedRequest[] = [];
  const container = await startServiceContainer(docker, {
    image,
    name: `bottle-demo-${id}`,
    program: new URL('./service-program.mjs', import.meta.url),
    settings,
    onLine: (line) => received.push(JSON.parse(line) as ReceivedRequest),
  });
  return { ...container, received };
}
