// Starts the proxy's program as a process of its own: nothing secret in its arguments or environment, its stdin as lifeline.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../proxy/src/main.ts', import.meta.url));

/**
 * The child is in a session of its own: Ctrl-C reaches us alone, and we end it in order. When we are killed, its stdin ends
 * and it stops by itself. Its environment is empty: a proxy that read variables would not be the one of the sidecar.
 */
export function spawnProxy(mode: 'serve' | 'decide'): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, mode], {
    env: {},
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A child that died before it read everything is told of by its exit, not by this pipe.
  child.stdin.on('error', () => {});
  return child;
}
