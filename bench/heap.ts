// What is alive on the heap of another Node process: asked through its inspector, after a collection.

interface Started {
  stderr(): string;
}

export interface Heap {
  /** After a full collection. */
  aliveMb(): Promise<number>;
  close(): void;
}

const ANNOUNCED = /Debugger listening on (ws:\S+)/;

/** NODE_OPTIONS of a process that may be asked; the proxy opens no inspector on a signal. */
export const INSPECTED = '--inspect=127.0.0.1:0';

export async function openHeap({ stderr }: Started): Promise<Heap> {
  let url = '';
  while (url === '') {
    await new Promise((resolve) => setTimeout(resolve, 20));
    url = ANNOUNCED.exec(stderr())?.[1] ?? '';
  }
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`the inspector at ${url} does not answer`));
  });
  let calls = 0;
  const ask = (method: string): Promise<{ readonly usedSize?: number }> =>
    new Promise((resolve, reject) => {
      const id = ++calls;
      const onMessage = ({ data }: MessageEvent): void => {
        const answer = JSON.parse(String(data));
        if (answer.id !== id) return;
        socket.removeEventListener('message', onMessage);
        if (answer.error === undefined) resolve(answer.result);
        else reject(new Error(`${method}: ${answer.error.message}`));
      };
      socket.addEventListener('message', onMessage);
      socket.send(JSON.stringify({ id, method }));
    });
  return {
    aliveMb: async () => {
      await ask('HeapProfiler.collectGarbage');
      const { usedSize = 0 } = await ask('Runtime.getHeapUsage');
      return Math.round(usedSize / 104_857.6) / 10;
    },
    close: () => socket.close(),
  };
}

/** What a process says on stderr because it is inspected is no complaint. */
export function withoutInspector(stderr: string): string {
  return stderr.replaceAll(/^(?:Debugger .*|For help, see: .*)\n/gm, '');
}
