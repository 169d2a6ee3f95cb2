import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { imageTags } from '../../src/images/inputs.ts';
import { ownerOf } from '../../src/session/owner.ts';
import { leftOf, openEngine } from './harness/look-at-engine.ts';
import { Bench, REPOSITORY } from './harness/run-bottle.ts';

const bench = new Bench();
const docker = openEngine();
const made: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const undo of made.reverse()) await undo().catch(() => undefined); // most of it was reaped
  bench.remove();
});

/** A container, a network and a volume, as a session leaves them when its process dies at the worst moment. */
async function leftover(name: string, owner: string): Promise<void> {
  const labels = (role: string) => ({
    'bottle.id': `${name}-${randomBytes(3).toString('hex')}`,
    'bottle.name': name,
    'bottle.owner': owner,
    'bottle.role': role,
  });
  const network = await docker.createNetwork({ Name: name, Internal: true, Labels: labels('network') });
  made.push(() => network.remove());
  await docker.createVolume({ Name: name, Labels: labels('socket') });
  made.push(() => docker.getVolume(name).remove());
  const container = await docker.createContainer({
    name,
    Image: imageTags(REPOSITORY).agent,
    Cmd: ['sleep', '600'],
    Labels: labels('agent'),
    HostConfig: { NetworkMode: name, Mounts: [{ Type: 'volume', Source: name, Target: '/x' }] },
  });
  made.push(() => container.remove({ force: true }));
  await container.start();
}

const [boot, namespace] = ownerOf(process.pid).split('/');

test('what belongs to a dead process is removed; the living and the unseen are left alone', async () => {
  await bench.run(['start', bench.spec(''), '--', 'true']); // the images are there from now on
  const [dead, earlier, living, unseen] = [bench.newName(), bench.newName(), bench.newName(), bench.newName()];
  await leftover(dead, `${boot}/${namespace}/${process.pid}/1`);
  await leftover(earlier, `another-boot/${namespace}/1/1`);
  await leftover(living, ownerOf(process.pid));
  await leftover(unseen, `${boot}/1/1/1`);

  const { code, stdout, stderr } = await bench.run(['reap']);
  expect(code).toBe(0);
  expect(await leftOf(docker, dead)).toEqual([]);
  expect(await leftOf(docker, earlier)).toEqual([]);
  expect(await leftOf(docker, living)).toHaveLength(3);
  expect(await leftOf(docker, unseen)).toHaveLength(3);
  for (const kind of ['container', 'network', 'volume']) expect(stdout).toContain(`removed ${kind} ${dead}`);
  expect(stdout).not.toContain(living);
  expect(stderr).toContain(unseen);
});

test('a start clears up after others too', async () => {
  const dead = bench.newName();
  await leftover(dead, `${boot}/${namespace}/${process.pid}/1`);
  const { code, stderr } = await bench.run(['start', bench.spec(''), '--', 'true']);
  expect(code).toBe(0);
  expect(stderr).not.toContain(dead);
  expect(await leftOf(docker, dead)).toEqual([]);
});
