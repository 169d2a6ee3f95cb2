// A real listener on every address of this host, open while the self-probe runs: what reaches it has got out.
import { createServer, type Server } from 'node:net';

export interface ProbeListener {
  readonly port: number;
  /** Addresses of those who connected. Anything here is a breach, whatever the probe itself reports. */
  readonly visitors: readonly string[];
  close(): Promise<void>;
}

export async function openProbeListener(): Promise<ProbeListener> {
  const visitors: string[] = [];
  const server = createServer((socket) => {
    visitors.push(socket.remoteAddress ?? 'unknown');
    socket.destroy();
  });
  const port = await listen(server);
  return {
    port,
    visitors,
    // Fine to call twice.
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '0.0.0.0', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(address.port);
      else reject(new Error('the probe listener has no port'));
    });
  });
}
