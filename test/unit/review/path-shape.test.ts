import { describe, expect, test } from 'vitest';
import { pathShape, rulesFor } from '../../../src/review/path-shape.ts';

describe('the shape of a path', () => {
  test.each([
    ['/', '/'],
    ['/repos/acme/web-shop/pulls', '/repos/acme/web-shop/pulls'],
    ['/items/42', '/items/*'],
    ['/items/42/parts/7', '/items/*/parts/*'],
    ['/u/2f1b0a52-8c55-4a3e-9c0e-1f2d3c4b5a69/x', '/u/*/x'],
    ['/commit/9fceb02d0ae598e95dc970b74767f19372d61af8', '/commit/*'],
    ['/t/AbC123dEf456GhI789jKl012m', '/t/*'],
    ['/x/[github-token]/y', '/x/*/y'],
    ['/a?x=&y=', '/a'],
    ['/facade/deadbeef-notes', '/facade/deadbeef-notes'],
    ['/%2e%2e/a', '/%2e%2e/a'],
    ['', ''],
    ['*', ''],
  ])('%s -> %s', (path, shape) => {
    expect(pathShape(path)).toBe(shape);
  });

  test('an agent cannot talk a reviewer into `**` by asking for it', () => {
    expect(pathShape('/**')).toBe('/*');
    expect(pathShape('/a/***/b')).toBe('/a/*/b');
  });
});

describe('rules that cover shapes', () => {
  const shapes = (method: string, paths: string[]) => paths.map((path) => ({ method, path, count: 1 }));

  test('a few stay as they are', () => {
    expect(rulesFor([...shapes('GET', ['/a', '/b']), ...shapes('POST', ['/a'])])).toEqual([
      'GET /a',
      'GET /b',
      'POST /a',
    ]);
  });

  test('many become what they begin with', () => {
    expect(rulesFor(shapes('GET', ['/v1/a', '/v1/b', '/v1/c/d', '/v1/e', '/v1/f']))).toEqual(['GET /v1/**']);
    expect(rulesFor(shapes('GET', ['/a', '/b', '/c', '/d', '/e']))).toEqual(['GET /**']);
  });

  test('what has no method or no path gives no rule', () => {
    expect(rulesFor([...shapes('CONNECT', ['/']), ...shapes('', ['/a']), ...shapes('GET', [''])])).toEqual([]);
  });
});
