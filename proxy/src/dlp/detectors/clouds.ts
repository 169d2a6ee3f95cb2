// Amazon and Google.
import { ALNUM, BASE64, BASE64_STD, charset, HEX_LOWER, UPPER_DIGIT, WORD_DASH, WORD_DASH_DOT } from '../charsets.ts';
import { run, text } from '../shape.ts';
import type { Span, View } from '../view.ts';
import { type Detector, detector, isExample, isMixed, token, variety } from './detector.ts';
import { isVaried, UUID, vendor } from './vendor.ts';

const AWS_DOC =
  'AWS IAM User Guide, "IAM identifiers", "Access keys": https://docs.aws.amazon.com/IAM/latest/UserGuide/';
const AWS_ID = ['AKIA', 'ASIA', 'ABIA', 'ACCA'];
const SECRET_NAMES = [
  ...[
    'secret_access_key',
    'secretaccesskey',
    'secret-access-key',
    'aws_secret_key',
    'awssecretkey',
    'secret access key',
  ],
];
/** What stands between a name and its value: `": "`, ` = `, `=>`, `</key><string>`. */
const GLUE = charset('\t-\r -*,-.:->[-^`{-~<>=');
/** How far from an access key id a bare secret key is looked for, in bytes. */
const PAIR_BYTES = 160;

export const clouds: readonly Detector[] = [
  token({
    id: 'aws-access-key',
    description: 'AWS access key id (long-term and temporary)',
    source: AWS_DOC,
    forms: [[text(...AWS_ID), run(UPPER_DIGIT, 16)]],
    edges: { right: ALNUM },
    // Nothing but hex digits is an address or a fingerprint with its colons taken out.
    accept: (found) => !isExample(found) && variety(found) > 6 && !/^[0-9A-F]+$/.test(found),
    falsePositives: (random) => [
      'AKIAIOSFODNN7EXAMPLE',
      'ACCA76831AA316341A0C',
      `AKIA${'X'.repeat(16)}`,
      `AKIA${random.chars('A-Z2-7', 12)}`,
      `AKIA${random.chars('A-Z2-7', 20)}`,
      `${random.chars('A-Za-z0-9', 64)}${AWS_ID[0]}${random.chars('A-Z2-7', 16)}/${random.chars('A-Za-z0-9', 64)}`,
    ],
  }),
  detector({
    id: 'aws-secret-key',
    description: 'AWS secret access key, beside its name or its access key id',
    source: AWS_DOC,
    keywords: [...SECRET_NAMES, ...AWS_ID],
    anyCase: true,
    match: (view, at) => (isNamed(view, at) ? namedSecret(view, at) : pairedSecret(view, at)),
    accept: (found) => !isExample(found) && looksRandom(found),
    truePositives(random) {
      const id = AWS_ID[0] + random.chars('A-Z2-7', 16);
      const secret = `${random.chars('A-Z', 2)}${random.chars('A-Za-z0-9+/', 35)}${random.chars('a-z', 2)}7`;
      return [
        `aws_secret_access_key = ${secret}`,
        `"SecretAccessKey": "${secret}"`,
        `AWS_SECRET_ACCESS_KEY=${secret}\n`,
        `${id}:${secret}`,
        `${id},${secret}`,
        `export KEY=${id}\nexport OTHER=${secret}`,
      ];
    },
    falsePositives: (random) => [
      'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      'aws_secret_access_key = YOUR_SECRET_KEY',
      `aws_secret_access_key_id_of_commit ${random.chars('0-9a-f', 40)}`,
      `secret_access_key: arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/app`,
    ],
  }),
  token({
    id: 'aws-session-token',
    description: 'AWS session token',
    source: 'AWS STS API reference, "GetSessionToken": https://docs.aws.amazon.com/',
    forms: [[text('IQoJb3JpZ2lu', 'FwoGZXIvYXdz', 'FQoGZXIvYXdz'), run(BASE64, 100, 4096)]],
  }),
  token({
    id: 'aws-bedrock-key',
    description: 'Amazon Bedrock API key, long-term and short-term',
    source: 'Amazon Bedrock User Guide, "API keys": https://docs.aws.amazon.com/',
    forms: [[text('ABSKQmVkcm9ja0FQSUtleS', 'bedrock-api-key-YmVkcm9jay'), run(BASE64, 60, 4096)]],
  }),
  vendor({
    id: 'amazon-oauth',
    description: 'Login with Amazon client secret; Marketplace Web Service token',
    source: 'Login with Amazon Docs; Amazon MWS Developer Guide',
    forms: [
      [text('amzn1.oa2-cs.v1.'), run(HEX_LOWER, 64)],
      [text('amzn.mws.'), ...UUID],
    ],
  }),
  token({
    id: 'gcp-api-key',
    description: 'Google API key',
    source: 'Google Cloud Docs, "Manage API keys": https://cloud.google.com/docs/authentication/api-keys',
    forms: [[text('AIza'), run(WORD_DASH, 35)]],
    edges: { right: WORD_DASH },
    accept: (found) => !isExample(found) && variety(found) > 12,
    falsePositives: (random) => [
      `AIza${'S'.repeat(35)}`,
      `AIza${random.chars('A-Za-z0-9', 30)}`,
      `${random.chars('A-Za-z0-9', 64)}AIza${random.chars('A-Za-z0-9', 35)}+${random.chars('A-Za-z0-9', 60)}`,
    ],
  }),
  token({
    id: 'google-oauth',
    description: 'Google OAuth access and refresh token',
    source: 'Google Identity, "Using OAuth 2.0 to access Google APIs"',
    forms: [
      [text('ya29.'), run(WORD_DASH_DOT, 30, 2048)],
      [text('1//0'), run(WORD_DASH, 40, 512)],
    ],
    accept: (found) => !isExample(found) && isMixed(found.slice(5)) && variety(found) > 12,
    falsePositives: () => ['ya29.a0AfH6SMB...', 'score 1//0 and 1//05 of the rest'],
  }),
  token({
    id: 'google-client-secret',
    description: 'Google OAuth client secret',
    source: 'Google Identity, "Using OAuth 2.0 for web server applications"',
    forms: [[text('GOCSPX-'), run(WORD_DASH, 28)]],
    accept: (found) => isVaried(found) && variety(found) > 12,
    falsePositives: () => ['GOCSPX-your_client_secret'],
  }),
  vendor({
    id: 'firebase-server-key',
    description: 'Firebase Cloud Messaging server key',
    source: 'Firebase Docs, "Cloud Messaging: legacy HTTP protocol"',
    forms: [[text('AAAA'), run(WORD_DASH, 7), text(':APA91b'), run(WORD_DASH, 120, 160)]],
  }),
  detector({
    id: 'gcp-service-account',
    description: 'Google service account key file: the id of its private key',
    source: 'Google Cloud Docs, "Create and delete service account keys"',
    keywords: ['private_key_id'],
    match(view, at) {
      let start = at + 14;
      while (start < at + 32 && start < view.length && HEX_LOWER.table[view.bytes[start]!] === 0) start++;
      const end = view.runEnd(HEX_LOWER, start);
      if (end - start !== 40) return null;
      const around = view.text(Math.max(0, at - 400), Math.min(view.length, end + 400));
      return /service_account|gserviceaccount/.test(around) ? { start, end } : null;
    },
    truePositives: (random) => [
      `{"type":"service_account","project_id":"p","private_key_id":"${random.chars('0-9a-f', 40)}"}`,
      JSON.stringify(`{"type": "service_account", "private_key_id": "${random.chars('0-9a-f', 40)}"}`),
    ],
    falsePositives: (random) => [
      `{"private_key_id":"${random.chars('0-9a-f', 40)}"}`,
      'service_account private_key_id',
    ],
  }),
];

