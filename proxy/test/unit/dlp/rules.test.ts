// Rules of a person's own: what gitleaks' terms mean here, in every encoding, in linear time, and what happens when the time is over.
import { afterAll, describe, expect, test } from 'vitest';
import type { ThirdPartyRule } from '../../../src/contract.ts';
import { RuleSet } from '../../../src/dlp/rules/run-rules.ts';
import { type RuleRunner, startRuleRunner } from '../../../src/dlp/rules/runner.ts';
import { createScanner } from '../../../src/dlp/scanner.ts';
import { random, seed } from './samples.ts';

const runners: RuleRunner[] = [];
afterAll(() => {
  for (const runner of runners) runner.close();
});

function aRule(change: Partial<ThirdPartyRule> = {}): ThirdPartyRule {
  return {
    id: 'acme-token',
    description: 'a token of ours',
    regex: 'acme_([a-z0-9]{20})',
    secretGroup: 0,
    entropy: 0,
    keywords: ['acme_'],
    allowlists: [],
    required: [],
    skipReport: false,
    ...change,
  };
}

function scannerOf(rules: readonly ThirdPartyRule[], deadlineMs = 5000) {
  const runner = startRuleRunner(rules, deadlineMs);
  runners.push(runner);
  return createScanner({
    secrets: [],
    detectors: [],
    rules: { list: rules, open: runner.open },
    fingerprintKey: Buffer.alloc(32, 1),
    decodedBytes: 1 << 24,
  });
}

const found = (text: string, ...rules: readonly ThirdPartyRule[]): string[] =>
  new RuleSet(rules).run(text, [...rules.keys()]).map(({ id, start, end }) => `${id} ${text.slice(start, end)}`);
const list = (change: Partial<ThirdPartyRule['allowlists'][number]>): ThirdPartyRule['allowlists'][number] => ({
  condition: 'OR',
  regexTarget: 'secret',
  regexes: [],
  stopwords: [],
  needsFile: false,
  ...change,
});

describe(`a rule (BOTTLE_SEED=${seed})`, () => {
  const secret = random.chars('a-z', 10) + random.chars('0-9', 10);
  const text = `x\nkey = acme_${secret} # note\n`;

  test('takes its secret from the first group that took part, from the one that it names, or from all of the match', () => {
    expect(found(text, aRule())).toEqual([`acme-token ${secret}`]);
    expect(found(text, aRule({ regex: '(nothing)?(key) = acme_([a-z0-9]{20})' }))).toEqual(['acme-token key']);
    expect(found(text, aRule({ regex: '(key) = acme_([a-z0-9]{20})', secretGroup: 2 }))).toEqual([
      `acme-token ${secret}`,
    ]);
    expect(found(text, aRule({ regex: 'acme_[a-z0-9]{20}' }))).toEqual([`acme-token acme_${secret}`]);
  });

  test('asks for entropy', () => {
    expect(found(text, aRule({ entropy: 3 }))).toHaveLength(1);
    expect(found(`acme_${'ab'.repeat(10)}`, aRule({ entropy: 3 }))).toEqual([]);
  });

  test.each<[string, ThirdPartyRule['allowlists'][number], number]>([
    ['a stopword', list({ stopwords: [secret.slice(2, 8)] }), 0],
    ['another stopword', list({ stopwords: ['zzzzzz'] }), 1],
    ['a regex on the secret', list({ regexes: [`^${secret}$`] }), 0],
    ['a regex on the match', list({ regexes: ['^acme_'], regexTarget: 'match' }), 0],
    ['the same on the secret', list({ regexes: ['^acme_'] }), 1],
    ['a regex on the line', list({ regexes: ['# note'], regexTarget: 'line' }), 0],
    ['a regex on another line', list({ regexes: ['^x$'], regexTarget: 'line' }), 1],
    ['both', list({ condition: 'AND', regexes: ['[0-9]'], stopwords: ['zzzzzz'] }), 1],
    ['a path alone, which a message has not', list({ needsFile: true }), 1],
    ['a path and a regex', list({ condition: 'AND', needsFile: true, regexes: ['.'] }), 1],
  ])('is allowed by %s or is not', (_, allowlist, count) => {
    expect(found(text, aRule({ allowlists: [allowlist] }))).toHaveLength(count);
  });

  test('may require another one nearby, which need not be reported itself', () => {
    const other = aRule({ id: 'acme-user', regex: 'user [0-9]+', skipReport: true });
    const needs = (withinLines: number | null) =>
      aRule({ required: [{ id: 'acme-user', withinLines, withinColumns: null }] });
    const far = `user 12\n\n\n\n${text}`;
    expect(found(text, needs(null), other)).toEqual([]);
    expect(found(far, needs(null), other)).toEqual([`acme-token ${secret}`]);
    expect(found(far, needs(2), other)).toEqual([]);
    expect(found(far, needs(6), other)).toEqual([`acme-token ${secret}`]);
  });
});

