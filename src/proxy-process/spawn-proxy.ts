// Starts the proxy's program as a process of its own: nothing secret in its arguments or environment, its stdin as lifeline.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../proxy/src/main.ts', import.meta.url));

/**
 * The child is in a session of its own: Ctrl-C reaches us alone, and we end it in order. When we are killed, its stdin ends
 * and it stops by itself. Its environment is empty but for the place of compiled code, which halves its start: a proxy that
 * read variables would not be the one of the sidecar.
 */
export function spawnProxy(mode: 'serve' | 'decide' | 'scan' | 'index'): ChildProcessWithoutNullStreams {
  const compiled = getCompileCacheDir();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--disable-sigusr1', MAIN, mode], {
    env: compiled === undefined ? {} : { NODE_COMPILE_CACHE: dirname(compiled) },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A child that died before it read everything is told of by its exit, not by this pipe.
  child.stdin.on('error', () => {});
  return child;
}
