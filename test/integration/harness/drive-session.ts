// Starts one session with options that no spec has; argv: a DrivenSession as JSON.
import { startSession } from '../../../src/session/start-session.ts';
import { Timings } from '../../../src/session/timings.ts';
import { loadSpec } from '../../../src/spec/load.ts';
import type { DrivenSession } from './run-bottle.ts';

const { spec, command, ...rest } = JSON.parse(process.argv[2] ?? '') as DrivenSession; // from our own harness
// A bug of ours, when a test wants one: nothing awaits what throws here.
process.on('SIGUSR2', () => {
  throw new Error('a bug');
});
try {
  const { exitCode } = await startSession({ bottle: loadSpec(spec), command, ...rest }, process, new Timings());
  process.exit(exitCode);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(125);
}
