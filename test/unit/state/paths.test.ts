import { describe, expect, test } from 'vitest';
import { dataDir, sessionPaths, stateDir } from '../../../src/state/paths.ts';

describe('where state is kept', () => {
  test.each([
    [{}, '/home/u/.local/state/bottle'],
    [{ XDG_STATE_HOME: '/x' }, '/x/bottle'],
    [{ XDG_STATE_HOME: 'relative' }, '/home/u/.local/state/bottle'],
    [{ XDG_STATE_HOME: '/x', BOTTLE_STATE_DIR: '/y' }, '/y'],
    [{ BOTTLE_STATE_DIR: '' }, '/home/u/.local/state/bottle'],
  ])('%j -> %s', (env, dir) => {
    expect(stateDir(env, '/home/u')).toBe(dir);
  });

  test('what is brought along is not state', () => {
    expect(dataDir({ XDG_DATA_HOME: '/d' }, '/home/u')).toBe('/d/bottle');
    expect(dataDir({}, '/home/u')).toBe('/home/u/.local/share/bottle');
  });

  test('a session has its files below its id', () => {
    expect(sessionPaths('/s', 'a-0a1b2c')).toEqual({
      dir: '/s/sessions/a-0a1b2c',
      sessionFile: '/s/sessions/a-0a1b2c/session.json',
      specFile: '/s/sessions/a-0a1b2c/spec.yaml',
      logDir: '/s/sessions/a-0a1b2c/log',
      auditFile: '/s/sessions/a-0a1b2c/log/audit.jsonl',
      control: '/s/sessions/a-0a1b2c/control',
    });
  });
});
