import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findHidden } from '../../../src/workspace/hide.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bottle-hide-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const file = (path: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), path);
};
const hidden = (...globs: string[]) =>
  findHidden(root, globs).map(({ path, kind }) => (kind === 'file' ? path : `${path}/`));

test('files and directories are found by their globs', () => {
  for (const path of ['.env', 'src/.env', 'src/a.ts', 'keys/a.pem', 'keys/deep/b.pem']) file(path);
  expect(hidden('**/.env', 'keys')).toEqual(['.env', 'keys/', 'src/.env']);
});

test('what lies in a hidden directory needs no mask of its own', () => {
  for (const path of ['keys/a.pem', 'keys/deep/b.pem', 'c.pem']) file(path);
  expect(hidden('**/*.pem', 'keys')).toEqual(['c.pem', 'keys/']);
});

test('a directory whose whole content is named is hidden itself', () => {
  file('keys/a.pem');
  expect(hidden('keys/**')).toEqual(['keys/']);
});

test('a link that is named hides what it leads to', () => {
  file('config/real');
  symlinkSync('config/real', join(root, '.env'));
  expect(hidden('.env')).toEqual(['config/real']);
});

test('links out of the workspace, into nothing, and in circles end nowhere', () => {
  symlinkSync('/etc/passwd', join(root, 'out'));
  symlinkSync('not-there', join(root, 'nothing'));
  symlinkSync('.', join(root, 'circle'));
  file('a/.env');
  expect(hidden('out', 'nothing', '**/.env')).toEqual(['a/.env']);
});

test('the same file under another name is hidden too', () => {
  file('.env');
  mkdirSync(join(root, 'deep'));
  linkSync(join(root, '.env'), join(root, 'deep/copy'));
  expect(hidden('.env')).toEqual(['.env', 'deep/copy']);
});

test('the other name of a file in a hidden directory is hidden too', () => {
  file('keys/a.pem');
  linkSync(join(root, 'keys/a.pem'), join(root, 'harmless.txt'));
  expect(hidden('keys')).toEqual(['harmless.txt', 'keys/']);
});

test('too many to mask is an error, not a part of them', () => {
  for (let index = 0; index < 5; index++) file(`${index}.pem`);
  expect(() => findHidden(root, ['*.pem'], { entries: 1000, masks: 4 })).toThrow('names 5 files');
});

test('too much to look at is an error, not a look at a part', () => {
  for (let index = 0; index < 5; index++) file(`${index}.txt`);
  expect(() => findHidden(root, ['**/.env'], { entries: 4, masks: 10 })).toThrow('more than 4 entries');
});

test('without globs nothing is looked at', () => {
  expect(findHidden('/no/such/directory', [])).toEqual([]);
});
