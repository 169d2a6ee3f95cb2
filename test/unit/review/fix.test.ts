import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { AuditRecord } from '../../../proxy/src/contract.ts';
import { fixFor } from '../../../src/review/fix.ts';
import { groupRecords } from '../../../src/review/group.ts';
import { finding, record } from './records.ts';

function fixOf(...parts: Partial<AuditRecord>[]) {
  const [group] = groupRecords(parts.map((one) => record({ verdict: 'block', status: 403, ...one })));
  if (group === undefined) throw new Error('no group');
  return fixFor(group);
}

const unlisted = { stage: 'policy', rule: 'default', host: 'new.example' } as const;

describe('a refusal that a line can lift says which', () => {
  test.each([
    ['a host', [{ ...unlisted, path: '/' }], 'egress.allow', '- { host: new.example, rules: ["GET /"] }'],
    [
      'several requests to a host',
      [
        { ...unlisted, path: '/a' },
        { ...unlisted, path: '/items/7', method: 'POST' },
      ],
      'egress.allow',
      '- { host: new.example, rules: ["GET /a", "POST /items/*"] }',
    ],
    [
      'another port',
      [{ ...unlisted, port: 8443, path: '/' }],
      'egress.allow',
      '- { host: new.example, port: 8443, rules: ["GET /"] }',
    ],
    [
      'plain http',
      [{ ...unlisted, port: 80, via: 'absolute', path: '/' }],
      'egress.allow',
      '- { host: new.example, scheme: http, rules: ["GET /"] }',
    ],
    [
      'plain http on a port of its own',
      [{ ...unlisted, port: 8080, via: 'absolute', path: '/' }],
      'egress.allow',
      '- { host: new.example, scheme: http, port: 8080, rules: ["GET /"] }',
    ],
    [
      'a tunnel without a request',
      [{ ...unlisted, method: 'CONNECT', path: '' }],
      'egress.allow',
      '- { host: new.example }',
    ],
    [
      'an address',
      [{ ...unlisted, host: '192.0.2.7', path: '/' }],
      'egress.allow',
      '- { host: "192.0.2.7", rules: ["GET /"] }',
    ],
    [
      'an IPv6 address',
      [{ ...unlisted, host: '2001:db8::7', path: '/' }],
      'egress.allow',
      '- { host: "2001:db8::7", rules: ["GET /"] }',
    ],
    [
      'a private address',
      [{ stage: 'address', rule: 'private-address', host: '10.0.0.7', path: '/' }],
      'egress.allow',
      '- { host: "10.0.0.7", rules: ["GET /"], allow_private: true }',
    ],
    [
      'a private address that is not in the list',
      [{ ...unlisted, host: '192.168.1.7', path: '/' }],
      'egress.allow',
      '- { host: "192.168.1.7", rules: ["GET /"], allow_private: true }',
    ],
    [
      'a request that no rule of its entry covers',
      [
        {
          stage: 'policy',
          rule: 'allow.2',
          host: 'api.example',
          path: '/x',
          reason: 'no rule for api.example allows GET /x (allow.2)',
        },
      ],
      'egress.allow',
      '- { host: api.example, rules: ["GET /x"] }',
    ],
    [
      'a finding on an entry of the spec',
      [
        {
          stage: 'dlp',
          rule: 'jwt',
          host: 'api.example',
          findings: [finding('jwt'), finding('github-token')],
          reason: 'jwt in body and 1 more (allow.2)',
        },
      ],
      'egress.allow.2',
      'dlp: { except: [github-token, jwt] }',
    ],
    [
      'a finding on an entry of a preset',
      [
        {
          stage: 'dlp',
          rule: 'jwt',
          host: 'api.example',
          path: '/',
          findings: [finding('jwt')],
          reason: 'jwt in body (use.npm.0)',
        },
      ],
      'egress.allow',
      '- { host: api.example, rules: ["GET /"], dlp: { except: [jwt] } }',
    ],
    [
      'a finding on an entry with a name of its own',
      [
        {
          stage: 'dlp',
          rule: 'jwt',
          host: 'api.example',
          findings: [finding('jwt')],
          reason: 'jwt in body (billing-api)',
        },
      ],
      'the egress.allow entry with id billing-api',
      'dlp: { except: [jwt] }',
    ],
    [
      'content that cannot be read',
      [
        {
          stage: 'dlp',
          rule: 'undecodable',
          host: 'api.example',
          findings: [finding('undecodable')],
          reason: 'the body cannot be decoded (allow.0)',
        },
      ],
      'egress.allow.0',
      'dlp: { except: [undecodable] }',
    ],
  ] as const)('%s', (_, parts, where, line) => {
    expect(fixOf(...parts)).toMatchObject({ do: 'add', where, lines: [line] });
    expect(parse(line)).toBeTruthy();
  });
});

