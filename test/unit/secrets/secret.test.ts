import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../../src/secrets/secret.ts';

const VALUE = 'correct horse battery staple';
const secret = new Secret(VALUE);

test.each([
  ['String()', String(secret)],
  ['a template', `${secret}`],
  ['adding', `x${secret}`],
  ['JSON', JSON.stringify({ secret })],
  ['inspect', inspect({ secret }, { depth: 9, showHidden: true })],
  ['format', format('%s %o %O %j', secret, secret, secret, secret)],
  ['an error message', new Error(`no ${secret}`).message],
  ['its own properties', JSON.stringify(Object.entries(secret))],
  ['a copy', inspect({ ...secret })],
  ['a structured clone', inspect(structuredClone(secret))],
])('%s does not show the value', (_, shown) => {
  expect(shown).not.toContain(VALUE);
});

test('only reveal() gives the value', () => {
  expect(secret.reveal()).toBe(VALUE);
});
