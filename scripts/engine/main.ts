// npm run engine:start | engine:stop, and the engine step of the set-up: scripts/engine/main.ts start|stop
import { BottleError } from '../../src/report/bottle-error.ts';
import { daemonFiles, runningDaemon, startDaemon, stopDaemon } from './daemon.ts';
import { engineVersion, findEngine } from './find.ts';

async function start(): Promise<string> {
  const { docker, isDefault } = findEngine();
  const files = daemonFiles();
  let version = await engineVersion(docker);
  if (version === undefined && !isDefault) {
    throw new BottleError({
      what: 'the Docker engine does not answer',
      why: `nothing listens at DOCKER_HOST=${process.env.DOCKER_HOST}`,
      fix: 'start it, or unset DOCKER_HOST, and run this again',
    });
  }
  if (version === undefined) {
    const answers = async () => (await engineVersion(docker)) !== undefined;
    await startDaemon(files, answers, (line) => console.error(`    ${line}`));
    version = await engineVersion(docker);
  }
  const own = runningDaemon(files);
  return `Docker ${version}${own === undefined ? '' : `, ours: pid ${own}, log ${files.log}`}`;
}

async function stop(): Promise<string> {
  const files = daemonFiles();
  return (await stopDaemon(files)) ? 'stopped' : 'no engine of ours runs';
}

const verbs: Record<string, () => Promise<string>> = { start, stop };
try {
  const verb = verbs[process.argv[2] ?? ''];
  if (verb === undefined) throw new BottleError({ what: 'no such verb', why: 'it is start or stop', fix: 'name one' });
  console.log(await verb());
} catch (error) {
  if (!(error instanceof BottleError)) throw error;
  console.error(`bottle: ${error.message}`);
  process.exitCode = 125;
}
