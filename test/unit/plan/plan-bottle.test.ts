import { expect, test } from 'vitest';
import { planBottle } from '../../../src/plan/plan-bottle.ts';
import { formatPlan } from '../../../src/plan/print-plan.ts';
import { aBottle, someFacts } from './a-bottle.ts';

const internal = { ...aBottle(), agent: { ...aBottle().agent, network: 'internal' as const } };

test('the sealed plan is the one that was reviewed', async () => {
  await expect(formatPlan(planBottle(aBottle(), someFacts()))).toMatchFileSnapshot('sealed.plan.txt');
});

test('the internal plan is the one that was reviewed', async () => {
  await expect(formatPlan(planBottle(internal, someFacts()))).toMatchFileSnapshot('internal.plan.txt');
});

test('a plan names secrets, and marks where their placeholders go', () => {
  const text = formatPlan(planBottle(aBottle(), someFacts()));
  expect(text).toContain('API_TOKEN=<placeholder API_TOKEN>');
  expect(text).toContain('with the values of API_TOKEN, DB_PASSWORD');
});

test('a secret that is only watched for has no placeholder', () => {
  expect(formatPlan(planBottle(aBottle(), someFacts()))).not.toContain('<placeholder DB_PASSWORD>');
});

test('a command of the person replaces that of the spec', () => {
  const plan = planBottle(aBottle(), someFacts({ command: ['bash', '-l'] }));
  expect(agentOf(plan).container.Cmd).toEqual(['bash', '-l']);
});

test('no agent gets more CPUs than the engine has', () => {
  const plan = planBottle(aBottle(), someFacts({ engineCpus: 1 }));
  expect(agentOf(plan).container.HostConfig.NanoCpus).toBe(1e9);
});

test('without a workspace the agent has an empty one of its own', () => {
  const { HostConfig } = agentOf(
    planBottle(aBottle({ workspace: { path: null, mode: 'mount', hide: [] } }), someFacts({ hidden: [] })),
  ).container;
  expect(HostConfig.Tmpfs['/workspace']).toContain('uid=1000,gid=1000');
  expect(HostConfig.Mounts.some(({ Target }) => Target === '/workspace')).toBe(false);
});

test('networks of services are joined by the sidecar alone, before it starts', () => {
  const plan = planBottle(aBottle(), someFacts({ proxyNetworks: ['demo'], proxyHosts: { 'api.example': '10.9.0.2' } }));
  expect(plan.steps.find(({ id }) => id === 'start-proxy')?.after).toContain('connect-proxy-demo');
  const withHosts = plan.steps.filter((step) => step.do === 'create-container' && step.container.HostConfig.ExtraHosts);
  expect(withHosts.map(({ id }) => id)).toEqual(['create-proxy']);
});

function agentOf(plan: ReturnType<typeof planBottle>) {
  const step = plan.steps.find(({ id }) => id === 'create-agent');
  if (step?.do !== 'create-container') throw new Error('no agent');
  return step;
}
