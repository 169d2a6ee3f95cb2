// An agent that has a real credential of its own: what it sent is replaced, and the record says so.
import { describe, expect, it } from 'vitest';
import type { Auth } from '../../../src/contract.ts';
import { githubToken, randomText, route, session } from './session.ts';

const bearer: Auth = { type: 'bearer', secret: 'TOKEN' };
const query: Auth = { type: 'query', secret: 'TOKEN', name: 'key' };

describe('a real credential in the place of ours', () => {
  const token = githubToken();
  it.each<[string, Auth, Parameters<ReturnType<typeof session>['admit']>[0]]>([
    ['bearer', bearer, { headers: { Authorization: `Bearer ${token}` } }],
    ['in Basic', bearer, { headers: { authorization: `Basic ${Buffer.from(`me:${token}`).toString('base64')}` } }],
    [
      'a header',
      { type: 'header', secret: 'TOKEN', name: 'x-key', template: '{secret}' },
      { headers: { 'X-Key': token } },
    ],
    ['a parameter', query, { target: `/x?key=${token}&a=b` }],
  ])('%s is a finding, and leaves nowhere', (_, auth, request) => {
    const it = session([route('one', 'api.example', { auth })]);
    const admitted = it.admit(request);
    expect(admitted.findings).toMatchObject([
      { detector: 'github-token', where: expect.stringContaining('(replaced)') as string },
    ]);
    expect(JSON.stringify(admitted.findings)).not.toContain(token);
    expect(JSON.stringify(it.inject(admitted))).not.toContain(token);
  });

  it('is told each time', () => {
    const it = session([route('one', 'api.example', { auth: bearer })]);
    for (let i = 0; i < 3; i++) {
      expect(it.admit({ headers: { Authorization: `Bearer ${token}` } }).findings).toHaveLength(1);
    }
  });
});

describe('is no finding:', () => {
  it.each<[string, (placeholder: string) => string]>([
    ['the placeholder', (placeholder) => `Bearer ${placeholder}`],
    ['the placeholder in Basic', (placeholder) => `Basic ${Buffer.from(`x:${placeholder}`).toString('base64')}`],
    ['something made up', () => `Bearer ${'x'.repeat(20)}`],
    ['nothing', () => ''],
  ])('%s', (_, value) => {
    const it = session([route('one', 'api.example', { auth: bearer })]);
    expect(it.admit({ headers: { Authorization: value(it.placeholder) } }).findings).toEqual([]);
  });

  it('another value of the route that gets nothing is judged as ever', () => {
    const it = session([route('one', 'api.example')]);
    expect(it.judge({ headers: { Authorization: `Bearer ${githubToken()}` } }).do).toBe('refuse');
    expect(it.judge({ headers: { Authorization: `Bearer ${randomText(20)}` } }).do).toBe('admit');
  });
});
