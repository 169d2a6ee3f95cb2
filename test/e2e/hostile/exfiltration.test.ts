// Secrets on their way out, in every place and encoding we could think of: nothing may reach the upstream.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BODY_CARRIERS, DISGUISES, ENCODINGS, HEAD_CARRIERS } from './evasions.ts';
import { openHost, type RawClient, request } from './raw-client.ts';
import { type Rig, startRig } from './rig.ts';
import { chars, TOKENS } from './tokens.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const known = `${chars(LETTERS, 8)}-${chars(LETTERS, 32)}`;
const HOST = 'open.example';

let rig: Rig;
let placeholder: string;
let client: RawClient | null = null;
beforeAll(async () => {
  rig = await startRig({
    spec: `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
egress:
  allow:
    - open.example
    - { host: bound.example, auth: { type: bearer, secret: TOKEN } }
`,
    env: { HOSTILE_TOKEN: known },
    hosts: ['open.example:443', 'bound.example:443'],
  });
  placeholder = rig.placeholders.TOKEN ?? '';
});
afterAll(() => rig.stop());

/** True when the request was refused and not one byte of it arrived. */
async function isContained(bytes: Buffer): Promise<boolean> {
  rig.arrived();
  if (client === null || client.isEnded) client = await openHost(rig, HOST);
  client.send(bytes);
  const { status, head, blockedBy } = await client.answer();
  if (/\r\nconnection: close/i.test(head)) {
    client.close();
    client = null;
  }
  if (status === 200 || blockedBy === '') return false;
  if (bytes.length <= HELD_BYTES) return rig.arrived() === '';
  // A larger body has begun to leave; its last bytes, the secret among them, must not.
  let arrived = rig.arrived();
  for (let quiet = 0; quiet < 3; quiet++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const more = rig.arrived();
    if (more !== '') quiet = 0;
    arrived += more;
  }
  return !arrived.includes(bytes.toString('latin1', bytes.length - 24));
}

/** What the proxy reads before it lets a byte go. */
const HELD_BYTES = 4 * 1024 * 1024;

const CUT_UP = /halves|siblings|pieces|groups/;

