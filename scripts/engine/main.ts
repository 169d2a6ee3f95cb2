// npm run engine:start | engine:stop, and the engine step of the set-up: scripts/engine/main.ts start|stop
import { connectEngine, type Engine, locateEngine } from '../../src/engine/connect.ts';
import { BottleError, EXIT } from '../../src/report/bottle-error.ts';
import { DEFAULT_SOCKET, daemonFiles, runningDaemon, startDaemon, stopDaemon } from './daemon.ts';

async function start(): Promise<string> {
  const files = daemonFiles();
  let engine = await connectOrNone();
  if (engine === undefined) {
    await startDaemon(files, answers, (line) => console.error(`    ${line}`));
    engine = await connectEngine();
  }
  const { Version } = await engine.docker.version();
  const own = runningDaemon(files);
  return `Docker ${Version}, ${own === undefined ? engine.url : `ours: pid ${own}, log ${files.log}`}`;
}

/** The engine that is meant; none where nobody listens on the default socket, so that one of our own may be started there. */
async function connectOrNone(): Promise<Engine | undefined> {
  const address = locateEngine();
  try {
    return await connectEngine();
  } catch (error) {
    const code =
      error instanceof BottleError && error.cause instanceof Error && 'code' in error.cause && error.cause.code;
    const isDefault = address.kind === 'unix' && address.path === DEFAULT_SOCKET;
    if (isDefault && (code === 'ENOENT' || code === 'ECONNREFUSED')) return undefined;
    throw error;
  }
}

/** While the engine starts, any failure to reach it means: not yet. */
async function answers(): Promise<boolean> {
  try {
    await connectEngine();
    return true;
  } catch (error) {
    if (error instanceof BottleError) return false;
    throw error;
  }
}

async function stop(): Promise<string> {
  return (await stopDaemon(daemonFiles())) ? 'stopped' : 'no engine of ours runs';
}

const verbs: Record<string, () => Promise<string>> = { start, stop };
try {
  const verb = verbs[process.argv[2] ?? ''];
  if (verb === undefined) throw new BottleError({ what: 'no such verb', why: 'it is start or stop', fix: 'name one' });
  console.log(await verb());
} catch (error) {
  if (!(error instanceof BottleError)) throw error;
  console.error(`bottle: ${error.message}`);
  process.exitCode = EXIT.failed;
}
