// Signatures as services document them: their own examples, and what node:crypto gives for the text that their documents say is signed.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { HmacAuth, SecretValue } from '../../../src/contract.ts';
import { NotSigned } from '../../../src/pipeline/sign/agent-signature.ts';
import { hmacSigning } from '../../../src/pipeline/sign/hmac-signing.ts';
import type { SignableBody, SignableRequest } from '../../../src/pipeline/sign/signing.ts';
import { routeTo } from '../../integration/harness/config.ts';

const NOW = new Date('2026-11-24T12:00:00.789Z');
const UNIX = '1795521600';
const NONCE = randomBytes(16).toString('hex');
const KEY = randomBytes(24).toString('base64');
const ID = randomBytes(8).toString('hex');

interface Case {
  readonly auth: Partial<HmacAuth>;
  readonly key?: string;
  readonly id?: string;
  readonly request?: Partial<SignableRequest>;
  readonly body?: string | Uint8Array | SignableBody;
}

function sign({ auth, key = KEY, id = ID, request, body }: Case) {
  const secrets: SecretValue[] = [
    { name: 'KEY', value: key, placeholder: '' },
    { name: 'ID', value: id, placeholder: '' },
  ];
  const whole: HmacAuth = {
    ...{ type: 'hmac', secret: 'KEY', accessKey: null, algorithm: 'sha256', encoding: 'hex', secretEncoding: 'utf8' },
    ...{ message: '{body}', headers: {}, query: {}, ...auth },
  };
  const signing = hmacSigning(routeTo('api.example'), whole, new Map(secrets.map((one) => [one.name, one])));
  const asked = { method: 'POST', target: '/', host: 'api.example', rawHeaders: ['Host', 'api.example'], ...request };
  const carried: SignableBody =
    typeof body === 'string' || body instanceof Uint8Array
      ? { kind: 'whole', bytes: Buffer.from(body as Uint8Array), isChanged: false }
      : (body ?? { kind: 'none' });
  return { signing, ...signing.sign(asked, carried, { now: NOW, nonce: NONCE }) };
}