describe('the search with rules', () => {
  const token = `acme_${random.chars('a-z', 10)}${random.chars('0-9', 10)}`;
  const scanner = scannerOf([aRule(), aRule({ id: 'no-keyword', regex: 'zz[0-9]{6}zz', keywords: [] })]);
  const ids = (text: string, contentType = 'application/json'): string[] =>
    scanner
      .scanBody('body', Buffer.from(text), { contentType, contentEncoding: '' })
      .matches.map((one) => one.detector);

  test.each<[string, string]>([
    ['as it is', `{"a":"${token}"}`],
    ['in capitals of the keyword, which the regex does not take', `{"a":"ACME_${token.slice(5)}"}`],
    ['in base64', `{"a":"${Buffer.from(`x ${token} y`).toString('base64')}"}`],
    ['in hex', Buffer.from(token).toString('hex')],
    ['percent-encoded', `a=${token.replace('_', '%5F')}`],
  ])('finds a match %s', (name, text) => {
    expect(ids(text)).toEqual(name.includes('capitals') ? [] : ['acme-token']);
  });

  test('tries a rule without keywords on every message', () => expect(ids('a zz123456zz b')).toEqual(['no-keyword']));

  test('rewrites the secret alone, and finds it in heads and streams', () => {
    const body = Buffer.from(`{"a":"${token}","b":1}`);
    const scan = scanner.scanBody('body', body, { contentType: 'application/json', contentEncoding: '' });
    const rewritten = scan.rewrite(() => true).toString();
    expect(rewritten).toMatch(/^\{"a":"acme_bottle-redacted-acme-token-[0-9a-f]{8}","b":1\}$/);
    expect(scanner.scanText('header x', token).map((one) => one.detector)).toEqual(['acme-token']);
    const stream = scanner.scanStream('body', { contentType: '', contentEncoding: '' }, null);
    const steps = [stream.push(Buffer.from('a '.repeat(60_000))), stream.push(Buffer.from(`${token} `)), stream.end()];
    expect(steps.flatMap(({ matches }) => matches).map((one) => one.detector)).toEqual(['acme-token']);
  });

  test('finds what stands near a keyword, wherever that is, and what goes on for some lines behind it', () => {
    const far = 'z'.repeat(50_000);
    const block = aRule({ id: 'acme-block', regex: 'BEGIN ACME[a-z0-9\\n]{200,}END', keywords: ['begin acme'] });
    const both = scannerOf([aRule(), block]);
    const lines = Array.from({ length: 40 }, () => random.chars('a-z0-9', 64)).join('\n');
    const text = `${far} ${token} ${far}\nBEGIN ACME${lines}END ${far}`;
    const { matches } = both.scanBody('body', Buffer.from(text), { contentType: '', contentEncoding: '' });
    expect(matches.map((one) => [one.detector, text.slice(one.start, one.start + 5)])).toEqual([
      ['acme-token', token.slice(5, 10)],
      ['acme-block', 'BEGIN'],
    ]);
  });

  test('says so when the time of a message is over, once, and goes on with a new thread', () => {
    const slow = aRule({ id: 'slow', regex: '(?:a?){40}(?:[a-z]*[0-9]){12}!', keywords: ['acme_'] });
    const hurried = scannerOf([slow, aRule()], 60);
    const scan = (text: string): string[] =>
      hurried
        .scanBody('body', Buffer.from(text), { contentType: '', contentEncoding: '' })
        .matches.map((one) => one.detector);
    const hostile = 'acme_ aaaaaaaaaa1'.repeat(300_000);
    expect(scan(hostile)).toEqual(['rules_deadline']);
    expect(scan(hostile)).toEqual(['rules_deadline']);
  });

  test('takes time in proportion to the text where a backtracking engine would not end', () => {
    const evil = new RuleSet([aRule({ regex: '(a+)+$', keywords: [] })]);
    const cpu = (text: string): number => {
      const began = process.cpuUsage();
      evil.run(text, [0]);
      const { user, system } = process.cpuUsage(began);
      return (user + system) / 1000;
    };
    const text = (count: number): string => `${'a'.repeat(count)}!`;
    cpu(text(1000));
    expect(cpu(text(20_000)) / Math.max(5, cpu(text(5_000)))).toBeLessThan(24);
  });
});
