import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../../../src/dlp/scanner.ts';
import { eachShingle, SAMPLE } from '../../../../src/dlp/source/shingles.ts';
import { isOwnSource, withoutLicence } from '../../../../src/dlp/source/source-files.ts';
import { PIECE_SHINGLES, SourceIndexBuilder } from '../../../../src/dlp/source/source-index.ts';

const repository = join(import.meta.dirname, '../../../../..');
const own = join(repository, 'proxy/src/net');
const files = readdirSync(own, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.ts'));
const text = (name: string): string => readFileSync(join(own, name), 'utf8');

const builder = new SourceIndexBuilder();
for (const name of files) builder.add(Buffer.from(text(name)));
const scanner = createScanner({
  secrets: [],
  detectors: [],
  source: builder.finish(),
  fingerprintKey: randomBytes(32),
  decodedBytes: 64 * 1024 * 1024,
});
const found = (body: string | Buffer, contentType = 'text/plain'): readonly string[] =>
  scanner
    .scanBody('body', Buffer.from(body as string), { contentType, contentEncoding: '' })
    .matches.map(({ detector, where }) => `${detector} in ${where}`);

const file = text('exchange.ts');
const piece = file.slice(4_000, 8_000);

describe('a large piece of the workspace is found', () => {
  const reindented = piece.replace(/^ +/gm, (spaces) => '\t'.repeat(spaces.length / 2)).replaceAll('\n', '\r\n');
  test.each<[string, string | Buffer, string]>([
    ['as it is', piece, 'workspace-source in body'],
    ['reindented, with other line ends', reindented, 'workspace-source in body'],
    ['in another letter case', piece.toUpperCase(), 'workspace-source in body'],
    ['on one line', piece.replace(/\s+/g, ' '), 'workspace-source in body'],
    ['quoted on every line', piece.replace(/^/gm, '> '), 'workspace-source in body'],
    ['in a diff', piece.replace(/^/gm, '+'), 'workspace-source in body'],
    ['in base64', Buffer.from(piece).toString('base64'), 'workspace-source in body > base64'],
    ['in hex', Buffer.from(piece).toString('hex'), 'workspace-source in body > hex'],
    ['compressed', gzipSync(piece), 'workspace-source in body > gzip'],
    ['compressed, in base64', gzipSync(piece).toString('base64'), 'workspace-source in body > base64 > gzip'],
    ['percent-encoded', `q=${encodeURIComponent(piece)}`, 'workspace-source in body > percent'],
  ])('%s', (_, body, where) => {
    expect(found(body)).toContain(where);
  });

  test('inside a JSON string, with its place', () => {
    const matches = found(JSON.stringify({ note: { text: piece } }), 'application/json');
    expect(matches).toContain('workspace-source in body $.note.text');
  });

  test('in a streamed body, wherever it stands', () => {
    const stream = scanner.scanStream('body', { contentType: '', contentEncoding: '' }, null);
    const body = Buffer.from(`${'lorem ipsum dolor '.repeat(20_000)}${piece}${'sit amet '.repeat(20_000)}`);
    const matches = [];
    for (let at = 0; at < body.length; at += 10_007)
      matches.push(...stream.push(body.subarray(at, at + 10_007)).matches);
    matches.push(...stream.end().matches);
    expect(matches.map(({ detector }) => detector)).toContain('workspace-source');
  });

  test('the smallest piece that counts is about a kilobyte and a half', () => {
    const found100 = Array.from({ length: 100 }, (_, index) => file.slice(index * 60, index * 60 + 2_600));
    const caught = found100.filter((one) => found(one).length > 0).length;
    expect(caught).toBeGreaterThanOrEqual(95);
  });
});

describe('what is no large piece of it is left alone', () => {
  const library = (name: string): string[] => {
    const folder = join(repository, 'node_modules', name);
    return readdirSync(folder, { recursive: true })
      .map(String)
      .filter((one) => /\.(?:js|ts|md|json)$/.test(one) && !one.includes('node_modules'))
      .slice(0, 60)
      .map((one) => readFileSync(join(folder, one), 'utf8'));
  };
  test.each(['yaml', 'commander', 'ajv', 'ws', 'dockerode', 'vitest'])('the code of %s', (name) => {
    const bodies = library(name);
    expect(bodies.length).toBeGreaterThan(3);
    expect(bodies.filter((one) => found(one).length > 0)).toEqual([]);
  });

  test('licences, lock files, our other source', () => {
    for (const name of ['LICENSE', 'package-lock.json', 'README.md', 'src/spec/schema.ts', 'src/review/render.ts']) {
      expect(found(readFileSync(join(repository, name), 'utf8')), name).toEqual([]);
    }
  });

  test('a few lines', () => {
    expect(found(file.slice(5_000, 5_400))).toEqual([]);
  });

  test('numbers, one character, noise', () => {
    for (const body of ['0'.repeat(50_000), '1234567890'.repeat(5_000), randomBytes(50_000).toString('hex')]) {
      expect(found(body)).toEqual([]);
    }
  });
});

test('boilerplate that stands in four files is not kept; in three it is', () => {
  const header = file.slice(0, 3_000);
  const sizes = [3, 4].map((copies) => {
    const some = new SourceIndexBuilder();
    for (let i = 0; i < copies; i++) some.add(Buffer.from(header));
    return some.finish().length / 4;
  });
  expect(sizes[0]).toBeGreaterThan(PIECE_SHINGLES);
  expect(sizes[1]).toBe(0);
});

test('a sample of the shingles is kept, the same in a piece as in the whole', () => {
  const shingles = (content: string): Set<number> => {
    const all = new Set<number>();
    eachShingle(Buffer.from(content), content.length, (hash) => all.add(hash));
    return all;
  };
  const whole = shingles(file);
  const part = shingles(piece);
  expect([...part].filter((hash) => !whole.has(hash))).toEqual([]);
  const letters = file.replace(/\W/g, '').length;
  expect(whole.size).toBeGreaterThan(letters / SAMPLE / 2);
  expect(whole.size).toBeLessThan((letters / SAMPLE) * 2);
});

test.each([
  ['src/a.ts', true],
  ['LICENSE', false],
  ['docs/licence.md', false],
  ['package-lock.json', false],
  ['sub/yarn.lock', false],
  ['pnpm-lock.yaml', false],
  ['go.sum', false],
  ['node_modules/x/index.js', false],
  ['web/vendor/jquery.js', false],
  ['web/app.min.js', false],
  ['lib/lock.ts', true],
  ['src/locksmith.ts', true],
  ['src/authors.ts', true],
  ['AUTHORS', false],
  ['LICENSE-MIT', false],
])('%s is own source: %s', (path, isOwn) => {
  expect(isOwnSource(path)).toBe(isOwn);
});

test.each([
  ['/*\n * Copyright x\n */\ncode', '\ncode'],
  ['// Licensed to all\n// of you\ncode', 'code'],
  ['#!/bin/sh\n# Copyright\nx=1', 'x=1'],
  ['// what this file does\ncode', '// what this file does\ncode'],
  ['code // copyright', 'code // copyright'],
])('a comment about rights at the head of %j is left out', (content, rest) => {
  expect(withoutLicence(Buffer.from(content)).toString()).toBe(rest);
});
