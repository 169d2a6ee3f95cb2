// Private keys of every armour, and their bare DER.
import { BASE64_PADDED, BASE64_STD, charset, UPPER_DIGIT } from '../charsets.ts';
import { run, text } from '../shape.ts';
import type { View } from '../view.ts';
import { type Detector, detector, isExample, token, variety } from './detector.ts';

/** Longest armoured key that is taken as a whole, in bytes; of a longer one the head is enough. */
const KEY_BYTES = 12 * 1024;
/** Where after the header line the first line of key material must stand, in bytes (encrypted keys have headers of their own). */
const BODY_WITHIN = 400;
/** Shortest first line of key material; documentation prints `...` or a few characters. */
const BODY_CHARS = 32;
/** So much of a longer one is looked at. */
const LINE_CHARS = 64;

const LABEL = charset('A-Z0-9 ');

export const keys: readonly Detector[] = [
  detector({
    id: 'private-key',
    description: 'Private key: PEM (RSA, EC, DSA, PKCS #8, encrypted), OpenSSH, PGP, SSH2',
    source: 'RFC 7468 "Textual Encodings of PKIX, PKCS, and CMS Structures"; RFC 9580; OpenSSH PROTOCOL.key',
    keywords: ['-----BEGIN ', '---- BEGIN '],
    match(view, at) {
      const label = at + 11;
      const labelEnd = view.runEnd(LABEL, label);
      if (labelEnd - label > 48 || view.bytes[labelEnd] !== 0x2d) return null;
      if (!/\bPRIVATE KEY( BLOCK)? ?$/.test(view.text(label, labelEnd))) return null;
      return hasKeyMaterial(view, labelEnd) ? { start: at, end: armourEnd(view, labelEnd) } : null;
    },
    accept: (found) => !/^[^\n]*EXAMPLE/.test(found.slice(0, 80)),
    truePositives(random) {
      const line = (): string => random.chars('A-Za-z0-9+/', 64);
      const armour = (label: string, newline: string): string =>
        [`-----BEGIN ${label}-----`, line(), line(), line(), `-----END ${label}-----`, ''].join(newline);
      return [
        ...['RSA ', 'EC ', 'DSA ', 'ENCRYPTED ', 'OPENSSH ', ''].map((kind) => armour(`${kind}PRIVATE KEY`, '\n')),
        armour('PRIVATE KEY', '\\n'),
        armour('PRIVATE KEY', '\r\n'),
        `-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n${line()}\n${line()}\n-----END PGP PRIVATE KEY BLOCK-----`,
        `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${random.chars('0-9A-F', 32)}\n\n${line()}\n${line()}\n`,
        `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: "x"\n${line()}\n${line()}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----`,
      ];
    },
    falsePositives: (random) => [
      `-----BEGIN PUBLIC KEY-----\n${random.chars('A-Za-z0-9+/', 64)}\n-----END PUBLIC KEY-----`,
      `-----BEGIN CERTIFICATE-----\n${random.chars('A-Za-z0-9+/', 64)}\n-----END CERTIFICATE-----`,
      "if (line.startsWith('-----BEGIN RSA PRIVATE KEY-----')) throw new Error('a private key is not allowed in this file');",
      '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----',
      `-----BEGIN RSA PRIVATE KEY----- is where a leaked key begins. trace ${random.chars('0-9a-f', 32)}`,
    ],
  }),
  detector({
    id: 'putty-key',
    description: 'PuTTY private key file',
    source: 'PuTTY User Manual, appendix "PPK file format": https://the.earth.li/~sgtatham/putty/',
    keywords: ['PuTTY-User-Key-File-'],
    match(view, at) {
      if (at < view.reached(PUTTY)) return null;
      view.setReached(PUTTY, Math.min(view.length, at + KEY_BYTES));
      const body =
        /Private-Lines: ?\d{1,4}(?:\\[nr]|[\r\n ])+[A-Za-z0-9+/]{32}(?:[A-Za-z0-9+/=: -]|\\[nr]|[\r\n])*/.exec(
          asText(view, at),
        );
      return body === null ? null : { start: at, end: at + body.index + body[0].length };
    },
    accept: () => true,
    truePositives: (random) => [
      `PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\nPublic-Lines: 1\n${random.chars('A-Za-z0-9+/', 64)}\nPrivate-Lines: 1\n${random.chars('A-Za-z0-9+/', 44)}\n`,
    ],
    falsePositives: () => [
      'The file begins with PuTTY-User-Key-File-3 and its type.',
      String.raw`ppk = 'PuTTY-User-Key-File-2: ssh-rsa\r\n'; ppk += 'Private-Lines: ' + lines + '\r\n'; ppk += encode64(key, 64);`,
    ],
  }),
  token({
    id: 'private-key-der',
    description: 'Private key without its armour: base64 of PKCS #8, PKCS #1, SEC 1 or OpenSSH key bytes',
    source: 'RFC 5958, RFC 8017 appendix A.1.2, RFC 5915; OpenSSH PROTOCOL.key',
    forms: [
      [text('b3BlbnNzaC1rZXktdjEA'), run(BASE64_PADDED, 100, 8192)],
      [
        text(
          'MIIEvgIBADANBgkqhkiG9w0BAQEFAASC',
          'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC',
          'MIIEvwIBADANBgkqhkiG9w0BAQEFAASC',
          'MIIJQgIBADANBgkqhkiG9w0BAQEFAASC',
          'MIIJQwIBADANBgkqhkiG9w0BAQEFAASC',
          'MIIJRAIBADANBgkqhkiG9w0BAQEFAASC',
          'MIIG/gIBADANBgkqhkiG9w0BAQEFAASC',
          'MIIG/QIBADANBgkqhkiG9w0BAQEFAASC',
        ),
        run(BASE64_PADDED, 32, 8192),
      ],
      [
        text(
          'MIIEpAIBAAKCAQEA',
          'MIIEowIBAAKCAQEA',
          'MIIEpQIBAAKCAQEA',
          'MIIEogIBAAKCAQEA',
          'MIIJKQIBAAKCAgEA',
          'MIIJKAIBAAKCAgEA',
          'MIIJKgIBAAKCAgEA',
          'MIIG5AIBAAKCAYEA',
          'MIIG5QIBAAKCAYEA',
        ),
        run(BASE64_PADDED, 32, 8192),
      ],
      [text('MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg'), run(BASE64_STD, 32, 200)],
      [text('MC4CAQAwBQYDK2VwBCIEI', 'MC4CAQAwBQYDK2VuBCIEI'), run(BASE64_STD, 40, 64)],
      [text('MHcCAQEEI'), run(BASE64_STD, 100, 200)],
      // PKCS #8, encrypted (PBES2).
      [
        text(
          'MIIFHDBOBgkqhkiG9w0BBQ0w',
          'MIIFLTBXBgkqhkiG9w0BBQ0w',
          'MIIFNTBfBgkqhkiG9w0BBQ0w',
          'MIIJrTBXBgkqhkiG9w0BBQ0w',
          'MIIJnDBOBgkqhkiG9w0BBQ0w',
          'MIHsMFcGCSqGSIb3DQEFDTBK',
          'MIGbMFcGCSqGSIb3DQEFDTBK',
        ),
        run(BASE64_PADDED, 60, 8192),
      ],
    ],
    accept: (found) => !isExample(found) && variety(found) > 20,
  }),
  token({
    id: 'age-key',
    description: 'age secret key',
    source: 'age specification (C2SP), "The X25519 recipient type": https://age-encryption.org/v1',
    forms: [[text('AGE-SECRET-KEY-1', 'AGE-SECRET-KEY-PQ-1'), run(UPPER_DIGIT, 58, 80)]],
  }),
  detector({
    id: 'jwk-private',
    description: 'Private part of a JSON Web Key',
    source: 'RFC 7517 and RFC 7518 section 6: the member d of an RSA, EC or OKP key',
    keywords: ['"d":', '"d" :', '"d\\":', '"d\\" :', '"d\\\\\\":'],
    match(view, at) {
      let start = at + 2;
      while (start < at + 16 && start < view.length && JWK.table[view.bytes[start]!] === 0) start++;
      const end = view.runEnd(JWK, start);
      if (end - start < 42 || end - start > 1024) return null;
      const around = view.text(Math.max(0, at - 1200), Math.min(view.length, end + 1200));
      return /"kty\\{0,3}"\s*:/.test(around) ? { start, end } : null;
    },
    truePositives: (random) => [
      `{"kty":"EC","crv":"P-256","x":"${random.chars('A-Za-z0-9_-', 43)}","y":"${random.chars('A-Za-z0-9_-', 43)}","d":"${random.chars('A-Za-z0-9_-', 43)}"}`,
    ],
    falsePositives: (random) => [
      `{"keys":[{"kty":"RSA","n":"${random.chars('A-Za-z0-9_-', 342)}","e":"AQAB"}]}`,
      `{"a":"x","d":"${random.chars('A-Za-z0-9', 43)}"}`,
    ],
  }),
];

