// A scanner with fresh secrets, and fresh tokens, for the tests of the DLP engine. The seed is printed so that a failure can be repeated.
import { randomBytes, randomInt } from 'node:crypto';
import { type Random, seededRandom } from '../../../src/dlp/detectors/random.ts';
import { createScanner } from '../../../src/dlp/scanner.ts';
import type { Scanner } from '../../../src/dlp/types.ts';

export const seed = Number(process.env.BOTTLE_SEED ?? randomInt(2 ** 31));
export const random: Random = seededRandom(seed);

export interface Fixture {
  readonly scanner: Scanner;
  readonly value: string;
  readonly placeholder: string;
}

/** A scanner that knows one secret. */
export function fixture(given: { value?: string; placeholder?: string; decodedBytes?: number } = {}): Fixture {
  const value = given.value ?? `acme_${random.chars('A-Za-z0-9', 32)}`;
  const placeholder = given.placeholder ?? `bottle-${random.chars('a-z0-9', 28)}`;
  const scanner = createScanner({
    secrets: [{ name: 'API_TOKEN', value, placeholder }],
    detectors: null,
    fingerprintKey: randomBytes(32),
    decodedBytes: given.decodedBytes ?? 64 * 1024 * 1024,
  });
  return { scanner, value, placeholder };
}

/** One fresh token of each of the formats that matter most, with the detector that must find it. */
export function freshTokens(): readonly (readonly [detector: string, token: string])[] {
  const { chars } = random;
  return [
    ['github-token', `ghp_${chars('A-Za-z0-9', 36)}`],
    ['github-pat', `github_pat_${chars('A-Za-z0-9', 22)}_${chars('A-Za-z0-9', 59)}`],
    ['gitlab-token', `glpat-${chars('A-Za-z0-9', 20)}`],
    ['aws-access-key', `AKIA${chars('A-Z2-7', 16)}`],
    ['gcp-api-key', `AIza${chars('A-Za-z0-9', 35)}`],
    ['anthropic-key', `sk-ant-api03-${chars('A-Za-z0-9', 93)}AA`],
    ['openai-key', `sk-proj-${chars('A-Za-z0-9', 74)}T3BlbkFJ${chars('A-Za-z0-9', 74)}`],
    ['slack-token', `xoxb-${chars('0-9', 12)}-${chars('0-9', 13)}-${chars('A-Za-z0-9', 24)}`],
    ['stripe-key', `sk_live_${chars('A-Za-z0-9', 24)}`],
    ['npm-token', `npm_${chars('A-Za-z0-9', 36)}`],
    ['private-key', pem()],
    ['jwt', jwt()],
  ];
}

export function pem(): string {
  const line = (): string => random.chars('A-Za-z0-9+/', 64);
  return `-----BEGIN PRIVATE KEY-----\n${line()}\n${line()}\n${line()}\n-----END PRIVATE KEY-----\n`;
}

export function jwt(): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: random.chars('a-z0-9', 12), iat: random.number(1e9, 2e9) })}.${random.chars('A-Za-z0-9_-', 43)}`;
}

export const plain = { contentType: 'application/json', contentEncoding: '' } as const;
