import { describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../../proxy/src/contract.ts';
import { fixFor } from '../../../src/review/fix.ts';
import { groupRecords } from '../../../src/review/group.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { finding, record } from './records.ts';

/** The spec with the proposed lines where they belong: under egress.allow, or inside its entry 0. */
function pasted(parts: Partial<AuditRecord>): string {
  const [group] = groupRecords([record({ verdict: 'block', ...parts })]);
  const fix = group === undefined ? null : fixFor(group);
  if (fix?.do !== 'add') throw new Error('no line');
  const inEntry = fix.where === 'egress.allow.0' ? fix.lines.map((line) => `      ${line}\n`).join('') : '';
  const inList = fix.where === 'egress.allow' ? fix.lines.map((line) => `    ${line}\n`).join('') : '';
  return `version: 1\negress:\n  allow:\n    - host: known.example\n${inEntry}${inList}`;
}

function allowOf(text: string) {
  const parsed = parseSpec(text, '/specs/x.yaml', {
    cwd: '/specs',
    home: '/home/u',
    stateDirectory: '/home/u/.local/state/bottle',
    registries: { registryOf: () => null },
    ownPresets: () => new Map(),
    realPath: (path) => path,
    readFile: () => {
      throw new Error('no base');
    },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.bottle.egress.allow;
}

const unlisted = { stage: 'policy', rule: 'default', reason: 'x is not in the allow list' } as const;

describe('a proposed line can be pasted as it is, and the spec then says what was asked for', () => {
  test.each([
    [
      'a host',
      { ...unlisted, host: 'new.example', method: 'POST', path: '/a/7?x=' },
      { host: 'new.example', ports: [443], rules: [{ methods: ['POST'], paths: ['/a/*'] }] },
    ],
    [
      'plain http on a port',
      { ...unlisted, host: 'new.example', port: 8080, via: 'absolute' },
      { scheme: 'http', ports: [8080] },
    ],
    ['an IPv6 address', { ...unlisted, host: '2606:2800::1' }, { host: '2606:2800::1' }],
    ['a private address', { ...unlisted, host: '10.0.0.7' }, { host: '10.0.0.7', allowPrivate: true }],
    [
      'a name that resolves to one',
      { stage: 'address', rule: 'private-address', host: 'db.example' },
      { host: 'db.example', allowPrivate: true },
    ],
    ['a raw tunnel', { ...unlisted, host: 'new.example', method: 'CONNECT', path: '' }, { host: 'new.example' }],
    [
      'a finding under a preset',
      { stage: 'dlp', rule: 'jwt', host: 'new.example', findings: [finding('jwt')], reason: 'jwt in body (use.npm.0)' },
      { host: 'new.example', dlp: { onMatch: 'block', except: ['jwt'] } },
    ],
    [
      'a path with quotes and brackets',
      { ...unlisted, host: 'new.example', path: '/a"],[\'b' },
      { host: 'new.example' },
    ],
  ] as const)('%s', (_, parts, entry) => {
    expect(allowOf(pasted(parts))[1]).toMatchObject(entry);
  });

  test('a finding under an entry', () => {
    const text = pasted({ stage: 'dlp', rule: 'jwt', findings: [finding('jwt')], reason: 'jwt in body (allow.0)' });
    expect(allowOf(text)[0]).toMatchObject({ host: 'known.example', dlp: { except: ['jwt'] } });
  });
});
