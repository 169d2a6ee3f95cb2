import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  encodeAnswer,
  encodeError,
  encodeQuery,
  parseQuery,
  readReply,
  TYPE_A,
  TYPE_AAAA,
} from '../../../src/net/dns-message.ts';

const ADDRESS = Buffer.from([198, 18, 0, 1]);

function question(query: Buffer) {
  const parsed = parseQuery(query);
  if (parsed.kind !== 'question') throw new Error(`not a question: ${JSON.stringify(parsed)}`);
  return parsed.question;
}

/** A query with labels and tail as given. */
function query(labels: readonly (string | Buffer)[], tail = '0000010001', header = '123401000001000000000000'): Buffer {
  const encoded = labels.map((label) =>
    Buffer.concat([Buffer.from([label.length]), Buffer.from(label as string, 'latin1')]),
  );
  return Buffer.concat([Buffer.from(header, 'hex'), ...encoded, Buffer.from(tail, 'hex')]);
}

describe('a question', () => {
  test('is read: id, lower-case name, type, class', () => {
    expect(question(encodeQuery(0x1234, 'API.Example', TYPE_A))).toMatchObject({
      id: 0x1234,
      name: 'api.example',
      type: 'A',
      isInternetClass: true,
      recursionDesired: true,
      hasEdns: false,
    });
  });

  test.each([
    ['0000010001', 'A'],
    ['00001c0001', 'AAAA'],
    ['0000100001', 'TXT'],
    ['0000410001', 'HTTPS'],
    ['0000ff0001', 'ANY'],
    ['00fffe0001', 'TYPE65534'],
  ])('type of %s is %s', (tail, type) => {
    expect(question(query(['x'], tail)).type).toBe(type);
  });

  test('the root has the empty name', () => {
    expect(question(query([])).name).toBe('');
  });

  test('bytes that no host name holds are written so that two names never look alike', () => {
    expect(question(query([Buffer.from('a.b'), Buffer.from([0, 0x1b, 0xff, 0x5c]), 'x y'])).name).toBe(
      'a\\046b.\\000\\027\\255\\092.x\\032y',
    );
  });

  test('an OPT record is noticed and answered with one', () => {
    const withOpt = Buffer.concat([
      query(['x'], '0000010001', '123401000001000000000001'),
      Buffer.from('0000291000000000000000', 'hex'),
    ]);
    const asked = question(withOpt);
    expect(asked.hasEdns).toBe(true);
    expect(encodeAnswer(asked, 'ok', [ADDRESS]).toString('hex')).toBe(
      '12348180000100010000000101780000010001c00c00010001000000010004c612000100002904d0000000000000',
    );
  });
});

describe('what is no question gets an error, or nothing', () => {
  test.each([
    ['an answer', query(['x'], '0000010001', '123481800001000000000000'), 'ignore'],
    ['less than a header', Buffer.alloc(11), 'ignore'],
    ['nothing', Buffer.alloc(0), 'ignore'],
    ['no question', query([], '', '123401000000000000000000'), 'malformed'],
    ['two questions', query(['x'], '0000010001', '123401000002000000000000'), 'malformed'],
    ['an update', query(['x'], '0000010001', '123428000001000000000000'), 'unknown-operation'],
    ['a name that does not end', query(['abc'], ''), 'malformed'],
    ['a compression pointer to itself', query([], 'c00c00010001'), 'malformed'],
    ['a label of 64 bytes', query(['x'.repeat(64)]), 'malformed'],
    ['a name of 256 bytes', query(Array.from({ length: 4 }, () => 'x'.repeat(63))), 'malformed'],
    ['a question cut off in its class', query(['x'], '00000100'), 'malformed'],
  ])('%s: %s', (_, bytes, expected) => {
    const parsed = parseQuery(bytes);
    expect(parsed.kind === 'bad' ? parsed.code : parsed.kind).toBe(expected);
  });

  test('the longest legal name is read', () => {
    const labels = ['x'.repeat(63), 'x'.repeat(63), 'x'.repeat(63), 'x'.repeat(61)];
    expect(question(query(labels)).name).toBe(labels.join('.'));
  });

  test('20,000 random and half-broken messages never throw', () => {
    const sound = encodeQuery(1, 'some.long.name.example', TYPE_A);
    for (let i = 0; i < 20_000; i++) {
      const noise = randomBytes(i % 64);
      const broken = Buffer.concat([sound.subarray(0, i % sound.length), noise]);
      if (broken.length > 0) broken[i % broken.length]! ^= 1 << (i % 8);
      for (const bytes of [noise, broken]) {
        const parsed = parseQuery(bytes);
        if (parsed.kind === 'question') encodeAnswer(parsed.question, 'ok', [ADDRESS]);
        readReply(bytes);
      }
    }
  });
});

describe('an answer', () => {
  test('repeats the question byte for byte, in the case it came in', () => {
    const asked = question(encodeQuery(7, 'MiXeD.Example', TYPE_A));
    const answer = encodeAnswer(asked, 'ok', [ADDRESS], 5);
    expect(answer.includes(Buffer.from('MiXeD', 'latin1'))).toBe(true);
    expect(readReply(answer)).toEqual({ id: 7, code: 0, answerCount: 1, firstAddress: '198.18.0.1' });
  });

  test('carries IPv6 addresses as AAAA', () => {
    const asked = question(encodeQuery(7, 'x', TYPE_AAAA));
    const answer = encodeAnswer(asked, 'ok', [Buffer.alloc(16, 1)]);
    expect(answer.subarray(asked.wire.length + 12).toString('hex')).toBe(`c00c001c0001000000010010${'01'.repeat(16)}`);
  });

  test('without addresses is empty and no error', () => {
    expect(readReply(encodeAnswer(question(encodeQuery(7, 'x', 16)), 'ok'))).toEqual({
      id: 7,
      code: 0,
      answerCount: 0,
      firstAddress: null,
    });
  });

  test('can be an error without a question', () => {
    expect(readReply(encodeError(9, 'malformed'))).toMatchObject({ id: 9, code: 1, answerCount: 0 });
  });
});
