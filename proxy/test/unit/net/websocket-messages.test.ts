// Random conversations, cut anywhere: what leaves is what the agent said, but for what was rewritten; and nothing of a refused message leaves.
import { constants, createDeflateRaw, createInflateRaw, type Zlib } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { HoldBudget } from '../../../src/net/hold-budget.ts';
import type { DeflateSide } from '../../../src/net/websocket/extension.ts';
import { type FrameHead, FrameReader, writeFrame } from '../../../src/net/websocket/frames.ts';
import { MaskKeys } from '../../../src/net/websocket/mask.ts';
import { AgentMessages, type OutgoingFrame } from '../../../src/net/websocket/messages.ts';
import type { Refusal } from '../../../src/pipeline/types.ts';
import { SyncZlib } from '../../../src/sync-zlib.ts';
import { githubToken, route, session } from '../pipeline/session.ts';

const seed = Number(process.env.BOTTLE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const TAIL = Buffer.from([0, 0, 255, 255]);
const EMPTY_BLOCK = Buffer.from([0, 0, 0, 255, 255]);

const routes = session(
  (['block', 'redact'] as const).map((onMatch) =>
    route(onMatch, `${onMatch}.example`, { dlp: { onMatch, except: [] } }),
  ),
);

/** mulberry32 */
function randomOf(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** One end's compression; `null` = the other end does not understand it. */
class Coder {
  private stream: SyncZlib | null = null;
  private readonly open: () => Zlib;
  private readonly keepsWindow: boolean;

  constructor(open: () => unknown, keepsWindow: boolean) {
    this.open = open as () => Zlib;
    this.keepsWindow = keepsWindow;
  }

  step(bytes: Buffer): Buffer {
    this.stream ??= new SyncZlib(this.open());
    const out = this.stream.step(bytes, constants.Z_SYNC_FLUSH);
    if (!this.keepsWindow) this.stream = null;
    return out;
  }

  compressed(bytes: Buffer): Buffer {
    const out = this.step(bytes);
    // A second flush in a row says nothing: an empty block stands for nothing (RFC 7692, 7.2.3.6).
    return (out.length === 0 ? EMPTY_BLOCK : out).subarray(0, -TAIL.length);
  }
}

interface Said {
  readonly opcode: number;
  readonly text: string;
}

class Upstream {
  readonly heard: Said[] = [];
  readonly reader: FrameReader;
  /** Of a message that did not end. */
  begun = '';
  private frame: FrameHead | null = null;
  private kind: FrameHead | null = null;
  private pieces: Buffer[] = [];
  private control: Buffer[] = [];

  constructor(side: DeflateSide | null) {
    const bits = side?.windowBits ?? 15;
    const inflate = new Coder(() => createInflateRaw({ windowBits: bits }), side?.keepsWindow ?? true);
    const read = (payload: Buffer): string =>
      (this.kind!.isCompressed ? inflate.step(Buffer.concat([payload, TAIL])) : payload).toString('latin1');
    this.reader = new FrameReader(
      {
        onFrame: (frame) => {
          this.frame = frame;
          if (frame.opcode >= 8) this.control = [];
          else if (frame.opcode !== 0) {
            this.kind = frame;
            this.pieces = [];
          }
        },
        onPayload: (piece) => (this.frame!.opcode >= 8 ? this.control : this.pieces).push(Buffer.from(piece)),
        onFrameEnd: () => {
          const { opcode, isFinal } = this.frame!;
          if (opcode >= 8) this.heard.push({ opcode, text: Buffer.concat(this.control).toString('latin1') });
          else if (isFinal) {
            this.heard.push({ opcode: this.kind!.opcode, text: read(Buffer.concat(this.pieces)) });
            this.kind = null;
          }
        },
      },
      { isMasked: true, mayCompress: side !== null },
    );
    this.finish = () => {
      this.begun = this.kind === null ? '' : read(Buffer.concat(this.pieces));
    };
  }

  readonly finish: () => void;
}

const WORDS = [
  'the ',
  'same ',
  'words ',
  'again ',
  'a number: 1, ',
  '\n',
  'ghost ',
  '\u00e4',
  'a longer piece of text that repeats itself ',
];

function wordsOf(random: (below: number) => number, size: number): string {
  let text = '';
  while (text.length < size) text += WORDS[random(WORDS.length)];
  return text;
}

/** A conversation as frames, and what it says. `secret`: in the messages of those numbers. */
function converse(
  random: (below: number) => number,
  side: DeflateSide | null,
  secret: string,
  hasSecret: (i: number) => boolean,
) {
  const keys = new MaskKeys();
  const deflate = new Coder(
    () => createDeflateRaw({ windowBits: Math.max(9, side?.windowBits ?? 15) }),
    side?.keepsWindow ?? true,
  );
  const said: Said[] = [];
  const frames: Buffer[] = [];
  for (let i = 0; i < 12; i++) {
    if (random(4) === 0) {
      const text = wordsOf(random, random(60)).slice(0, 100);
      said.push({ opcode: 9, text });
      frames.push(writeFrame({ opcode: 9, isFinal: true, isCompressed: false }, [Buffer.from(text, 'latin1')], keys));
    }
    const size = [0, 3, 200, 5_000, 60_000][random(5)]!;
    const half = wordsOf(random, size);
    const text = hasSecret(i) ? `${half} ${secret} ${wordsOf(random, random(2) * size)}` : half;
    const opcode = 1 + random(2);
    const isCompressed = side !== null && random(4) > 0;
    said.push({ opcode, text });
    const content = Buffer.from(text, 'latin1');
    const payload = isCompressed ? deflate.compressed(content) : content;
    const count = 1 + random(4);
    for (let k = 0; k < count; k++) {
      const from = Math.floor((payload.length * k) / count);
      const piece = payload.subarray(from, Math.floor((payload.length * (k + 1)) / count));
      const head = { opcode: k === 0 ? opcode : 0, isCompressed: isCompressed && k === 0, isFinal: k === count - 1 };
      frames.push(writeFrame(head, [piece], keys));
    }
  }
  return { said, bytes: Buffer.concat(frames) };
}

function relay(
  bytes: Buffer,
  random: (below: number) => number,
  side: DeflateSide | null,
  onMatch: 'block' | 'redact',
) {
  const admitted = routes.admit({ host: `${onMatch}.example` });
  const upstream = new Upstream(side);
  const held = new HoldBudget(1 << 20);
  let refusal: Refusal | null = null;
  const take = ({ bytes }: OutgoingFrame): void => {
    expect(upstream.reader.feed(bytes)).toBeNull();
  };
  const messages = new AgentMessages(
    { pipeline: routes.pipeline, admitted, holdBytes: 40_000, decodedBytes: 1 << 24, held, deflate: side },
    {
      onOutgoing: take,
      onControl: take,
      onHeld: () => {
        throw new Error('no route of this test asks a person');
      },
      onAgentClose: () => {},
      onRefused: (why) => {
        refusal = why;
      },
    },
  );
  const step = [1, 7, 1400, 16_384, 1 << 20][random(5)]!;
  for (let at = 0; at < bytes.length; at += step) expect(messages.feed(bytes.subarray(at, at + step))).toBeNull();
  messages.close();
  upstream.finish();
  // Everything that was held has been given back.
  expect(held.take(1 << 20)).toBe(true);
  return { upstream, messages, refusal: refusal as Refusal | null };
}

const sides: [string, DeflateSide | null][] = [
  ['without compression', null],
  ['compressed', { keepsWindow: true, windowBits: 15 }],
  ['compressed, each message anew', { keepsWindow: false, windowBits: 15 }],
  ['compressed in a small window', { keepsWindow: true, windowBits: 9 }],
];
const rounds = [0, 1, 2, 3];

describe.each(sides)(`a conversation %s (BOTTLE_SEED=${seed})`, (_how, side) => {
  it.each(rounds)('arrives as it was said, round %i', (round) => {
    const random = randomOf(seed + round);
    const { said, bytes } = converse(random, side, '', () => false);
    const { upstream, messages, refusal } = relay(bytes, random, side, 'block');
    expect(refusal).toBeNull();
    expect(ordered(upstream.heard)).toEqual(ordered(said));
    expect(messages.isRedacted).toBe(false);
  });

  it.each(rounds)('with tokens arrives without them, round %i', (round) => {
    const random = randomOf(seed + 1000 + round);
    const secret = githubToken();
    const { said, bytes } = converse(random, side, secret, (i) => i % 3 === 1);
    const { upstream, messages } = relay(bytes, random, side, 'redact');
    const texts = upstream.heard.map(({ text }) => text).join('\n');
    expect(texts.includes(secret)).toBe(false);
    const replaced = /bottle-redacted-github-token-\w{8}/.exec(texts)?.[0] ?? 'nothing';
    const expected = said.map(({ opcode, text }) => ({ opcode, text: text.replaceAll(secret, replaced) }));
    expect(ordered(upstream.heard)).toEqual(ordered(expected));
    expect(messages.isRedacted).toBe(true);
  });

  it.each(rounds)('with a token stops before it, round %i', (round) => {
    const random = randomOf(seed + 2000 + round);
    const secret = githubToken();
    const { said, bytes } = converse(random, side, secret, (i) => i === 6);
    const { upstream, refusal } = relay(bytes, random, side, 'block');
    expect(refusal?.rule).toBe('github-token');
    const all = [...upstream.heard.map(({ text }) => text), upstream.begun].join('\n');
    // Of a message that streams, the first letters of what a deflate symbol stands for may have left with it.
    expect(all.includes(secret.slice(0, 12))).toBe(false);
    const before = said.slice(
      0,
      said.findIndex(({ text }) => text.includes(secret)),
    );
    const messages = before.filter(({ opcode }) => opcode < 8);
    expect(upstream.heard.filter(({ opcode }) => opcode < 8)).toEqual(messages);
  });
});

/** Pings overtake messages that are held: each kind keeps its order. */
function ordered(heard: readonly Said[]): { messages: Said[]; control: Said[] } {
  return { messages: heard.filter(({ opcode }) => opcode < 8), control: heard.filter(({ opcode }) => opcode >= 8) };
}

describe(`noise (BOTTLE_SEED=${seed})`, () => {
  it.each(rounds)('in a conversation never makes it two, round %i', (round) => {
    const random = randomOf(seed + 3000 + round);
    const side = { keepsWindow: true, windowBits: 15 };
    const { bytes } = converse(random, side, '', () => false);
    for (let i = 0; i < 10; i++) {
      const noisy = Buffer.from(bytes.subarray(0, 20_000));
      for (let k = 0; k <= random(3); k++) noisy[random(Math.min(noisy.length, 600))] = random(256);
      const admitted = routes.admit({ host: 'block.example' });
      const sizes: number[] = [];
      const left = new FrameReader(
        { onFrame: (_head, size) => sizes.push(size), onPayload: () => {}, onFrameEnd: () => {} },
        { isMasked: true, mayCompress: true },
      );
      // Whatever came, what leaves is whole frames by the rules.
      const take = (frame: OutgoingFrame): void => {
        expect(left.feed(frame.bytes)).toBeNull();
        expect(left.isInsideFrame).toBe(false);
      };
      const messages = new AgentMessages(
        {
          ...{ pipeline: routes.pipeline, admitted, holdBytes: 40_000, decodedBytes: 1 << 24 },
          ...{ held: new HoldBudget(1 << 20), deflate: side },
        },
        { onOutgoing: take, onControl: take, onHeld: () => {}, onAgentClose: () => {}, onRefused: () => {} },
      );
      messages.feed(noisy);
      messages.close();
    }
  });
});
