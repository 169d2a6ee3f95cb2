// The proxy process: `main.ts serve | decide | scan | index | relay | probe` (see contract.ts). The only place that ends it.
import type { DecideRequest, IndexRequest } from './contract.ts';
import { ProxyFailure } from './failure.ts';

const FAILED = 125;
const NOT_OK = 1;

// A signal would open Node's inspector, and with it the memory that holds the secrets.
process.on('SIGUSR1', () => {});
process.report.reportOnFatalError = false;
process.report.reportOnUncaughtException = false;
process.report.reportOnSignal = false;
process.on('uncaughtException', (error) => {
  reportBug(error);
  process.exit(FAILED);
});
process.on('unhandledRejection', (error) => {
  reportBug(error);
  process.exit(FAILED);
});

const verb = process.argv[2] ?? '';
try {
  process.exitCode = await run(verb);
} catch (error) {
  fail(error);
}
// Nothing that is left over (a socket that lingers) keeps the process.
process.exit();

async function run(verb: string): Promise<number> {
  switch (verb) {
    case 'serve': {
      const { holdYoungHeap } = await import('./young-heap.ts');
      holdYoungHeap();
      const { serve } = await import('./serve.ts');
      await serve({ input: process.stdin, emit, reportBug, stopped: signalled() });
      return 0;
    }
    case 'decide': {
      const [{ decide }, { readLines }] = await Promise.all([import('./pipeline/decide.ts'), import('./lines.ts')]);
      for await (const line of readLines(process.stdin)) {
        // The CLI writes this line from the same contract.
        emit(decide(JSON.parse(line) as DecideRequest));
        return 0;
      }
      return FAILED;
    }
    case 'index': {
      const [{ indexTree }, { readLines }] = await Promise.all([import('./scan/index-tree.ts'), import('./lines.ts')]);
      for await (const line of readLines(process.stdin)) {
        emit(await indexTree(JSON.parse(line) as IndexRequest));
        return 0;
      }
      return FAILED;
    }
    case 'scan': {
      const { scan } = await import('./scan/scan.ts');
      await scan(process.stdin, emit);
      return 0;
    }
    case 'relay': {
      const { startRelay } = await import('./relay/relay.ts');
      const relay = await startRelay(process.env, emit);
      await relay.ended;
      return 0;
    }
    case 'probe': {
      const { readProbeTargets, runProbe } = await import('./probe/probe.ts');
      const report = await runProbe(readProbeTargets(process.env));
      emit(report);
      return report.ok ? 0 : NOT_OK;
    }
    default:
      throw new ProxyFailure({
        what: 'cannot start the proxy',
        why: `${JSON.stringify(verb)} is not one of its verbs`,
        fix: 'use serve, decide, scan, index, relay or probe',
      });
  }
}

/** As the container's first process we would not even hear these without a handler. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}

function emit(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function fail(error: unknown): never {
  if (error instanceof ProxyFailure) {
    const { what, why, fix } = error;
    emit({ event: 'fatal', what, why, fix });
  } else {
    reportBug(error);
    const why = 'an error in the proxy itself';
    emit({ event: 'fatal', what: 'the proxy failed', why, fix: 'look at its standard error' });
  }
  process.exit(FAILED);
}

/** Where it happened, never what was being handled: an error's message may quote a request. */
function reportBug(error: unknown): void {
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  const name = error instanceof Error ? error.name : typeof error;
  const code = error instanceof Error && 'code' in error ? ` ${String(error.code)}` : '';
  process.stderr.write(`bottle proxy: unexpected ${name}${code}\n${frames.join('\n')}\n`);
}
