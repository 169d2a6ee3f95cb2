// Asks the proxy's own decision function, in a process of its own, without a network.
import type { DecideRequest, Decision } from '../../proxy/src/contract.ts';
import { BottleError } from '../report/bottle-error.ts';
import { printable } from '../report/printable.ts';
import { readOutput } from './output-lines.ts';
import { spawnProxy } from './spawn-proxy.ts';

const DECIDE_TIMEOUT_MS = 30_000;

export async function askDecision(request: DecideRequest): Promise<Decision> {
  const child = spawnProxy('decide');
  const output = readOutput(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), DECIDE_TIMEOUT_MS);
  child.stdin.end(`${JSON.stringify(request)}\n`);
  try {
    const line = await output.firstLine();
    if (line !== null) return parseDecision(line);
    const { code, signal } = await output.closed;
    const last = output.stderrTail().trim().split('\n').at(-1) ?? '';
    throw undecided(printable(last) || `it ended with ${signal ?? `exit code ${code}`} and gave no answer`);
  } finally {
    clearTimeout(timer);
    child.kill();
  }
}

function parseDecision(line: string): Decision {
  const value: unknown = JSON.parse(line);
  if (typeof value === 'object' && value !== null) {
    if ('verdict' in value) return value as Decision; // the other side of the contract, same repository
    if ('event' in value && value.event === 'fatal') {
      const { what, why, fix } = value as unknown as { what: string; why: string; fix: string }; // ProxyEvent 'fatal'
      throw new BottleError({ what, why, fix });
    }
  }
  throw undecided(`it said ${JSON.stringify(printable(line).slice(0, 200))}`);
}

function undecided(why: string): BottleError {
  return new BottleError({ what: 'the proxy did not decide', why, fix: 'set BOTTLE_DEBUG=1 and report it' });
}
