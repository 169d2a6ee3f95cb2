import { describe, expect, test } from 'vitest';
import { chooseAgentUser, groupText, passwdText } from '../../../src/plan/agent-user.ts';

const someone = { uid: 501, gid: 20 };
const root = { uid: 0, gid: 0 };

describe('the agent runs as', () => {
  test.each([
    ['the user who started it', { asked: null, caller: someone, workspace: null }, '501:20'],
    [
      'the user who started it, whoever owns the workspace',
      { asked: null, caller: someone, workspace: root },
      '501:20',
    ],
    ['the owner of the workspace, for root', { asked: null, caller: root, workspace: someone }, '501:20'],
    [
      'the user of the image, for root without a workspace',
      { asked: null, caller: root, workspace: null },
      '1000:1000',
    ],
    ['root, for root with a workspace of root', { asked: null, caller: root, workspace: root }, '0:0'],
    ['the user that the spec names', { asked: '1234:99', caller: root, workspace: root }, '1234:99'],
    ['the group of the same number', { asked: '1234', caller: someone, workspace: null }, '1234:1234'],
    ['the user of the image by its name', { asked: 'agent', caller: someone, workspace: null }, '1000:1000'],
  ])('%s', (_, facts, expected) => {
    const { uid, gid } = chooseAgentUser(facts);
    expect(`${uid}:${gid}`).toBe(expected);
  });
});

test.each([
  ['the uid of the relay, asked for', { asked: '1337', caller: someone, workspace: null }],
  ['the uid of the relay, by the caller', { asked: null, caller: { uid: 1337, gid: 1337 }, workspace: null }],
  ['a name that only the image knows', { asked: 'postgres', caller: someone, workspace: null }],
])('%s is refused', (_, facts) => {
  expect(() => chooseAgentUser(facts)).toThrow();
});

test('every uid and gid has one name', () => {
  expect(passwdText({ uid: 0, gid: 0, reason: '' }).match(/:x:0:/g)).toHaveLength(1);
  expect(passwdText({ uid: 501, gid: 20, reason: '' })).toContain('agent:x:501:20:agent:/home/agent:/bin/bash\n');
  expect(groupText({ uid: 501, gid: 5, reason: '' })).toBe('agent:x:5:\nroot:x:0:\nnogroup:x:65534:\n');
});
