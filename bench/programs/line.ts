// What the bench's own programs share: settings in as one line on stdin, the port out on stdout, the end with stdin.
import { flushCompileCache } from 'node:module';
import type { Server } from 'node:net';
import { createInterface } from 'node:readline';

export interface Settings {
  /** PEM of the origin. */
  readonly key: string;
  readonly cert: string;
  readonly originPort: number;
}

export async function readSettings(): Promise<Settings> {
  const lines = createInterface({ input: process.stdin });
  const { value } = await lines[Symbol.asyncIterator]().next();
  lines.on('close', () => process.exit(0));
  // Written by our own runner.
  return JSON.parse(value as string) as Settings;
}

export function announce(server: Server, ca: string): void {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    const { port } = server.address() as { port: number };
    process.stdout.write(`${JSON.stringify({ port, ca })}\n`);
    // They are killed, which would leave no compiled code for the next start.
    flushCompileCache();
  });
}
