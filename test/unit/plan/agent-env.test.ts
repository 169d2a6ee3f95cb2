import { expect, test } from 'vitest';
import { agentEnv } from '../../../src/plan/agent-env.ts';
import type { Bottle } from '../../../src/spec/bottle.ts';
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