const fields = (raw: readonly string[]) =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${raw[i + 1]}`] : [])).slice(1);
const hmac = (algorithm: string, key: string | Buffer, ...parts: (string | Uint8Array)[]) => {
  const mac = createHmac(algorithm, key);
  for (const part of parts) mac.update(part);
  return mac;
};

describe('documented examples', () => {
  it.each<[string, Case, string[]]>([
    [
      "GitHub's webhooks",
      {
        auth: { headers: { 'x-hub-signature-256': 'sha256={signature}' } },
        key: "It's a Secret to Everybody",
        body: 'Hello, World!',
      },
      ['x-hub-signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'],
    ],
    [
      'RFC 4231, case 2, SHA-512',
      {
        auth: { algorithm: 'sha512', headers: { s: '{signature}' } },
        key: 'Jefe',
        body: 'what do ya want for nothing?',
      },
      [
        's: 164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
      ],
    ],
    [
      'RFC 2202, case 3, SHA-1 with a key in hex over bytes',
      {
        auth: { algorithm: 'sha1', secretEncoding: 'hex', headers: { s: '{signature}' } },
        key: 'aa'.repeat(20),
        body: Buffer.alloc(50, 0xdd),
      },
      ['s: 125d7342b9ac11cd91a39af48aa17b4f63f175d3'],
    ],
  ])('%s', (_, given, expected) => {
    expect(fields(sign(given).rawHeaders)).toEqual(expected);
  });

  it("Binance's signed query", () => {
    const key = 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j';
    const target =
      '/api/v3/order?symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559';
    const auth = { message: '{query}{body}', query: { signature: '{signature}' } };
    expect(sign({ auth, key, request: { target } }).target).toBe(
      `${target}&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71`,
    );
  });
});

describe('what services say is signed', () => {
  const body = JSON.stringify({ a: 1, text: 'größer' });
  it.each<[string, Case, string[]]>([
    [
      'Slack',
      {
        auth: {
          message: 'v0:{timestamp}:{body}',
          headers: { 'x-slack-signature': 'v0={signature}', 'x-slack-request-timestamp': '{timestamp}' },
        },
        body,
      },
      [
        `x-slack-signature: v0=${hmac('sha256', KEY, `v0:${UNIX}:${body}`).digest('hex')}`,
        `x-slack-request-timestamp: ${UNIX}`,
      ],
    ],
    [
      'Stripe',
      {
        auth: { message: '{timestamp}.{body}', headers: { 'stripe-signature': 't={timestamp},v1={signature}' } },
        body,
      },
      [`stripe-signature: t=${UNIX},v1=${hmac('sha256', KEY, `${UNIX}.${body}`).digest('hex')}`],
    ],
    [
      'an exchange: time, method, path and body, key and signature in base64',
      {
        auth: {
          ...{
            message: '{timestamp}{method}{path}{body}',
            secretEncoding: 'base64',
            encoding: 'base64',
            accessKey: 'ID',
          },
          headers: { 'x-sign': '{signature}', 'x-timestamp': '{timestamp}', 'x-key': '{access_key}' },
        },
        request: { target: '/orders?limit=1&a=%20b' },
        body,
      },
      [
        `x-sign: ${hmac('sha256', Buffer.from(KEY, 'base64'), `${UNIX}POST/orders?limit=1&a=%20b${body}`).digest('base64')}`,
        `x-timestamp: ${UNIX}`,
        `x-key: ${ID}`,
      ],
    ],
    [
      'lines of host, query, times, nonce and a hash of the body',
      {
        auth: {
          message: '{host}\n{query}\n{timestamp_ms}\n{timestamp_iso}\n{nonce}\n{body_sha256}\n{access_key}\n{"é"}',
          ...{ algorithm: 'sha512', encoding: 'base64url', accessKey: 'ID' },
          headers: { a: '{timestamp_ms} {timestamp_iso} {nonce} {body_sha256}', b: '{signature}' },
        },
        request: { target: '/x?q=1', host: 'api.example:8443' },
        body,
      },
      (() => {
        const hash = createHash('sha256').update(body).digest('hex');
        const times = ['1795521600789', '2026-11-24T12:00:00.789Z', NONCE, hash];
        const lines = ['api.example:8443', 'q=1', ...times, ID, '{"é"}'].join('\n');
        return [`a: ${times.join(' ')}`, `b: ${hmac('sha512', KEY, lines).digest('base64url')}`];
      })(),
    ],
    [
      'bytes that are no text',
      { auth: { headers: { s: '{signature}' } }, body: Buffer.from([0xed, 0xa0, 0x80, 0x00, 0xff, 0x0d, 0x0a]) },
      [`s: ${hmac('sha256', KEY, Buffer.from([0xed, 0xa0, 0x80, 0x00, 0xff, 0x0d, 0x0a])).digest('hex')}`],
    ],
    [
      'no body, and a path of bytes above ASCII',
      { auth: { message: '{path}|{body}', headers: { s: '{signature}' } }, request: { target: '/\xc3\xa9' } },
      [`s: ${hmac('sha256', KEY, '/é|').digest('hex')}`],
    ],
  ])('%s', (_, given, expected) => {
    expect(fields(sign(given).rawHeaders)).toEqual(expected);
  });
});

describe('what the agent sends in our places', () => {
  it('is removed from fields, however they are written', () => {
    const rawHeaders = ['Host', 'api.example', 'X-Sig', 'mine', 'x_sig', 'mine', 'X-SIG', 'mine', 'X-Sign', 'stays'];
    const signed = sign({ auth: { headers: { 'x-sig': '{signature}' } }, request: { rawHeaders }, body: 'b' });
    expect(fields(signed.rawHeaders)).toEqual(['X-Sign: stays', `x-sig: ${hmac('sha256', KEY, 'b').digest('hex')}`]);
  });

  it.each([
    ['/x', '/x?', ''],
    ['/x?', '/x?', ''],
    ['/x?sig=mine', '/x?', ''],
    ['/x?a=1&sig=mine&b&s%69g=mine', '/x?a=1&b&', 'a=1&b&'],
  ])('is removed from the query %s', (target, start, rest) => {
    const auth = { message: '{query}', query: { sig: '{signature}', 'time stamp': '{timestamp_iso}' } };
    const time = 'time%20stamp=2026-11-24T12%3A00%3A00.789Z';
    expect(sign({ auth, request: { target } }).target).toBe(
      `${start}${time}&sig=${hmac('sha256', KEY, `${rest}${time}`).digest('hex')}`,
    );
  });

  it('leaves a query alone that nothing of ours goes into', () => {
    const auth = { headers: { s: '{signature}' } };
    for (const target of ['/x', '/x?', '/x?&&a', '/x?s=1'])
      expect(sign({ auth, request: { target } }).target).toBe(target);
  });
});

describe('a body that is not there as a whole', () => {
  const body = { kind: 'stream', mayChange: false } as const;
  it.each(['{body}', '{timestamp}{body_sha256}'])('cannot be signed by %s', (message) => {
    expect(() => sign({ auth: { message, headers: { s: '{signature}' } }, body })).toThrow(NotSigned);
  });

  it('does not matter to a signature that does not cover it', () => {
    const auth = { message: '{method} {path}', headers: { s: '{signature}' } };
    expect(fields(sign({ auth, body }).rawHeaders)).toEqual([`s: ${hmac('sha256', KEY, 'POST /').digest('hex')}`]);
  });
});

describe('is refused when it is compiled:', () => {
  const headers = { s: '{signature}' };
  it.each<[string, Case, RegExp]>([
    ['a key that is no hex', { auth: { secretEncoding: 'hex', headers }, key: 'abc' }, /KEY is no hex/],
    ['a key that is no base64', { auth: { secretEncoding: 'base64', headers }, key: 'a b=' }, /KEY is no base64/],
    [
      'base64 that ends in the middle',
      { auth: { secretEncoding: 'base64', headers }, key: 'abcde' },
      /KEY is no base64/,
    ],
    ['a part that is none', { auth: { message: '{secret}', headers } }, /no part \{secret\}/],
    ['the body in a field', { auth: { headers: { s: '{signature}{body}' } } }, /no part \{body\}/],
    ['a signature that is sent nowhere', { auth: { headers: { s: '{nonce}' } } }, /sent nowhere/],
    ['a field that frames', { auth: { headers: { ...headers, host: '{nonce}' } } }, /cannot use the header "host"/],
    ['an id with a line break', { auth: { accessKey: 'ID', headers }, id: 'a\r\nx: y' }, /ID cannot stand in a header/],
    ['a secret that is not there', { auth: { accessKey: 'NOPE', headers } }, /no secret NOPE/],
  ])('%s', (_, given, why) => {
    expect(() => sign(given)).toThrow(why);
  });
});
