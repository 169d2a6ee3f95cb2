// The agent's network namespace (sealed): every IPv4 address becomes local, then root is given up for good.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { ProxyFailure } from '../failure.ts';
import { judgeInterfaces, judgeRoutes } from '../probe/judge.ts';
import { findBusybox, readCapabilities, readInterfaces, readRoutes } from '../probe/system.ts';

/** Owned by the loopback interface; what our DNS answers in a sealed namespace. */
export const RELAY_ADDRESS = '198.18.0.1';
/** User and group of the relay after start-up. */
export const RELAY_ID = 1337;

// The address besides 127.0.0.1 keeps getaddrinfo with AI_ADDRCONFIG answering IPv4.
const COMMANDS = [
  'ip link set lo up',
  `ip addr add ${RELAY_ADDRESS}/15 dev lo`,
  // busybox needs the table named, without it the route goes elsewhere.
  'ip route add local 0.0.0.0/0 dev lo table local',
];

/** AnyIP on loopback: a connection to any IPv4 address ends here. */
export function captureEveryAddress(): void {
  // In a namespace with a way out, like a host's own, these commands would take its network away.
  for (const verdict of [judgeInterfaces('sealed', readInterfaces()), judgeRoutes('sealed', readRoutes())]) {
    if (!verdict.ok) {
      throw new ProxyFailure({
        what: 'the relay does not start here',
        why: `its network namespace is not empty: ${verdict.detail}`,
        fix: 'start it in a namespace that has nothing but lo (NetworkMode none)',
      });
    }
  }
  const busybox = findBusybox();
  if (busybox === null) throw setUpFailed('there is no busybox', 'install busybox, or use our proxy image');
  // One process for the three: $0 is busybox, so that nothing depends on PATH.
  const script = COMMANDS.map((command) => `"$0" ${command}`).join(' && ');
  const { status, stderr, error } = spawnSync(busybox, ['sh', '-c', script, busybox], {
    encoding: 'utf8',
    timeout: 5_000,
  });
  if (status !== 0) {
    const why = error?.message ?? stderr.trim().replace(/\s+/g, ' ');
    throw setUpFailed(why, 'start the relay as root with the capability NET_ADMIN');
  }
}

/** To a user that nobody else is, without any capability, in every thread; checked afterwards. */
export function dropRoot(): void {
  const { setgroups, setgid, setuid } = process;
  if (setgroups === undefined || setgid === undefined || setuid === undefined) {
    throw new TypeError('the relay runs on Linux alone');
  }
  try {
    setgroups.call(process, []);
    setgid.call(process, RELAY_ID);
    setuid.call(process, RELAY_ID);
  } catch (error) {
    throw new ProxyFailure({
      what: 'the relay cannot give up root',
      why: (error as Error).message,
      fix: 'start it as root with the capabilities SETUID and SETGID',
      cause: error,
    });
  }
  for (const task of readdirSync('/proc/self/task')) {
    const { effective, permitted } = readCapabilities(`/proc/self/task/${task}`);
    if (effective === 0n && permitted === 0n) continue;
    throw new ProxyFailure({
      what: 'the relay could not give up root',
      why: `thread ${task} still holds capabilities (${permitted.toString(16)})`,
      fix: 'this is a bug of bottle: please report it',
    });
  }
}

function setUpFailed(why: string, fix: string): ProxyFailure {
  return new ProxyFailure({ what: "the agent's network namespace cannot be set up", why, fix });
}
