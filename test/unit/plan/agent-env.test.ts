import { expect, test } from 'vitest';
import { agentEnv } from '../../../src/plan/agent-env.ts';
import type { AllowEntry, Bottle } from '../../../src/spec/bottle.ts';
import { isReservedEnv } from '../../../src/spec/reserved-env.ts';
import { aBottle, anEntry } from './a-bottle.ts';

const facts = { proxyHost: '127.0.0.1', proxyPort: 3128, terminalEnv: {} };
const envOf = (bottle: Bottle) =>
  new Map(
    agentEnv(bottle, facts).map((line): [string, string] => [
      line.slice(0, line.indexOf('=')),
      line.slice(line.indexOf('=') + 1),
    ]),
  );

test('proxy variables are there in both cases: some clients read only one', () => {
  const env = envOf(aBottle());
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy']) {
    expect(env.get(name)).toBe('http://127.0.0.1:3128');
  }
});

test('variables of the spec come with the others, and never instead of ours', () => {
  const bottle = aBottle();
  const env = envOf({
    ...bottle,
    agent: { ...bottle.agent, env: { CI: 'true', HTTPS_PROXY: 'http://elsewhere.example', API_TOKEN: 'mine' } },
  });
  expect(env.get('CI')).toBe('true');
  expect(env.get('HTTPS_PROXY')).toBe('http://127.0.0.1:3128');
  expect(env.has('API_TOKEN')).toBe(false);
});

test('every variable that we set is reserved in a spec', () => {
  const own = [...envOf(aBottle({ agent: { ...aBottle().agent, env: {} } })).keys()];
  expect(own.filter((name) => !isReservedEnv(name))).toEqual([]);
});

test('git asks a helper for the placeholder only where it is swapped', () => {
  const swapped = aBottle({
    egress: {
      ...aBottle().egress,
      allow: [anEntry({ host: 'git.example', placeholder: { secret: 'API_TOKEN', in: ['header'] } })],
    },
  });
  expect([...envOf(aBottle()).values()].join('\n')).not.toContain('echo password');
  const env = envOf(swapped);
  const last = Number(env.get('GIT_CONFIG_COUNT')) - 1;
  expect(env.get(`GIT_CONFIG_KEY_${last}`)).toBe('credential.https://git.example.helper');
  expect(env.get(`GIT_CONFIG_VALUE_${last}`)).toContain('echo password=$API_TOKEN');
});

test('git over ssh becomes https', () => {
  const env = envOf(aBottle());
  expect(env.get('GIT_CONFIG_KEY_0')).toBe('url.https://github.com/.insteadOf');
  expect(env.get('GIT_CONFIG_VALUE_0')).toBe('git@github.com:');
});

test('so it does for the hosts of `git:`, on the port that they have', () => {
  const paths = ['/acme/shop/info/refs', '/acme/shop.git/info/refs'];
  const base = aBottle();
  const forge = (host: string, port: number): AllowEntry => ({
    ...anEntry({}),
    ...{ id: `git.${port}`, host, ports: [port], rules: [{ methods: ['GET'], paths, query: {}, headers: {} }] },
  });
  const allow = [forge('forge.example', 443), forge('other.example', 8443)];
  const env = envOf({ ...base, egress: { ...base.egress, allow } });
  const settings = Object.fromEntries(
    Array.from({ length: Number(env.get('GIT_CONFIG_COUNT')) }, (_, i) => [
      env.get(`GIT_CONFIG_VALUE_${i}`),
      env.get(`GIT_CONFIG_KEY_${i}`),
    ]),
  );
  expect(settings).toMatchObject({
    'git@forge.example:': 'url.https://forge.example/.insteadOf',
    'git@other.example:': 'url.https://other.example:8443/.insteadOf',
    'ssh://git@other.example/': 'url.https://other.example:8443/.insteadOf',
  });
});
