import { afterAll, expect, test } from 'vitest';
import { createNetwork, ensureNetwork, removeNetwork, SubnetTaken } from '../../src/engine/networks.ts';
import type { NetworkSpec } from '../../src/plan/plan.ts';
import { openEngine } from './harness/look-at-engine.ts';

const docker = openEngine();
const name = `bottle-test-${process.pid}`;
const labels = { 'bottle.role': 'test' };
const spec: NetworkSpec = {
  Driver: 'bridge',
  Internal: true,
  EnableIPv6: false,
  Options: { 'com.docker.network.bridge.enable_icc': 'false' },
  Labels: labels,
};

afterAll(async () => {
  for (const { Id, Name } of await docker.listNetworks()) {
    if (Name.startsWith(name)) await removeNetwork(docker.getNetwork(Id));
  }
});

/** As the shared network has it. */
const bridged = (bridge: string): NetworkSpec => ({
  ...spec,
  Options: { ...spec.Options, 'com.docker.network.bridge.name': bridge },
});

test('many that want the shared network at the same moment get one', async () => {
  await Promise.all(Array.from({ length: 6 }, () => ensureNetwork(docker, name, bridged(`bt${process.pid}`))));
  const found = (await docker.listNetworks()).filter((network) => network.Name === name);
  expect(found).toHaveLength(1);
});

test('a network of that name that is not as we make it is not used', async () => {
  const open = { ...spec, Options: {} };
  await createNetwork(docker, `${name}-open`, open);
  await expect(ensureNetwork(docker, `${name}-open`, spec)).rejects.toThrow('is not as bottle makes it');
});

test('a subnet that is taken is told apart from other failures', async () => {
  const IPAM = { Config: [{ Subnet: '10.255.254.240/29', Gateway: '10.255.254.241' }] };
  await createNetwork(docker, `${name}-one`, { ...spec, IPAM });
  await expect(createNetwork(docker, `${name}-two`, { ...spec, IPAM })).rejects.toThrow(SubnetTaken);
});

test('a network that is gone already is fine to remove', async () => {
  const network = await createNetwork(docker, `${name}-gone`, spec);
  await removeNetwork(network);
  await expect(removeNetwork(network)).resolves.toBeUndefined();
});
