// What is said about one preset, and tried.
import { randomBytes } from 'node:crypto';
import type { SpecUse } from '../../../src/spec/schema.ts';
import type { FakeService } from './fake-service.ts';

export interface PresetCase {
  readonly preset: string;
  readonly use: SpecUse;
  /** Names of the secrets that the spec has for it; their values are in TOKENS. */
  readonly secrets: readonly TokenName[];
  readonly service: FakeService;
  /** Programs that speak for the agent; curl sends what the vendor's documentation shows. */
  readonly tools: readonly string[];
  readonly calls: readonly PresetCall[];
  /** Requests that the preset does not name, `METHOD URL`, with a body in a third part. */
  readonly refused: readonly string[];
  /** One that is allowed, to see what is done about an answer that repeats its request: `METHOD URL`. */
  readonly echo: string;
}

export interface PresetCall {
  /** For bash, in an empty directory, with the variables that the agent would have. */
  readonly script: string;
  /** In what it prints. */
  readonly shows: string | RegExp;
  /** Requests that must have arrived, in any order, among others: `METHOD URL`. */
  readonly arrives: readonly string[];
}

const letters = (length: number) =>
  randomBytes(length * 2)
    .toString('base64')
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, length);
const hex = (length: number) => randomBytes(length).toString('hex').slice(0, length);

/** Real values by the variable that the vendor's tools read: made up anew, formed like the vendor's. */
export const TOKENS = {
  ANTHROPIC_API_KEY: `sk-ant-api03-${letters(93)}AA`,
  CLAUDE_CODE_OAUTH_TOKEN: `sk-ant-oat01-${letters(93)}AA`,
  CODEX_LOGIN: [
    { alg: 'RS256', typ: 'JWT' },
    {
      iss: 'https://auth.openai.com',
      exp: 4_102_444_800,
      'https://api.openai.com/auth': { chatgpt_account_id: 'a-1', user_id: letters(20) },
    },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(letters(86))
    .join('.'),
  OPENAI_API_KEY: `sk-proj-${letters(74)}T3BlbkFJ${letters(74)}`,
  GEMINI_API_KEY: `AIza${letters(35)}`,
  OPENROUTER_API_KEY: `sk-or-v1-${hex(64)}`,
  GH_TOKEN: `gho_${letters(36)}`,
  GITLAB_TOKEN: `glpat-${letters(20)}`,
  GITEA_TOKEN: hex(40),
  NPM_TOKEN: `npm_${letters(36)}`,
  TWINE_PASSWORD: `pypi-AgEIcHlwaS5vcmc${letters(120)}`,
  AWS_ACCESS_KEY_ID: `AKIA${letters(16).toUpperCase()}`,
  AWS_SECRET_ACCESS_KEY: letters(40),
  CLOUDFLARE_API_TOKEN: letters(40),
  SENTRY_AUTH_TOKEN: `sntryu_${hex(64)}`,
  SLACK_BOT_TOKEN: `xoxb-${hex(12).replace(/\D/g, '1')}-${hex(12).replace(/\D/g, '2')}-${letters(24)}`,
  LINEAR_API_KEY: `lin_api_${letters(40)}`,
  JIRA_API_TOKEN: `ATATT3xFfGF0${letters(171)}=${hex(8).toUpperCase()}`,
  DOCKER_PASSWORD: `dckr_pat_${letters(27)}`,
  HF_TOKEN: `hf_${letters(34)}`,
} as const;

export type TokenName = keyof typeof TOKENS;