const PUTTY = {};
const JWK = charset('A-Za-z0-9_-');

/** Headers of an encrypted key, to the end of their line. */
const HEADER_LINE = /[A-Z][A-Za-z-]{2,24}: (?:[^\n\r\\]|\\(?![nr])){0,160}/g;
/** Words between the header line and the key: in a sentence about keys there are more. */
const FEW_WORDS = 2;

/** A line of base64 soon after the header line, and nothing like a sentence before it: text that only talks about keys has none. */
function hasKeyMaterial(view: View, from: number): boolean {
  const last = Math.min(view.length, from + BODY_WITHIN);
  for (let at = from; at < last; at++) {
    const end = view.runEnd(BASE64_STD, at);
    if (end - at >= BODY_CHARS && isKeyLine(view.text(at, Math.min(end, at + LINE_CHARS)))) {
      const between = view.text(from, at).replace(HEADER_LINE, '');
      return (between.match(/[A-Za-z]{3,}/g) ?? []).length <= FEW_WORDS;
    }
    if (end > at) at = end;
  }
  return false;
}

/** Names and words written together have neither digits nor signs. */
const isKeyLine = (line: string): boolean => !isExample(line.slice(0, BODY_CHARS)) && /[0-9+/]/.test(line);

/** End of the armour: its closing line where there is one near, else the header and what looks like key material. */
function armourEnd(view: View, from: number): number {
  const rest = asText(view, from);
  const footer = /---+ ?END [A-Z0-9 ]{3,48}---+/.exec(rest);
  if (footer !== null) return from + footer.index + footer[0].length;
  const body = /^-*(?:[A-Za-z0-9+/=,.: -]|\\[nr]|[\r\n])*/.exec(rest);
  return from + (body?.[0].length ?? 0);
}

const asText = (view: View, from: number): string => view.text(from, Math.min(view.length, from + KEY_BYTES));
