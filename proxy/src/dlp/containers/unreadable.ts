// What nobody here can read, by its first bytes: formats that are packed without a decoder of ours, and what is encrypted on purpose.
//
// Sources: xz-file-format 1.2.1, bzip2 (blocks begin with the digits of pi, an empty stream with those of its root), 7zFormat.txt, RAR 5.0 technote, lz4
// frame and block (legacy) formats, LZMA alone (lzma-file-format), lzip, compress(1), RFC 9580 (OpenPGP packets), age-encryption.org/v1,
// enc(1) of OpenSSL, Ansible Vault.

interface Magic {
  readonly name: string;
  /** Two bytes and little more: they come up in short random data, of which a text may hold a hundred thousand. */
  readonly isWeak?: true;
  readonly isIt: (bytes: Uint8Array, length: number) => boolean;
}

const starts = (bytes: Uint8Array, text: string, at = 0): boolean => {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
};

const begins =
  (...texts: readonly string[]) =>
  (bytes: Uint8Array): boolean =>
    texts.some((text) => starts(bytes, text));

/** In the order of what they are, the surest first. */
const MAGICS: readonly Magic[] = [
  { name: 'xz', isIt: begins('\xfd7zXZ\0') },
  {
    name: 'bzip2',
    isIt: (bytes) =>
      starts(bytes, 'BZh') &&
      bytes[3]! >= 0x31 &&
      bytes[3]! <= 0x39 &&
      (starts(bytes, '1AY&SY', 4) || starts(bytes, '\x17rE8P\x90', 4)),
  },
  { name: '7z', isIt: begins("7z\xbc\xaf'\x1c") },
  { name: 'rar', isIt: begins('Rar!\x1a\x07\0', 'Rar!\x1a\x07\x01\0') },
  { name: 'lz4', isIt: (bytes) => begins('\x04"M\x18', '\x02!L\x18')(bytes) },
  { name: 'lzma', isIt: isLzma },
  { name: 'lzip', isIt: (bytes) => starts(bytes, 'LZIP') && (bytes[4] === 0 || bytes[4] === 1) },
  {
    name: 'compress',
    isWeak: true,
    isIt: (bytes) =>
      starts(bytes, '\x1f\x9d') && (bytes[2]! & 0x60) === 0 && (bytes[2]! & 31) >= 9 && (bytes[2]! & 31) <= 16,
  },
  { name: 'openssl', isIt: begins('Salted__') },
  { name: 'age', isIt: begins('age-encryption.org/v1\n', '-----BEGIN AGE ENCRYPTED FILE-----') },
  { name: 'pgp', isIt: (bytes, length) => starts(bytes, '-----BEGIN PGP MESSAGE-----') || isPgp(bytes, length) },
  { name: 'ansible-vault', isIt: begins('$ANSIBLE_VAULT;') },
];

/** First bytes of all of the above: most views are done with after one look. */
const FIRST = new Uint8Array(256);
for (const byte of Buffer.from("\xfdB7R\x04\x02\x5d\x4c\x1fSa-$\x84\x85\x8c\xc1\xc3'", 'latin1')) FIRST[byte] = 1;

/** Fewer bytes hold nothing. */
const LEAST_BYTES = 12;
/** So many first bytes are enough. */
export const MAGIC_BYTES = 64;

/** What begins with `bytes`, `length` of them; null when it is nothing of the kind. `isWritten`: decoded from a text. */
export function unreadable(bytes: Uint8Array, length: number, isWritten = false): string | null {
  if (length < LEAST_BYTES || FIRST[bytes[0]!] === 0) return null;
  for (const { name, isIt, isWeak } of MAGICS) if (!(isWritten && isWeak) && isIt(bytes, length)) return name;
  return null;
}

/** Whether something that begins with these two bytes may be one of them. */
export const mayBeUnreadable = (first: number, second: number): boolean =>
  (first === 0x42 && second === 0x5a) ||
  (first === 0x37 && second === 0x7a) ||
  (first === 0x52 && second === 0x61) ||
  (first === 0xfd && second === 0x37) ||
  (first === 0x04 && second === 0x22) ||
  (first === 0x5d && second === 0) ||
  (first === 0x1f && second === 0x9d) ||
  (first === 0x8c && second === 0x0d) ||
  (first === 0xc3 && second === 0x0d);

/** Properties as the encoder writes them, a dictionary of a usual size, and a length that is unknown or below 4 GiB. */
function isLzma(bytes: Uint8Array, length: number): boolean {
  if (length < 32 || bytes[0] !== 0x5d || bytes[1] !== 0 || bytes[2] !== 0) return false;
  const dictionary = bytes[3]! | (bytes[4]! << 8);
  if (dictionary === 0 || (dictionary & (dictionary - 1)) !== 0) return false;
  const sizes = bytes.subarray(5, 13);
  const isUnknown = sizes.every((byte) => byte === 0xff);
  return (isUnknown || sizes.subarray(4).every((byte) => byte === 0)) && bytes[13] === 0;
}

/**
 * A session key for a public key (version 3, with its algorithm) or for a password (version 4 to 6, with cipher and derivation): every
 * encrypted message begins with one.
 */
function isPgp(bytes: Uint8Array, length: number): boolean {
  const tag = bytes[0]!;
  if (length < 64 || tag < 0x80) return false;
  const isNew = (tag & 0x40) !== 0;
  const kind = isNew ? tag & 0x3f : (tag >> 2) & 0x0f;
  const width = isNew ? (bytes[1]! < 192 ? 1 : 2) : [1, 2, 4, 0][tag & 3]!;
  const size =
    width === 1 ? bytes[1]! : isNew ? ((bytes[1]! - 192) << 8) + bytes[2]! + 192 : (bytes[1]! << 8) | bytes[2]!;
  const body = 1 + width;
  if (kind === 3) {
    const [version, cipher, derivation] = [bytes[body]!, bytes[body + 1]!, bytes[body + 2]!];
    return size < 64 && version >= 4 && version <= 6 && cipher <= 13 && [0, 1, 3, 4].includes(derivation);
  }
  if (kind !== 1 || width > 2 || bytes[body] !== 3) return false;
  // The number behind the algorithm says how many bits it has: the packet is about that long.
  const algorithm = bytes[body + 9]!;
  const bits = (bytes[body + 10]! << 8) | bytes[body + 11]!;
  if (algorithm === 25) return size > 40 && size < 128;
  if (algorithm === 18) return bits > 200 && bits < 1100 && size > bits >> 3 && size < 256;
  return (
    [1, 2, 16].includes(algorithm) &&
    bits > 900 &&
    bits <= 16_400 &&
    Math.abs(size - 10 - ((bits + 7) >> 3)) < (algorithm === 16 ? 2100 : 6)
  );
}
