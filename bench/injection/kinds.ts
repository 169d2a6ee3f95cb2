// The kinds of injection that are measured, as data: what the route says, what the agent sends, and what has to arrive for the figure to mean something.
import { createHmac, randomBytes } from 'node:crypto';
import { HELD_COOKIES, type Route, type SecretValue } from '../../proxy/src/contract.ts';
import { COOKIE, type Seen } from './origin.ts';
import { HELD, REAL, signedChunks, signedWhole } from './signed.ts';

/** Of bodies, in bytes. */
export const SMALL = 1_000;
export const LARGE = 100_000;

/** What the agent sends. */
export interface Asked {
  readonly target?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface Given {
  readonly host: string;
  readonly port: number;
  /** A believable body of the wanted size; with a token in a field of its own where one is given. */
  body(token?: string): Buffer;
  /** One GET by itself, before anything is measured: all of the answer. */
  get(target: string): Promise<string>;
}

export interface Kind {
  readonly name: string;
  /** Name of the kind that it is compared with, which has its sizes; its own name = others are compared with it. */
  readonly than: string;
  readonly sizes: readonly number[];
  readonly route: Partial<Route>;
  readonly secrets: readonly SecretValue[];
  /** A message in a WebSocket of its own, opened for it, instead of a request. */
  readonly message?: string;
  /** On a proxy of its own, and in few turns: it changes what is searched for on all routes. */
  readonly isAlone?: true;
  /** Once: the same is sent in all turns. */
  ask(given: Given): Asked | Promise<Asked>;
  isRight(seen: Seen, answer: string): boolean;
}

const random = (): string => randomBytes(20).toString('hex');
const VALUE = random();
const PLACEHOLDER = `bottle-${random()}`;
const K: SecretValue = { name: 'K', value: VALUE, placeholder: PLACEHOLDER };
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const field = ({ head }: Seen, name: string): string => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1] ?? '';
const target = ({ head }: Seen): string => head.split(' ', 2)[1] ?? '';
const swapIn = (place: 'header' | 'query' | 'path' | 'body' | 'ws'): Partial<Route> => ({
  placeholder: { secret: 'K', in: [place] },
});

export const NONE = 'none';
const plain: Omit<Kind, 'name' | 'isRight'> = {
  than: NONE,
  sizes: [SMALL],
  route: {},
  secrets: [],
  ask: () => ({}),
};
const withKey = { ...plain, secrets: [K] };
const isBare = (seen: Seen): boolean => field(seen, 'authorization') === '' && target(seen) === '/json';
const tokenIn = (answer: string): string => /"access_token":"([^"]*)"/.exec(answer)?.[1] ?? '';
const isSwapped = (seen: Seen, answer: string): boolean =>
  tokenIn(answer) !== '' && !answer.includes(tokenIn(seen.answer));
const AWS: Partial<Route> = {
  auth: { type: 'sigv4', accessKey: 'AWS_ID', secret: 'AWS_KEY', sessionToken: null, services: null, regions: null },
};
const AWS_SECRETS: readonly SecretValue[] = [
  { name: 'AWS_ID', value: REAL.accessKeyId, placeholder: HELD.accessKeyId },
  { name: 'AWS_KEY', value: REAL.secretAccessKey, placeholder: HELD.secretAccessKey },
];
const isSigned = (seen: Seen): boolean => field(seen, 'authorization').includes(`Credential=${REAL.accessKeyId}/`);
const hello = (token: string): string => JSON.stringify({ type: 'auth', token });

