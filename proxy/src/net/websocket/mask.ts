// Masks of WebSocket frames (RFC 6455, 5.3).
import { randomFillSync } from 'node:crypto';

/** Below this size a word at a time is not faster. In bytes. */
const SHORT_BYTES = 48;
const KEY_BYTES = 4;
const STEP_WORDS = 8;
/** Keys are drawn this many at a time: one call costs more than a key. */
const DRAWN_BYTES = 256;

/** Masks or unmasks in place. `at`: how many bytes of the frame's payload came before. */
export function applyMask(bytes: Buffer, key: Buffer, at: number): void {
  const { length } = bytes;
  // Words begin where the memory is aligned.
  const first = length < SHORT_BYTES ? length : -bytes.byteOffset & 3;
  for (let i = 0; i < first; i++) bytes[i]! ^= key[(at + i) & 3]!;
  if (first === length) return;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + first, (length - first) >>> 2);
  const many = words.length & -STEP_WORDS;
  const turned = new Uint8Array(KEY_BYTES);
  for (let i = 0; i < KEY_BYTES; i++) turned[i] = key[(at + first + i) & 3]!;
  const word = new Uint32Array(turned.buffer)[0]!;
  // Unrolled, which the compiler does not do by itself: a third less time.
  for (let i = 0; i < many; i += STEP_WORDS) {
    words[i]! ^= word;
    words[i + 1]! ^= word;
    words[i + 2]! ^= word;
    words[i + 3]! ^= word;
    words[i + 4]! ^= word;
    words[i + 5]! ^= word;
    words[i + 6]! ^= word;
    words[i + 7]! ^= word;
  }
  for (let i = many; i < words.length; i++) words[i]! ^= word;
  for (let i = first + words.length * 4; i < length; i++) bytes[i]! ^= key[(at + i) & 3]!;
}

/** Fresh keys, unpredictable for whoever chooses the payloads. */
export class MaskKeys {
  private readonly drawn = Buffer.allocUnsafeSlow(DRAWN_BYTES);
  private at = DRAWN_BYTES;

  next(): Buffer {
    if (this.at === DRAWN_BYTES) {
      randomFillSync(this.drawn);
      this.at = 0;
    }
    this.at += KEY_BYTES;
    return this.drawn.subarray(this.at - KEY_BYTES, this.at);
  }
}