interface Case {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Names of the cases that got out. */
async function escapes(cases: Iterable<Case>): Promise<{ readonly missed: readonly string[]; readonly all: number }> {
  const missed: string[] = [];
  let all = 0;
  for (const { name, bytes } of cases) {
    all++;
    if (!(await isContained(bytes))) missed.push(name);
  }
  return { missed, all };
}

const post = (body: Buffer | string, type = 'text/plain'): Buffer =>
  request('POST /data', HOST, [`Content-Type: ${type}`], Buffer.from(body));

const kinds = (): readonly (readonly [string, string])[] => [
  ['known', known],
  ['placeholder', placeholder],
  ['github token', TOKENS['github classic']?.() ?? ''],
];

describe('known secrets, placeholders and a token', () => {
  test('in every place of a request, as they are', async () => {
    const carriers = Object.entries({ ...HEAD_CARRIERS, ...BODY_CARRIERS });
    const cases = kinds().flatMap(([kind, text]) =>
      carriers.map(([where, carry]) => ({ name: `${kind}: ${where}`, bytes: carry(text, HOST) })),
    );
    expect((await escapes(cases)).missed).toEqual([]);
  });

  test('in every encoding, in every place of a head', async () => {
    const cases = kinds().flatMap(([kind, text]) =>
      Object.entries(ENCODINGS).flatMap(([encoding, encode]) =>
        Object.entries(HEAD_CARRIERS)
          // A field is one line; three layers in a fourth are one more than is read.
          .filter(
            ([where]) => !encoding.includes('wrapped') && !(encoding.includes('three') && where.startsWith('basic')),
          )
          .map(([where, carry]) => ({ name: `${kind}: ${encoding}: ${where}`, bytes: carry(encode(text), HOST) })),
      ),
    );
    expect((await escapes(cases)).missed).toEqual([]);
  });

  test('in every encoding, in bodies', async () => {
    const places = [
      'plain text',
      'text alone',
      'JSON value',
      'JSON in JSON',
      'form',
      'multipart value',
      'gzip',
      'XML text',
    ];
    const cases = kinds().flatMap(([kind, text]) =>
      Object.entries(ENCODINGS).flatMap(([encoding, encode]) =>
        places.map((where) => ({
          name: `${kind}: ${encoding}: ${where}`,
          bytes: BODY_CARRIERS[where]?.(encode(text), HOST) ?? Buffer.alloc(0),
        })),
      ),
    );
    expect((await escapes(cases)).missed).toEqual([]);
  });

  test('disguised or cut up, in bodies', async () => {
    const cases = kinds().flatMap(([kind, text]) =>
      Object.entries(DISGUISES).flatMap(([name, disguise]) => {
        // Half a format is none: what was cut up is found of values that we know.
        if (kind === 'github token' && CUT_UP.test(name)) return [];
        const hidden = disguise(text);
        const type = name.startsWith('JSON') ? 'application/json' : 'text/plain';
        return [
          { name: `${kind}: ${name}`, bytes: post(hidden, type) },
          {
            name: `${kind}: ${name}, in text`,
            bytes: post(Buffer.concat([Buffer.from('Some words. '), Buffer.from(hidden), Buffer.from(' More words.')])),
          },
        ];
      }),
    );
    expect((await escapes(cases)).missed).toEqual([]);
  });

  test('cut up over fields, parameters, segments and cookies', async () => {
    const cases = kinds().flatMap(([kind, text]) => {
      const half = text.length >> 1;
      const [a, b] = [text.slice(0, half), text.slice(half)];
      const pieces = text.match(/.{1,8}/g) ?? [];
      const get = (target: string, fields: readonly string[] = []) => request(`GET ${target}`, HOST, fields);
      return Object.entries({
        'two query values': get(`/q?a=${a}&b=${b}`),
        'many query values': get(`/q?${pieces.map((piece, i) => `p${i}=${piece}`).join('&')}`),
        'the same query name': get(`/q?${pieces.map((piece) => `p=${piece}`).join('&')}`),
        'query names': get(`/q?${a}=1&${b}=2`),
        'two fields': get('/h', [`X-A: ${a}`, `X-B: ${b}`]),
        'many fields': get(
          '/h',
          pieces.map((piece, i) => `X-${i}: ${piece}`),
        ),
        'one field twice': get('/h', [`X-A: ${a}`, `X-A: ${b}`]),
        cookies: get('/h', [`Cookie: a=${a}; b=${b}`]),
        segments: get(`/${pieces.join('/')}`),
        'path and query': get(`/${a}?b=${b}`),
        'query and field': get(`/q?a=${a}`, [`X-B: ${b}`]),
      }).map(([name, bytes]) => ({ name: `${kind}: ${name}`, bytes }));
    });
    // A format cut in two is no proof of anything in a head; the values that we know are.
    const { missed } = await escapes(cases.filter(({ name }) => !name.startsWith('github')));
    expect(missed).toEqual([]);
  });

  test('in another letter case', async () => {
    const cases = [known, placeholder].flatMap((text) =>
      [text.toUpperCase(), text.toLowerCase()].flatMap((one) => [
        { name: `field ${one === text.toUpperCase()}`, bytes: request('GET /', HOST, [`X-T: ${one}`]) },
        { name: `name of a field`, bytes: request('GET /', HOST, [`${one}: x`]) },
        { name: `body`, bytes: post(`x ${one} y`) },
      ]),
    );
    expect((await escapes(cases)).missed).toEqual([]);
  });
});

describe('tokens of vendors', () => {
  const tokens = (): readonly (readonly [string, string])[] =>
    Object.entries(TOKENS).map(([name, make]) => [name, make()]);

  test('as they are, in every place', async () => {
    const large = /behind/;
    const carriers = Object.entries({ ...HEAD_CARRIERS, ...BODY_CARRIERS }).filter(([where]) => !large.test(where));
    const cases = tokens().flatMap(([vendor, token]) =>
      carriers.map(([where, carry]) => ({ name: `${vendor}: ${where}`, bytes: carry(token, HOST) })),
    );
    expect((await escapes(cases)).missed).toEqual([]);
  });

  test('in every encoding, in a JSON body and a query', async () => {
    const cases = tokens().flatMap(([vendor, token]) =>
      Object.entries(ENCODINGS).flatMap(([encoding, encode]) => [
        {
          name: `${vendor}: ${encoding}: JSON`,
          bytes: BODY_CARRIERS['JSON value']?.(encode(token), HOST) ?? Buffer.alloc(0),
        },
        {
          name: `${vendor}: ${encoding}: query`,
          bytes: HEAD_CARRIERS['query value']?.(encode(token), HOST) ?? Buffer.alloc(0),
        },
      ]),
    );
    const { missed, all } = await escapes(cases);
    // Rot13 of what begins with two letters or is known by its signs alone is any text.
    const beyond = /^(google oauth|hugging face|sendgrid|telegram bot|database url|url password): rot13/;
    expect(missed.filter((name) => !beyond.test(name))).toEqual([]);
    expect(all).toBeGreaterThan(1000);
  });

  test('disguised, in bodies', async () => {
    const apart = /dashes|spaces|dots|lines|letters/;
    const cases = tokens().flatMap(([vendor, token]) =>
      Object.entries(DISGUISES)
        // Nor are whole key files found, or a word and a token, when every character of them stands alone.
        .filter(([name]) => !CUT_UP.test(name) && !(apart.test(name) && /private key|discord|twilio/.test(vendor)))
        .map(([name, disguise]) => ({ name: `${vendor}: ${name}`, bytes: post(disguise(token)) })),
    );
    expect((await escapes(cases)).missed).toEqual([]);
  });
});

test('one record a request, and not a piece of a secret in the log', () => {
  const log = JSON.stringify(rig.records());
  for (const text of [known, placeholder]) {
    expect(log.toLowerCase()).not.toContain(text.slice(9, 25).toLowerCase());
    expect(log).not.toContain(Buffer.from(text).toString('base64').slice(4, 24));
    expect(log).not.toContain(Buffer.from(text).toString('hex').slice(8, 40));
  }
  expect(rig.stderr()).toBe('');
});
