// Runs the proxy's search as our child and hands its events over, one at a time.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ScanEvent, ScanRequest } from '../../proxy/src/contract.ts';
import { spawnProxy } from '../proxy-process/spawn-proxy.ts';
import { BottleError } from '../report/bottle-error.ts';
import { printable } from '../report/printable.ts';

/** `input` is the content of the target `-`. Ends the child when the caller stops listening. */
export async function* askScan(request: ScanRequest, input: Readable | null): AsyncGenerator<ScanEvent, void, void> {
  const child = spawnProxy('scan');
  let last = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    last = (last + text).slice(-2000);
  });
  child.stdin.write(`${JSON.stringify(request)}\n`);
  // A child that ends before it has read everything says so on stdout.
  if (input === null) child.stdin.end();
  else pipeline(input, child.stdin).catch(() => {});
  let isDone = false;
  try {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
      const event = JSON.parse(line) as ScanEvent; // the other side of the contract, same repository
      if (event.event === 'fatal')
        throw new BottleError({ what: event.what, why: event.why, fix: event.fix, exitCode: 2 });
      isDone ||= event.event === 'done';
      yield event;
    }
  } finally {
    child.kill();
  }
  if (isDone) return;
  throw new BottleError({
    what: 'the scan ended early',
    why: printable(last.trim().split('\n').at(-1) || 'its process went away'),
    fix: 'set BOTTLE_DEBUG=1 and report it',
  });
}
