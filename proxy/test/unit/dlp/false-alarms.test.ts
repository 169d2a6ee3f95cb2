// Software itself: source maps, minified code, code that handles keys, megabytes of random data. Not one finding is allowed. The bytes are
// the same in each run, since in enough random data a token stands sooner or later.
import { createCipheriv } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/dlp/detectors/random.ts';
import { fixture } from './samples.ts';

const MIB = 1024 * 1024;
const random = seededRandom(20_261_124);
const { scanner } = fixture();

function randomBytes(name: string, count: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, name), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(count));
}

const lines = (text: string, width: number): string => text.replaceAll(new RegExp(`.{${width}}`, 'g'), '$&\n');

/** Each `bytes` long, written by `write`. */
function items(name: string, bytes: number, write: (item: Buffer) => unknown): string {
  const all = randomBytes(name, MIB);
  const count = Math.floor(MIB / bytes);
  return JSON.stringify(Array.from({ length: count }, (_, i) => write(all.subarray(i * bytes, (i + 1) * bytes))));
}

const VLQ = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
function vlq(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = '';
  do {
    text += VLQ[(rest & 31) | (rest > 31 ? 32 : 0)];
    rest >>>= 5;
  } while (rest > 0);
  return text;
}

/** Column, source, line and column there, often a name: each as the difference to the one before. */
function mappings(isMinified: boolean): string {
  let text = '';
  for (let i = 0; i < 60_000; i++) {
    const column = random.number(0, 3) === 0 ? random.number(1, 60) : random.number(1, 8);
    const line = random.number(0, 5) === 0 ? random.number(1, 3) : 0;
    const segment = vlq(column) + vlq(0) + vlq(line) + vlq(random.number(-20, 20));
    text += random.number(0, 3) === 0 ? segment + vlq(random.number(-40, 90)) : segment;
    text += !isMinified && random.number(0, 6) === 0 ? ';' : ',';
  }
  return JSON.stringify({ version: 3, sources: ['index.ts'], names: [], mappings: text });
}

function minified(): string {
  const name = (): string => random.chars('a-zA-Z', random.number(1, 2));
  return Array.from({ length: 40_000 }, () =>
    [
      () =>
        `function ${name()}(${name()},${name()}){return ${name()}[${random.number(0, 999)}]||${name()}("${name()}")}`,
      () => `var ${name()}="${random.chars('a-z', 6)}-${random.chars('a-z', 4)}",${name()}=${random.number(0, 1e6)};`,
      () => `${name()}.${random.chars('a-zA-Z', 9)}=["${random.chars('a-z', 5)}","${random.chars('a-z', 7)}"];`,
      () => `switch(${name()}){case ${random.number(0, 99)}:${name()}+='</${random.chars('a-z', 3)}>';break}`,
    ][random.number(0, 3)]!(),
  ).join('');
}