describe('a refusal that no line should lift says why', () => {
  test.each([
    [
      'a placeholder elsewhere',
      { stage: 'placeholder', rule: 'allow.0', findings: [finding('placeholder')] },
      /does not bind it/,
    ],
    [
      'a known secret',
      { stage: 'dlp', rule: 'allow.0', findings: [finding('known-secret'), finding('jwt')] },
      /real secret/,
    ],
    ['the metadata service', { stage: 'address', rule: 'metadata-address', host: '169.254.169.254' }, /no line should/],
    [
      'the metadata service, not in the list',
      {
        ...unlisted,
        host: '169.254.169.254',
        reason: '169.254.169.254 is a cloud metadata service, and not in the allow list',
      },
      /no line should/,
    ],
    ['an address in no form', { stage: 'address', rule: 'malformed-address', host: '0x7f.1' }, /no address/],
    ['an ambiguous path', { stage: 'policy', rule: 'ambiguous-path', path: '/a%2f..%2fb' }, /more than one way/],
    [
      'a request that nobody confirmed',
      {
        stage: 'policy',
        rule: 'confirm',
        verdict: 'hold',
        reason: 'DELETE waits for a person here, each time (allow.0)',
      },
      /keep `bottle watch` open/,
    ],
    [
      'an operation of GraphQL',
      { stage: 'policy', rule: 'graphql', reason: 'the mutation deleteX is not allowed (allow.0)' },
      /deleteX is not allowed \(allow\.0\); if it is meant, add the field to `graphql`/,
    ],
    ['a request that cannot be signed', { stage: 'policy', rule: 'signature' }, /placeholder keys/],
    ['a malformed request', { stage: 'protocol', rule: 'bad-head' }, /has to change/],
    ['an upstream that is down', { stage: 'upstream', rule: 'connect' }, /could not be reached/],
    ['a full disk', { stage: 'audit', rule: 'sink' }, /room on the disk/],
    ['a host that is none', { stage: 'policy', rule: 'default', host: 'a b"c' }, /no line can allow it/],
    [
      'a name that was only looked up',
      { stage: 'policy', rule: 'default', via: 'dns', method: 'A', path: '' },
      /never called/,
    ],
    ['an unknown stage', { stage: 'novelty' as 'none', rule: 'x' }, /another version/],
  ] as const)('%s', (_, parts, why) => {
    const fix = fixOf(parts);
    expect(fix.do).toBe('nothing');
    expect(fix.note).toMatch(why);
  });

  test('a deny rule says where to remove it', () => {
    expect(fixOf({ stage: 'policy', rule: 'deny.1', host: 'x.ngrok.app' })).toEqual({
      do: 'remove',
      where: 'egress.deny, entry 1 (counted from 0)',
      note: 'a deny rule always wins; if x.ngrok.app should be reachable, remove it there',
    });
  });
});

test('text of an agent cannot break out of the line that a person pastes', () => {
  const fix = fixOf({ ...unlisted, path: '/a"], allow_private: true, x: ["' });
  if (fix.do !== 'add') throw new Error('no line');
  expect(parse(fix.lines[0]!)).toEqual([{ host: 'new.example', rules: ['GET /a"], allow_private: true, x: ["'] }]);
});

test.each(['true.example', 'null.example', '1e3.example', '0x10.example', '-x.example', 'no.example'])(
  'a host called %s stays a text',
  (host) => {
    const fix = fixOf({ ...unlisted, host, path: '/' });
    if (fix.do === 'add') expect(parse(fix.lines[0]!)[0].host).toBe(host);
    else expect(host).toBe('-x.example');
  },
);
