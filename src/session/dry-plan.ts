// The plan that a start would make, without touching the engine or taking a secret: what only a start knows is a word in <>.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { formatEngine } from '../engine/address.ts';
import { locateEngine } from '../engine/connect.ts';
import { readImageInputs, tagImages } from '../images/inputs.ts';
import type { Facts } from '../plan/facts.ts';
import type { Plan } from '../plan/plan.ts';
import { planBottle } from '../plan/plan-bottle.ts';
import type { Bottle } from '../spec/bottle.ts';
import { sessionPaths, stateDir } from '../state/paths.ts';
import { forbiddenMounts, probeTargets, proxyHosts, readWorkspace } from './gather-facts.ts';
import { readHostAddresses } from './host-addresses.ts';
import { REPOSITORY } from './prepare-session.ts';

export interface DryOptions {
  readonly bottle: Bottle;
  readonly command: readonly string[] | null;
  readonly host?: string | undefined;
}

/** A /29 as a start would take one; which it is turns out then. */
const EXAMPLE_SUBNET: Facts['subnet'] = {
  cidr: '10.192.0.0/29',
  gateway: '10.192.0.1',
  proxy: '10.192.0.2',
  agent: '10.192.0.3',
  probe: '10.192.0.4',
};

/** As images/agent.Dockerfile has it. */
const OWN_IMAGE_START: Facts['imageStart'] = { entrypoint: [], command: ['bash'] };

export function planWithoutEngine({ bottle, command, host }: DryOptions): Plan {
  const stateDirectory = stateDir();
  const mounts = forbiddenMounts(formatEngine(locateEngine({ host })), stateDirectory);
  const workspace = readWorkspace(bottle, stateDirectory, mounts, undefined);
  const tags = tagImages(readImageInputs(REPOSITORY));
  const session = `${bottle.name}-<id>`;
  const { dir, logDir } = sessionPaths(stateDirectory, session);
  return planBottle(
    { ...bottle, workspace: { ...bottle.workspace, path: workspace.path } },
    {
      session,
      owner: '<this process>',
      images: { agent: bottle.agent.image ?? tags.agent, proxy: tags.proxy },
      imageStart:
        bottle.agent.image === null
          ? OWN_IMAGE_START
          : { entrypoint: ['<entrypoint of the image>'], command: ['<its command>'] },
      user: workspace.user,
      command,
      terminal: { tty: process.stdin.isTTY === true && process.stdout.isTTY === true, env: {}, size: null },
      files: {
        logDirectory: logDir,
        passwd: join(dir, 'passwd'),
        group: join(dir, 'group'),
        canaries: join(dir, 'canaries'),
        empty: join(dir, 'empty'),
        trustDirectory: join(dir, 'trust'),
      },
      hidden: workspace.hidden,
      engineCpus: availableParallelism(),
      forbiddenMounts: mounts,
      subnet: EXAMPLE_SUBNET,
      probe: probeTargets(readHostAddresses(), '<port>', bottle.agent.network === 'internal' ? EXAMPLE_SUBNET : null),
      proxyHosts: proxyHosts(bottle),
      proxyNetworks: [],
    },
  );
}