/** `identity`: PEM of a certificate and its key, and the name in it. */
export const kindsWith = (identity: {
  readonly key: string;
  readonly cert: string;
  readonly name: string;
}): readonly Kind[] => [
  { ...plain, name: NONE, sizes: [SMALL, LARGE], isRight: isBare },
  // What two measurements of the same differ by.
  { ...plain, name: 'none, again', sizes: [SMALL, LARGE], isRight: isBare },
  {
    ...withKey,
    name: 'bearer',
    route: { auth: { type: 'bearer', secret: 'K' } },
    isRight: (seen) => field(seen, 'authorization') === `Bearer ${VALUE}`,
  },
  {
    ...withKey,
    name: 'basic',
    route: { auth: { type: 'basic', secret: 'K', username: 'user' } },
    isRight: (seen) => field(seen, 'authorization') === `Basic ${base64(`user:${VALUE}`)}`,
  },
  {
    ...withKey,
    name: 'header, template',
    route: { auth: { type: 'header', secret: 'K', name: 'x-api-key', template: 'Token {secret}' } },
    isRight: (seen) => field(seen, 'x-api-key') === `Token ${VALUE}`,
  },
  {
    ...withKey,
    name: 'query',
    route: { auth: { type: 'query', secret: 'K', name: 'key' } },
    isRight: (seen) => target(seen) === `/json?key=${VALUE}`,
  },
  {
    ...withKey,
    name: 'placeholder in a header',
    route: swapIn('header'),
    ask: () => ({ fields: { Authorization: `Bearer ${PLACEHOLDER}` } }),
    isRight: (seen) => field(seen, 'authorization') === `Bearer ${VALUE}`,
  },
  {
    ...withKey,
    name: 'placeholder in Basic',
    route: swapIn('header'),
    ask: () => ({ fields: { Authorization: `Basic ${base64(`user:${PLACEHOLDER}`)}` } }),
    isRight: (seen) => field(seen, 'authorization') === `Basic ${base64(`user:${VALUE}`)}`,
  },
  {
    ...withKey,
    name: 'placeholder in the query',
    route: swapIn('query'),
    ask: () => ({ target: `/json?key=${PLACEHOLDER}` }),
    isRight: (seen) => target(seen) === `/json?key=${VALUE}`,
  },
  {
    ...withKey,
    name: 'placeholder in the path',
    route: swapIn('path'),
    ask: () => ({ target: `/bot${PLACEHOLDER}/json` }),
    isRight: (seen) => target(seen) === `/bot${VALUE}/json`,
  },
  {
    ...withKey,
    name: 'placeholder in the body',
    sizes: [SMALL, LARGE],
    route: swapIn('body'),
    ask: ({ body }) => ({ body: body(PLACEHOLDER) }),
    isRight: ({ body }) => (JSON.parse(body.toString()) as { token: string }).token === VALUE,
  },
  {
    ...withKey,
    name: 'hmac',
    sizes: [SMALL, LARGE],
    route: {
      auth: {
        ...{ type: 'hmac', secret: 'K', accessKey: null, algorithm: 'sha256', encoding: 'hex', secretEncoding: 'utf8' },
        message: '{timestamp}.{method}.{path}.{body}',
        headers: { 'x-time': '{timestamp}', 'x-signature': '{signature}' },
        query: {},
      },
    },
    isRight: (seen) =>
      field(seen, 'x-signature') ===
      createHmac('sha256', VALUE)
        .update(`${field(seen, 'x-time')}.POST./json.`)
        .update(seen.body)
        .digest('hex'),
  },
  {
    ...plain,
    name: 'sigv4, header',
    sizes: [SMALL, LARGE],
    route: AWS,
    secrets: AWS_SECRETS,
    ask: signedWhole,
    isRight: isSigned,
  },
  {
    ...plain,
    name: 'sigv4, stream of chunks',
    sizes: [SMALL, LARGE],
    route: AWS,
    secrets: AWS_SECRETS,
    ask: signedChunks,
    isRight: isSigned,
  },
  {
    ...plain,
    name: 'client certificate',
    route: { clientCertificate: { certificate: 'CERT', key: 'CERT_KEY' } },
    secrets: [
      { name: 'CERT', value: identity.cert, placeholder: `bottle-${random()}` },
      { name: 'CERT_KEY', value: identity.key, placeholder: `bottle-${random()}` },
    ],
    isRight: (seen) => seen.shownBy === identity.name && isBare(seen),
  },
  {
    ...plain,
    name: 'cookies: hold',
    route: { cookies: 'hold' },
    secrets: [{ name: HELD_COOKIES, value: random(), placeholder: `bottle-cookie-${random()}` }],
    ask: async ({ get }) => {
      const cookie = /^set-cookie: ([^;]*)/im.exec(await get('/login'))?.[1] ?? '';
      // Its own would arrive as well.
      return { fields: { Cookie: cookie.includes(COOKIE) ? '' : cookie } };
    },
    isRight: (seen) => field(seen, 'cookie') === `sid=${COOKIE}`,
  },
  {
    ...plain,
    name: 'token answer, as it is',
    than: 'token answer, as it is',
    ask: () => ({ target: '/token' }),
    isRight: (seen, answer) => tokenIn(answer) !== '' && tokenIn(answer) === tokenIn(seen.answer),
  },
  {
    ...plain,
    name: 'tokens, one that is known',
    than: 'token answer, as it is',
    route: { tokens: { fields: ['access_token'] } },
    ask: () => ({ target: '/token' }),
    isRight: isSwapped,
  },
  {
    ...plain,
    name: 'tokens, a new one each time',
    than: 'token answer, as it is',
    isAlone: true,
    route: { tokens: { fields: ['access_token'] } },
    ask: () => ({ target: '/token/new' }),
    isRight: isSwapped,
  },
  {
    ...plain,
    name: 'WebSocket and its first message',
    than: 'WebSocket and its first message',
    message: hello('a word that is no secret, as long as the other: 12'),
    isRight: ({ body }) => body.includes('no secret'),
  },
  {
    ...withKey,
    name: 'placeholder in the first message',
    than: 'WebSocket and its first message',
    route: swapIn('ws'),
    message: hello(PLACEHOLDER),
    isRight: ({ body }) => body.toString() === hello(VALUE),
  },
];
