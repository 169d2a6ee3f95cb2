// Random hostile paths against many kinds of servers: none may read an admitted path as one outside the rule.
import { expect, test } from 'vitest';
import { createPolicy } from '../../../src/pipeline/policy.ts';
import { splitTarget } from '../../../src/pipeline/target.ts';
import { route, rule, view } from './session.ts';

const PIECES = [
  ...['/', '/', '//', '..', '..', '.', '../', '/..', '/../', 'a', 'repos', 'acme', 'user', 'x.y'],
  ...['%2e', '%2E', '.%2e', '%2f', '%2F', '%5c', '\\', '..\\', '..%2f', '%2e%2e%2f', '..%5C'],
  ...[';', ';x=1', '..;', '..;/', '%3b', '..%3B/', '%3f', '%3F..', '%23', '%20', '%25'],
  ...['%252e', '%252f', '%252e%252e%252f', '..%252f', '%25252f', '%2525252f', '%255c'],
  ...['%00', '%0a', '%c0%ae', '%c0%af', '%e0%80%af', '%EF%BC%8E', '%EF%BC%8F', '%E2%80%A4', '%u002e', '%', '%2'],
];

type Server = (path: string) => string;
const decode: Server = (path) =>
  path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
const slashes: Server = (path) => path.replaceAll('\\', '/');
const parameters: Server = (path) => path.replace(/;[^/]*/g, '');
const cut: Server = (path) => path.replace(/[?#].*$/s, '');
const nul: Server = (path) => path.replace(/\0.*$/s, '');
const fold: Server = (path) => Buffer.from(path, 'latin1').toString('utf8').normalize('NFKC');
/** RFC 3986: empty segments count. */
const dots: Server = (path) => {
  const out: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') out.pop();
    else if (segment !== '.') out.push(segment);
  }
  if (/\/\.{1,2}$/.test(path)) out.push('');
  return `/${out.join('/')}`;
};
const merged: Server = (path) => path.replace(/\/{2,}/g, '/');

/** What real servers do, in the orders that they do it. */
const servers: readonly (readonly [string, readonly Server[]])[] = [
  ['takes it literally', [dots]],
  ['decodes', [decode, dots]],
  ['decodes and merges slashes', [decode, merged, dots]],
  ['resolves, then decodes, then resolves again', [dots, decode, dots]],
  ['decodes twice', [decode, decode, dots]],
  ['decodes three times', [decode, decode, decode, dots]],
  ['takes backslashes for slashes', [decode, slashes, dots]],
  ['takes raw backslashes for slashes', [slashes, dots]],
  ['drops parameters', [parameters, dots]],
  ['drops parameters after decoding', [decode, parameters, dots]],
  ['drops parameters, then decodes', [parameters, decode, dots]],
  ['drops parameters and takes backslashes', [decode, slashes, parameters, dots]],
  ['decodes before it cuts the query off', [decode, cut, dots]],
  ['decodes twice before it cuts the query off', [decode, decode, cut, dots]],
  ['ends strings at NUL', [decode, nul, dots]],
  ['folds look-alikes', [decode, fold, dots]],
  ['folds look-alikes, then slashes', [decode, fold, slashes, dots]],
];

test('no server reads an admitted path as one outside the rule', () => {
  const routes = [route('acme', 'api.example', { rules: [rule(['GET'], '/repos/acme/**')] })];
  const policy = createPolicy({ routes, deny: [], dnsAnswer: '198.18.0.1' });
  let state = 7;
  const random = (below: number): number => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return Math.floor((state / 4294967296) * below);
  };
  let admitted = 0;
  for (let i = 0; i < 20_000; i++) {
    const tail = Array.from({ length: 1 + random(6) }, () => PIECES[random(PIECES.length)]).join('');
    const target = `${random(3) === 0 ? '/' : '/repos/acme/'}${tail}`;
    const answer = policy.judge(view({ target }), splitTarget(target), (text) => text);
    if (answer.do === 'refuse') continue;
    admitted++;
    for (const [kind, steps] of servers) {
      const read = steps.reduce((path, step) => step(path), answer.path);
      expect(
        merged(read).startsWith('/repos/acme/'),
        `${target} sent as ${answer.path}: a server that ${kind} reads ${read}`,
      ).toBe(true);
    }
  }
  expect(admitted).toBeGreaterThan(2000);
});
