import { randomBytes } from 'node:crypto';
import { constants, createInflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MessageDeflater, MessageInflater } from '../../../src/net/websocket/message-deflate.ts';
import { SyncZlib } from '../../../src/sync-zlib.ts';

const keeping = { keepsWindow: true, windowBits: 15 };
const resetting = { keepsWindow: false, windowBits: 15 };
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

function inflate(inflater: MessageInflater, payload: Buffer, step = payload.length): string {
  let content = '';
  const add = (bytes: Buffer): boolean => {
    content += bytes.toString('latin1');
    return true;
  };
  for (let at = 0; at < payload.length; at += step) {
    const unjudged = inflater.push(payload.subarray(at, at + step), add);
    if (unjudged !== null) return `${unjudged.kind}: ${unjudged.detail}`;
  }
  const unjudged = inflater.end();
  return unjudged === null ? content : `${unjudged.kind}: ${unjudged.detail}`;
}

describe('a compressed message', () => {
  // RFC 7692, 7.2.3: the examples.
  it.each([
    ['of one block', 'f2 48 cd c9 c9 07 00'],
    ['that is stored', '00 05 00 fa ff 48 65 6c 6c 6f 00'],
    ['whose block is the last one', 'f3 48 cd c9 c9 07 00 00'],
    ['of two blocks', 'f2 48 05 00 00 00 ff ff ca c9 c9 07 00'],
  ])('%s is read, byte by byte as well', (_what, payload) => {
    for (const step of [1, 2, 100]) expect(inflate(new MessageInflater(keeping), hex(payload), step)).toBe('Hello');
  });

  it('may refer to the one before it, unless windows are not kept', () => {
    const inflater = new MessageInflater(keeping);
    expect(inflate(inflater, hex('f2 48 cd c9 c9 07 00'))).toBe('Hello');
    expect(inflate(inflater, hex('f2 00 11 00 00'))).toBe('Hello');
    const other = new MessageInflater(resetting);
    expect(inflate(other, hex('f2 48 cd c9 c9 07 00'))).toBe('Hello');
    expect(inflate(other, hex('f2 00 11 00 00'))).toMatch(/^undecodable/);
  });

  it('may be empty', () => {
    const inflater = new MessageInflater(keeping);
    expect(inflate(inflater, hex('00'))).toBe('');
    expect(inflate(inflater, hex('f2 48 cd c9 c9 07 00'))).toBe('Hello');
  });

  it.each([
    ['that is noise', 'ff ff ff ff'],
    ['with data behind its last block', 'f3 48 cd c9 c9 07 00 00 f2 48 cd c9 c9 07 00'],
    ['with one byte behind its last block', 'f3 48 cd c9 c9 07 00 41'],
    ['with padding of two bytes', 'f3 48 cd c9 c9 07 00 00 00'],
    ['that ends inside a block', 'f2 48 cd'],
    ['that ends inside a stored block', '00 05 00 fa ff 48 65'],
  ])('%s is undecodable, byte by byte as well', (_what, payload) => {
    for (const step of [1, 2, 100]) {
      expect(inflate(new MessageInflater(keeping), hex(payload), step)).toMatch(/^undecodable/);
    }
  });

  it('stops where its reader has seen enough', () => {
    const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH });
    let seen = 0;
    const unjudged = new MessageInflater(keeping).push(bomb, (bytes) => {
      seen += bytes.length;
      return seen < 1000;
    });
    expect(unjudged).toBeNull();
    expect(seen).toBeLessThan(5 * 1024 * 1024);
  });
});

describe('what is compressed anew', () => {
  it.each([8, 9, 10, 12, 15])('for a window of 2^%i reads back, message by message and in pieces', (windowBits) => {
    const deflater = new MessageDeflater({ keepsWindow: true, windowBits });
    const reader = new SyncZlib(createInflateRaw({ windowBits }));
    const tail = hex('00 00 ff ff');
    for (let i = 0; i < 120; i++) {
      const text = Buffer.from(`${'all work and no play '.repeat(i % 30)}${randomBytes(i % 300).toString('latin1')}`);
      const half = text.length >> 1;
      const payload =
        i % 3 === 0
          ? Buffer.concat([deflater.push(text.subarray(0, half), false), deflater.push(text.subarray(half), true)])
          : deflater.push(text, true);
      const read = reader.step(Buffer.concat([payload, tail]), constants.Z_SYNC_FLUSH);
      expect(read.equals(text)).toBe(true);
    }
  });

  it('reads behind another window: nothing of it refers to what came before', () => {
    const inflater = new MessageInflater(keeping);
    inflate(inflater, hex('f2 48 cd c9 c9 07 00'));
    const deflater = new MessageDeflater(keeping);
    expect(inflate(inflater, deflater.push(Buffer.from('Hello Hello'), true))).toBe('Hello Hello');
    expect(inflate(inflater, deflater.push(Buffer.from('Hello again'), true))).toBe('Hello again');
  });

  it('stands alone where windows are not kept', () => {
    const deflater = new MessageDeflater(resetting);
    for (const text of ['one and the same', 'one and the same', '']) {
      const payload = Buffer.concat([deflater.push(Buffer.from(text), true), hex('00 00 ff ff 03 00')]);
      expect(inflateRawSync(payload).toString()).toBe(text);
    }
  });
});
