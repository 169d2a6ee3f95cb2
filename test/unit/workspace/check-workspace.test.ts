import { describe, expect, test } from 'vitest';
import { checkWorkspace } from '../../../src/workspace/check-workspace.ts';

const around = {
  home: '/home/someone',
  stateDirectory: '/home/someone/.local/state/bottle',
  engineSockets: ['/var/run/docker.sock', '/home/someone/engine/docker.sock'],
  engineRoot: '/data/docker',
};

describe('an agent may get', () => {
  test.each([
    '/home/someone/web-shop',
    '/home/someone/src/a/b',
    '/srv/web-shop',
    '/tmp/x',
    '/root/web-shop',
    '/data/web',
  ])('%s', (path) => {
    expect(() => checkWorkspace(path, around)).not.toThrow();
  });
});

describe('an agent never gets', () => {
  test.each([
    '/',
    '/home',
    '/home/someone',
    '/home/someone/.ssh',
    '/home/someone/.config/gh',
    '/home/someone/.local/state/bottle/sessions/x',
    '/home/someone/engine',
    '/data',
    '/data/docker/volumes/x',
    '/etc',
    '/etc/ssl',
    '/proc/1/root/home',
    '/run/user/1000',
    '/var',
    '/var/lib/docker',
    '/usr/local',
    '/root',
    '/tmp',
  ])('%s', (path) => {
    expect(() => checkWorkspace(path, around)).toThrow('is refused');
  });
});
