// Tokens of vendors, made up anew at each run from the vendors' own descriptions of their formats, not from our detectors.
import { createHmac, generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';
const ALNUM = UPPER + LOWER + DIGITS;
const URL_SAFE = `${ALNUM}-_`;
const HEX = `${DIGITS}abcdef`;
const BASE32 = `${UPPER}234567`;

export function chars(alphabet: string, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += alphabet[randomInt(alphabet.length)];
  return text;
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function jwt(): string {
  const text = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url({ sub: chars(DIGITS, 10), iat: 1700000000 })}`;
  return `${text}.${createHmac('sha256', randomBytes(32)).update(text).digest('base64url')}`;
}

const pem = (type: 'sec1' | 'pkcs8'): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type, format: 'pem' }) as string;
const rsa = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs1', format: 'pem' }) as string;

/** Name of the vendor's format -> one such token. */
export const TOKENS: Readonly<Record<string, () => string>> = {
  'github classic': () => `ghp_${chars(ALNUM, 36)}`,
  'github oauth': () => `gho_${chars(ALNUM, 36)}`,
  'github server': () => `ghs_${chars(ALNUM, 36)}`,
  'github user': () => `ghu_${chars(ALNUM, 36)}`,
  'github refresh': () => `ghr_${chars(ALNUM, 36)}`,
  'github fine-grained': () => `github_pat_${chars(ALNUM, 22)}_${chars(ALNUM, 59)}`,
  'gitlab personal': () => `glpat-${chars(URL_SAFE, 20)}`,
  'gitlab runner': () => `glrt-${chars(URL_SAFE, 20)}`,
  'gitlab deploy': () => `gldt-${chars(URL_SAFE, 20)}`,
  'aws key id': () => `AKIA${chars(BASE32, 16)}`,
  'aws temporary id': () => `ASIA${chars(BASE32, 16)}`,
  'aws secret': () => `aws_secret_access_key=${chars(`${ALNUM}+/`, 40)}`,
  'google api': () => `AIza${chars(URL_SAFE, 35)}`,
  'google oauth': () => `ya29.${chars(URL_SAFE, 120)}`,
  'google client secret': () => `GOCSPX-${chars(URL_SAFE, 28)}`,
  anthropic: () => `sk-ant-api03-${chars(URL_SAFE, 93)}AA`,
  'anthropic oauth': () => `sk-ant-oat01-${chars(URL_SAFE, 93)}AA`,
  'openai project': () => `sk-proj-${chars(URL_SAFE, 74)}T3BlbkFJ${chars(URL_SAFE, 74)}`,
  'openai classic': () => `sk-${chars(ALNUM, 20)}T3BlbkFJ${chars(ALNUM, 20)}`,
  'openai service account': () => `sk-svcacct-${chars(URL_SAFE, 58)}T3BlbkFJ${chars(URL_SAFE, 58)}`,
  'slack bot': () => `xoxb-${chars(DIGITS, 12)}-${chars(DIGITS, 13)}-${chars(ALNUM, 24)}`,
  'slack user': () => `xoxp-${chars(DIGITS, 12)}-${chars(DIGITS, 12)}-${chars(DIGITS, 12)}-${chars(HEX, 32)}`,
  'slack app': () => `xapp-1-A${chars(UPPER + DIGITS, 10)}-${chars(DIGITS, 13)}-${chars(HEX, 64)}`,
  'slack webhook': () =>
    `https://hooks.slack.com/services/T${chars(UPPER + DIGITS, 8)}/B${chars(UPPER + DIGITS, 10)}/${chars(ALNUM, 24)}`,
  'stripe secret': () => `sk_live_${chars(ALNUM, 24)}`,
  'stripe long secret': () => `sk_live_51${chars(ALNUM, 97)}`,
  'stripe restricted': () => `rk_live_${chars(ALNUM, 24)}`,
  npm: () => `npm_${chars(ALNUM, 36)}`,
  pypi: () => `pypi-AgEIcHlwaS5vcmc${chars(URL_SAFE, 150)}`,
  docker: () => `dckr_pat_${chars(URL_SAFE, 27)}`,
  'hugging face': () => `hf_${chars(UPPER + LOWER, 34)}`,
  sendgrid: () => `SG.${chars(URL_SAFE, 22)}.${chars(URL_SAFE, 43)}`,
  twilio: () => `TWILIO_API_KEY=SK${chars(HEX, 32)}`,
  mailgun: () => `key-${chars(HEX, 32)}`,
  digitalocean: () => `dop_v1_${chars(HEX, 64)}`,
  shopify: () => `shpat_${chars(HEX, 32)}`,
  'telegram bot': () => `${chars('123456789', 10)}:AA${chars(URL_SAFE, 33)}`,
  'discord bot': () => `Bot M${chars(ALNUM, 25)}.${chars(URL_SAFE, 6)}.${chars(URL_SAFE, 38)}`,
  databricks: () => `dapi${chars(HEX, 32)}`,
  vault: () => `hvs.${chars(URL_SAFE, 95)}`,
  'terraform cloud': () => `${chars(ALNUM, 14)}.atlasv1.${chars(ALNUM, 67)}`,
  linear: () => `lin_api_${chars(ALNUM, 40)}`,
  notion: () => `ntn_${chars(ALNUM, 46)}`,
  'new relic': () => `NRAK-${chars(UPPER + DIGITS, 27)}`,
  sentry: () =>
    `sntrys_${Buffer.from(`{"iat":1700000000.1,"url":"https://sentry.io"}`).toString('base64')}_${chars(`${ALNUM}+/`, 43)}`,
  grafana: () => `glsa_${chars(ALNUM, 32)}_${chars(HEX, 8)}`,
  tailscale: () => `tskey-auth-${chars(ALNUM, 17)}-${chars(ALNUM, 32)}`,
  'azure storage': () =>
    `DefaultEndpointsProtocol=https;AccountName=store;AccountKey=${randomBytes(64).toString('base64')};EndpointSuffix=core.windows.net`,
  'database url': () => `postgres://admin:${chars(ALNUM, 20)}@db.internal:5432/app`,
  'url password': () => `https://deploy:${chars(ALNUM, 24)}@git.internal/repo.git`,
  jwt,
  'rsa private key': rsa,
  'ec private key': () => pem('sec1'),
  'pkcs8 private key': () => pem('pkcs8'),
  'openssh private key': () =>
    `-----BEGIN OPENSSH PRIVATE KEY-----\n${(
      randomBytes(260)
        .toString('base64')
        .match(/.{1,70}/g) ?? []
    ).join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
  'age key': () => `AGE-SECRET-KEY-1${chars('QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L', 58)}`,
};
