// Compiles what takes part once, as the image does with the proxy: then no start has to strip types and to compile.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';

/** Run as a program, it fills the cache that NODE_COMPILE_CACHE names. */
if (process.argv[1] === import.meta.filename) {
  const source = join(import.meta.dirname, '../proxy/src');
  // Threads of their own, and the process's own file, cannot be imported here.
  const paths = globSync(`${source}/**/*.ts`).filter((path) => !/\/(?:main|worker)\.ts$/.test(path));
  for (const path of paths) await import(path);
  module.flushCompileCache();
}

export function compileProxy(env: NodeJS.ProcessEnv): void {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
  const { status, stderr } = run(import.meta.filename);
  if (status !== 0) throw new Error(`the proxy's source does not load: ${stderr}`);
  // Names its verbs and ends; compiled all the same.
  run(join(import.meta.dirname, '../proxy/src/main.ts'));
}
