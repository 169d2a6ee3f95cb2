import { describe, expect, it } from 'vitest';
import { Malformed } from '../../../src/net/h1/malformed.ts';
import { agreeOn, withReadableOffers } from '../../../src/net/websocket/extension.ts';

const field = (...values: string[]): string[] => values.flatMap((value) => ['Sec-WebSocket-Extensions', value]);
const offerOf = (...values: string[]): readonly string[] =>
  withReadableOffers(['Host', 'a.example', ...field(...values)]);

describe('what an agent offers', () => {
  it.each([
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; client_max_window_bits=10; server_max_window_bits=15',
    'permessage-deflate;server_no_context_takeover;client_no_context_takeover, permessage-deflate',
    'permessage-deflate; server_max_window_bits="12"',
  ])('leaves as it is where we understand it: %s', (value) => {
    const fields = ['Host', 'a.example', ...field(value)];
    expect(withReadableOffers(fields)).toBe(fields);
  });

  it.each([
    ['x-webkit-deflate-frame', []],
    ['permessage-bzip2', []],
    ['permessage-deflate; mux=1', []],
    ['permessage-deflate; server_max_window_bits', []],
    ['permessage-deflate; server_max_window_bits=16', []],
    ['permessage-deflate; server_max_window_bits=7', []],
    ['permessage-deflate; server_max_window_bits=08', []],
    ['permessage-deflate; client_no_context_takeover=1', []],
    ['permessage-deflate; client_no_context_takeover; client_no_context_takeover', []],
    ['permessage-deflate; "server_no_context_takeover"', []],
    ['permessage-deflate;', []],
    ['bbf-usp-protocol, permessage-deflate; client_max_window_bits', ['permessage-deflate; client_max_window_bits']],
    ['permessage-deflate; odd=1, permessage-deflate', ['permessage-deflate']],
  ])('goes without what would hide its messages: %s', (value, kept) => {
    expect(offerOf(value)).toEqual(['Host', 'a.example', ...field(...kept)]);
  });

  it('is one field once something of it was left out', () => {
    expect(offerOf('mux', 'permessage-deflate', 'permessage-deflate; server_no_context_takeover')).toEqual([
      ...['Host', 'a.example'],
      ...field('permessage-deflate, permessage-deflate; server_no_context_takeover'),
    ]);
  });
});

describe('what an upstream answers', () => {
  const side = (keepsWindow: boolean, windowBits: number) => ({ keepsWindow, windowBits });
  const full = side(true, 15);
  it.each([
    ['permessage-deflate', '', null],
    ['', '', null],
    ['permessage-deflate', 'permessage-deflate', { agent: full, upstream: full }],
    [
      'permessage-deflate',
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
      { agent: side(false, 15), upstream: side(false, 15) },
    ],
    ['permessage-deflate', 'permessage-deflate; server_max_window_bits=9', { agent: full, upstream: side(true, 9) }],
    [
      'permessage-deflate; client_max_window_bits',
      'permessage-deflate; client_max_window_bits=8',
      { agent: side(true, 8), upstream: full },
    ],
    [
      'permessage-deflate; client_max_window_bits=11; server_max_window_bits=12',
      'permessage-deflate; client_max_window_bits=10; server_max_window_bits=12',
      { agent: side(true, 10), upstream: side(true, 12) },
    ],
    [
      'permessage-deflate; server_no_context_takeover, permessage-deflate',
      'permessage-deflate',
      { agent: full, upstream: full },
    ],
  ])('to %s with %s is agreed', (offer, answer, agreed) => {
    expect(agreeOn(offer === '' ? [] : field(offer), answer === '' ? [] : field(answer))).toEqual(agreed);
  });

  it.each([
    ['', 'permessage-deflate'],
    ['permessage-deflate', 'permessage-deflate, permessage-deflate'],
    ['permessage-deflate', 'permessage-bzip2'],
    ['permessage-deflate', 'permessage-deflate, x-other'],
    ['permessage-deflate', 'permessage-deflate; odd'],
    ['permessage-deflate', 'permessage-deflate; client_max_window_bits=10'],
    ['permessage-deflate; client_max_window_bits', 'permessage-deflate; client_max_window_bits'],
    ['permessage-deflate; client_max_window_bits=10', 'permessage-deflate; client_max_window_bits=11'],
    ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate; server_max_window_bits=11'],
    ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate'],
    ['permessage-deflate; server_no_context_takeover', 'permessage-deflate'],
    ['permessage-deflate', 'permessage-deflate; server_max_window_bits=16'],
    ['permessage-deflate', 'permessage-deflate; server_no_context_takeover; server_no_context_takeover'],
  ])('to %s with %s is refused', (offer, answer) => {
    expect(agreeOn(offer === '' ? [] : field(offer), field(answer))).toBeInstanceOf(Malformed);
  });
});
