// Takes in every TCP connection to the captured ports, whatever its address, and passes it on with its original destination.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { RelayHello } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';
import { type Captures, tcpKey } from '../probe/captures.ts';
import { join } from './join.ts';
import type { Sidecar } from './sidecar.ts';

export interface Capture {
  /** From here on connections are passed on; before, they are our own probe's. */
  passOn(sidecar: Sidecar): void;
  close(): void;
}

const DNS_PORT = 53;

export async function captureTcp(ports: readonly number[], captures: Captures): Promise<Capture> {
  let sidecar: Sidecar | null = null;
  const open = new Set<Socket>();
  const servers: Server[] = [];

  const accept = (client: Socket): void => {
    const { localAddress: address, localPort: port, remotePort } = client;
    if (sidecar === null || address === undefined || port === undefined) {
      captures.add(tcpKey(remotePort, address, port));
      client.destroy();
      return;
    }
    const hello: RelayHello = port === DNS_PORT ? { kind: 'dns' } : { kind: 'tcp', address, port };
    open.add(client);
    client.on('close', () => open.delete(client));
    join(client, sidecar.open(hello));
  };

  for (const port of [...ports, DNS_PORT]) {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
    servers.push(server);
    server.listen(port, '0.0.0.0');
    try {
      await once(server, 'listening');
    } catch (error) {
      throw portTaken(port, error as Error);
    }
  }
  return {
    passOn: (to) => {
      sidecar = to;
    },
    close: () => {
      for (const server of servers) server.close();
      for (const client of open) client.resetAndDestroy();
    },
  };
}

export function portTaken(port: number, cause: Error): ProxyFailure {
  return new ProxyFailure({
    what: `the relay cannot listen on port ${port}`,
    why: cause.message,
    fix: 'start it in a fresh namespace with the sysctl net.ipv4.ip_unprivileged_port_start=0, as Docker gives',
    cause,
  });
}
