import { describe, expect, test } from 'vitest';
import { chooseEngine, type EngineSettings, formatEngine } from '../../../src/engine/address.ts';

const nothing: EngineSettings = { flag: undefined, env: {}, config: undefined, contexts: [] };
const context = (name: string, host: string) => JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } });
const contexts = [
  context('rootless', 'unix:///run/user/1000/docker.sock'),
  context('far', 'ssh://someone@far.example'),
];

describe('the engine is', () => {
  test.each<[string, Partial<EngineSettings>, string]>([
    ['the default socket', {}, 'unix:///var/run/docker.sock'],
    ['what DOCKER_HOST says', { env: { DOCKER_HOST: 'unix:///tmp/e.sock' } }, 'unix:///tmp/e.sock'],
    ['what --host says first', { flag: 'unix:///a.sock', env: { DOCKER_HOST: 'unix:///b.sock' } }, 'unix:///a.sock'],
    ['a port of this machine', { env: { DOCKER_HOST: 'tcp://127.0.0.1:2375' } }, 'tcp://127.0.0.1:2375'],
    ['a port over IPv6', { env: { DOCKER_HOST: 'tcp://[::1]:2375' } }, 'tcp://[::1]:2375'],
    ['the current context', { config: '{"currentContext":"rootless"}', contexts }, 'unix:///run/user/1000/docker.sock'],
    [
      'the context of DOCKER_CONTEXT',
      { env: { DOCKER_CONTEXT: 'rootless' }, contexts },
      'unix:///run/user/1000/docker.sock',
    ],
    [
      'DOCKER_HOST before a context',
      { env: { DOCKER_HOST: 'unix:///b.sock', DOCKER_CONTEXT: 'far' }, contexts },
      'unix:///b.sock',
    ],
    [
      'the default one for the default context',
      { config: '{"currentContext":"default"}' },
      'unix:///var/run/docker.sock',
    ],
    ['the default one without a current context', { config: '{"auths":{}}' }, 'unix:///var/run/docker.sock'],
    ['the default one when DOCKER_HOST is empty', { env: { DOCKER_HOST: '' } }, 'unix:///var/run/docker.sock'],
  ])('%s', (_, settings, expected) => {
    expect(formatEngine(chooseEngine({ ...nothing, ...settings }))).toBe(expected);
  });
});

describe('it is said clearly that', () => {
  test.each<[string, Partial<EngineSettings>, string]>([
    ['ssh is not supported yet', { env: { DOCKER_HOST: 'ssh://far.example' } }, 'not supported yet'],
    ['other machines are not supported yet', { flag: 'tcp://192.0.2.7:2376' }, 'not supported yet'],
    ['a context may not be supported yet', { env: { DOCKER_CONTEXT: 'far' }, contexts }, 'not supported yet'],
    ['a context is not there', { env: { DOCKER_CONTEXT: 'gone' }, contexts }, 'no Docker context "gone"'],
    ['an address is none', { env: { DOCKER_HOST: 'what?' } }, 'names no engine'],
    ['the configuration is damaged', { config: '{' }, 'damaged'],
  ])('%s', (_, settings, expected) => {
    expect(() => chooseEngine({ ...nothing, ...settings })).toThrow(expected);
  });
});