const KEY_CODE: Readonly<Record<string, string>> = {
  'headers that are compared': `const OPENSSH = /^-----BEGIN OPENSSH PRIVATE KEY-----(?:\\r\\n|\\n)([\\s\\S]+)(?:\\r\\n|\\n)-----END/;
if (text.indexOf('-----BEGIN RSA PRIVATE KEY-----') === 0) return parseRsaPrivateKey(text.slice(31), passphrase);`,
  'headers that are written': `return '-----BEGIN ' + type + ' PRIVATE KEY-----\\n' + wrap(der.toString('base64'), 64) + '\\n-----END ' + type;
return \`-----BEGIN PRIVATE KEY-----\\n\${encodeSubjectPublicKeyInfoAndPrivateKey(exported)}\\n-----END PRIVATE KEY-----\`;`,
  'strings of a program': `EC PRIVATE KEY-----PGP Private Key Block-----BEGIN PGP PRIVATE KEY BLOCK-----AbortSignalAbsoluteOrientationSensorAbstractRangeAccelerometer`,
  'a PuTTY key that is written': `var ppk = 'PuTTY-User-Key-File-2: ssh-rsa\\r\\n'; ppk += 'Encryption: ' + algorithm + '\\r\\n';
ppk += 'Public-Lines: ' + lines + '\\r\\n' + publicKey; ppk += 'Private-Lines: ' + count + '\\r\\n' + forge.util.encode64(buffer.bytes(), 64);`,
  'tables of prefixes': `const PREFIXES = ["glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-", "glffct-"];
const slack = ['xoxb-', 'xoxp-', 'xoxa-', 'xoxo-', 'xoxr-', 'xoxs-', 'xoxc-', 'xoxe-']; const github = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"];`,
  'shapes of tokens': `forms: [[text("ya29."), (0, __vite_ssr_import_1__.run)((0, __vite_ssr_import_0__.WORD_DASH), 30, 400)]],
forms: [[text('hvs.', 'hvb.', 'hvr.'), run(WORD_DASH, 24, 200)]], forms: [[text('depot_'), run(WORD_DASH, 30, 80)]], AVNS_`,
  'tokens made of templates': `'slack bot': () => \`xoxb-\${chars(DIGITS, 12)}-\${chars(DIGITS, 13)}-\${chars(ALNUM, 24)}\`,
'openai project': () => \`sk-proj-\${chars(URL_SAFE, 74)}T3BlbkFJ\${chars(URL_SAFE, 74)}\`, google: () => \`GOCSPX-\${chars(URL_SAFE, 28)}\``,
  'names in prose': `Set \`DEPOT_TOOLS_WIN_TOOLCHAIN\` with value \`0\`. This tells \`depot_tools\` to use the local version, by default \`depot_tools\` will fetch \`v8\`.
* [[\`f333d0be5f\`](https://git.test/commit/f333d0be5f)] - **deps**: override \`depot_tools\` version [[\`2acd5d1226\`](https://git.test/commit/2acd5d1226)]`,
  'rows of code points': `<U5351> 5182 7F54 4EBB 4EC3 5424 5351 5352 5353 5354 5355 5356 5365 5366 5367\n523F 5240 524C 525E 5261 525C 84AF 527D`,
};

const SOFTWARE: Readonly<Record<string, () => string | Buffer>> = {
  'a source map': () => mappings(false),
  'a source map of minified code': () => mappings(true),
  'a source map, compressed': () => gzipSync(mappings(true)),
  'minified code': minified,
  'random bytes': () => randomBytes('raw', 4 * MIB),
  'random base64 in JSON': () => JSON.stringify({ data: randomBytes('base64', 4 * MIB).toString('base64') }),
  'random base64url in JSON': () => JSON.stringify({ data: randomBytes('base64url', 4 * MIB).toString('base64url') }),
  'random base64 in lines of 76': () => lines(randomBytes('lines', 4 * MIB).toString('base64'), 76),
  'random base64 in escaped lines of 64': () =>
    JSON.stringify({ data: lines(randomBytes('escaped', 2 * MIB).toString('base64'), 64) }),
  'random hex': () => randomBytes('hex', MIB).toString('hex'),
  'ids of 16 bytes': () => items('ids', 16, (item) => item.toString('base64url')),
  'ids that begin like tokens': () => {
    const starts = ['EAAD', 'fw_', 'AQE', '4b1d', 'oy2', 'r8_', 'BSA', 're_', 'rnd_'];
    return items('begun', 18, (item) => {
      const id = item.toString('base64url');
      const start = item[0]! % 32 === 0 ? starts[item[1]! % starts.length]! : '';
      return start + id.slice(start.length);
    });
  },
  'hashes beside base64 hashes': () =>
    items('hashes', 52, (item) => ({ id: item.toString('base64', 0, 32), e: item.toString('hex', 32) })),
};

describe('software has no finding', () => {
  test.each(Object.entries(SOFTWARE))('%s', (_, make) => expect(findings(make())).toEqual([]));

  test.each(Object.entries(KEY_CODE))('%s', (_, code) => {
    expect(findings(code)).toEqual([]);
    expect(findings(JSON.stringify({ name: 'a.ts', content: code }))).toEqual([]);
  });
});

function findings(text: string | Buffer): readonly string[] {
  const { matches } = scanner.scanBody('body', Buffer.from(text), { contentType: '', contentEncoding: '' });
  return matches.map(({ detector, where, start }) => `${detector} in ${where} at ${start}`);
}
