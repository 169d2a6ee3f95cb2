// Speed of the DLP engine: MB/s of each kind of body against one `Buffer.indexOf` pass over the same bytes. Ratios matter, not values.
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { seededRandom } from '../proxy/src/dlp/detectors/random.ts';
import { createScanner } from '../proxy/src/dlp/scanner.ts';

const random = seededRandom(7);
const scanner = createScanner({
  secrets: Array.from({ length: 4 }, (_, index) => ({
    name: `S${index}`,
    value: `acme_${random.chars('A-Za-z0-9', 32)}`,
    placeholder: `bottle-${random.chars('a-z0-9', 28)}`,
  })),
  detectors: null,
  fingerprintKey: randomBytes(32),
  decodedBytes: 256 * 1024 * 1024,
});

/** Source text, as an agent would send it in a conversation. */
const folder = new URL('../node_modules/yaml/dist/', import.meta.url);
const sources = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.js'))
  .map((file) => readFileSync(new URL(file, folder), 'utf8'))
  .join('\n');

function conversation(bytes: number): Buffer {
  const messages: { role: string; content: string }[] = [];
  for (let length = 0, at = 0; length < bytes; at = (at + 3000) % sources.length) {
    const content = sources.slice(at, at + 3000);
    messages.push({ role: messages.length % 2 === 0 ? 'user' : 'assistant', content });
    length += content.length;
  }
  return Buffer.from(JSON.stringify({ model: 'm', stream: true, messages }));
}

const words =
  'the of and a to in is was he for it with as his on be at by had not are but from or have an they which one you were all her she there would their we him been has when who will no more if out so said what up its about than into them can only other time new some could these two may first then do any like my now over such our man me even most made after also did many before must through back years where much your way well down should because each just those people how too little state good very make world still own see men work long get here between both life being under never day same another know while last might us great old year off come since against go came right used take three'.split(
    ' ',
  );
const prose = Array.from({ length: 20_000 }, () => words[random.number(0, words.length - 1)]).join(' ');
const keywords = [
  'sk-ant-',
  'ghp_',
  'AKIA',
  'xoxb-',
  'eyJhbGci',
  'npm_',
  'https://',
  'glpat-',
  '-----BEGIN ',
  'secret_access_key',
];
const dense = Array.from({ length: 12_000 }, () => keywords[random.number(0, keywords.length - 1)]).join(' ');
const lock = JSON.stringify({
  packages: Object.fromEntries(
    Array.from({ length: 400 }, () => [
      `node_modules/${random.chars('a-z', 9)}`,
      {
        version: '1.2.3',
        resolved: `https://r.test/${random.chars('a-z', 9)}/-/x.tgz`,
        integrity: `sha512-${randomBytes(64).toString('base64')}`,
      },
    ]),
  ),
});

const bodies: Readonly<Record<string, Buffer>> = {
  'clean JSON, 100 KB': conversation(100_000),
  'clean JSON, 10 MB': conversation(10_000_000),
  'prose, 90 KB': Buffer.from(JSON.stringify({ text: prose })),
  'base64 image, 1 MB': Buffer.from(JSON.stringify({ image: randomBytes(750_000).toString('base64') })),
  'binary, 1 MB': randomBytes(1_000_000),
  'lock file, 100 KB': Buffer.from(lock),
  'keyword-dense, 100 KB': Buffer.from(dense),
  'one keyword over and over': Buffer.from('sk-ant-'.repeat(15_000)),
  'percent-encoded form': Buffer.from(`a=${encodeURIComponent(sources.slice(0, 60_000))}`),
  embeddings: Buffer.from(
    JSON.stringify({ data: Array.from({ length: 6_000 }, () => random.number(-1e9, 1e9) / 1e9) }),
  ),
  'small integers': Buffer.from(JSON.stringify({ data: Array.from({ length: 30_000 }, () => random.number(0, 255)) })),
  'UTF-8 text': Buffer.from('Это просто текст на русском языке, и в нём нет ничего особенного. '.repeat(900)),
};

/** MB a second of this process's own time: what others do on the machine does not count. */
function rate(bytes: number, run: () => void): number {
  for (let i = 0; i < 20; i++) run();
  const began = process.cpuUsage();
  let runs = 0;
  let used = 0;
  while (used < 300_000 || runs < 3) {
    run();
    runs++;
    const { user, system } = process.cpuUsage(began);
    used = user + system;
  }
  return (bytes * runs) / used;
}

for (const [name, body] of Object.entries(bodies)) {
  const limit = rate(body.length, () => void body.indexOf('\u0001\u0002\u0003~'));
  let matches = 0;
  const engine = rate(body.length, () => {
    matches = scanner.scanBody('body', body, { contentType: 'application/json', contentEncoding: '' }).matches.length;
  });
  console.log(
    `${name.padEnd(28)} ${engine.toFixed(0).padStart(6)} MB/s   ${(limit / engine).toFixed(0).padStart(5)} x indexOf   ${matches} matches`,
  );
}

const headers = [
  'application/json',
  'Bearer abc',
  'node-fetch/3.1 (linux; x64)',
  'gzip, deflate, br',
  '*/*',
  'keep-alive',
  '/v1/messages',
  'api.test',
];
const perRequest =
  1 /
  rate(1, () => {
    for (const value of headers) scanner.scanText('header', value);
  });
console.log(`a request's ${headers.length} short texts    ${perRequest.toFixed(1)} us`);
