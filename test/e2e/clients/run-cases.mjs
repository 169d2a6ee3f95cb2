// Runs inside the agent: each case of stdin in a shell of its own, in a directory of its own; one JSON line a case on stdout.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';

const PROXY_VARIABLES = /^(https?_proxy|no_proxy|all_proxy|node_use_env_proxy)$/i;
const cases = JSON.parse(await text(process.stdin));
const withoutProxy = Object.fromEntries(Object.entries(process.env).filter(([name]) => !PROXY_VARIABLES.test(name)));

for (const { name, way, script } of cases) {
  const cwd = mkdtempSync('/tmp/case-');
  const env = { ...(way === 'variables' ? process.env : withoutProxy), npm_config_cache: `${cwd}/npm-cache` };
  const began = performance.now();
  const child = spawn('bash', ['-c', `set -o pipefail; ${script}`], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  // With all that the shell started: they hold its output open. 200 MB take long on a loaded machine.
  const limit = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), 90_000);
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ]);
  clearTimeout(limit);
  const ms = Math.round(performance.now() - began);
  process.stdout.write(`${JSON.stringify({ name, way, code, stdout, stderr, ms })}\n`);
  rmSync(cwd, { recursive: true, force: true });
}