const isNamed = (view: View, at: number): boolean => {
  const first = view.bytes[at]! | 0x20;
  return first !== 0x61 || (view.bytes[at + 1]! | 0x20) === 0x77;
};

/** `aws_secret_access_key = VALUE`: the value follows the name and a little glue. */
function namedSecret(view: View, at: number): Span | null {
  const name = SECRET_NAMES.find((one) => view.text(at, at + one.length).toLowerCase() === one);
  if (name === undefined) return null;
  let start = at + name.length;
  for (let glue = 0; glue < 24 && start < view.length && GLUE.table[view.bytes[start]!] !== 0; glue++) start++;
  // `\n`, `\"` of a JSON string leave their letter behind: never a part of a 40-character run, hence no special case.
  const end = view.runEnd(BASE64_STD, start);
  return end - start === 40 ? { start, end } : null;
}

/** `AKIA...:VALUE`: any run of exactly 40 characters near an access key id. */
function pairedSecret(view: View, at: number): Span | null {
  if (!AWS_ID.some((prefix) => view.startsWith(prefix, at)) || view.runEnd(UPPER_DIGIT, at) - at !== 20) return null;
  const last = Math.min(view.length, at + 20 + PAIR_BYTES);
  for (let start = Math.max(view.reached(AWS_ID), at - PAIR_BYTES); start < last; start++) {
    const end = view.runEnd(BASE64_STD, start);
    if (end === start) continue;
    if (end - start === 40 && looksRandom(view.text(start, end))) return { start, end };
    start = end;
  }
  view.setReached(AWS_ID, last);
  return null;
}

/** Upper, lower and digits, and not a hash: 40 characters of a git commit are hex. */
const looksRandom = (found: string): boolean =>
  /[A-Z]/.test(found) && /[a-z]/.test(found) && /[0-9]/.test(found) && /[G-Zg-z+/]/.test(found) && variety(found) > 16;
