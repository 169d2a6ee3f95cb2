// Speed of the DLP engine: MB/s of each kind of body, of the worst that its tests know, time of a small request, memory of many scans at once.
// Beside each: one `Buffer.indexOf` pass over the same bytes (the limit), and all detectors as regular expressions one by one in V8. Ratios
// matter, not values. Run with --expose-gc for the memory.
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { DETECTORS } from '../proxy/src/dlp/detectors/index.ts';
import { seededRandom } from '../proxy/src/dlp/detectors/random.ts';
import { createScanner } from '../proxy/src/dlp/scanner.ts';
import { hostileBodies } from '../proxy/test/unit/dlp/hostile-bodies.ts';

const random = seededRandom(7);
const secrets = Array.from({ length: 4 }, (_, index) => ({
  name: `S${index}`,
  value: `acme_${random.chars('A-Za-z0-9', 32)}`,
  placeholder: `bottle-${random.chars('a-z0-9', 28)}`,
}));
const scanner = createScanner({
  secrets,
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
/** Source text with a keyword every sixty bytes, as documentation about tokens is. */
const documentation = Array.from(
  { length: 1500 },
  (_, index) => `${sources.slice(index * 60, index * 60 + 60)} ${keywords[index % keywords.length]}`,
).join('');
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
  'keyword-dense text, 100 KB': Buffer.from(documentation),
  'nothing but keywords, 100 KB': Buffer.from(dense),
  'one keyword over and over': Buffer.from('sk-ant-'.repeat(15_000)),
  'percent-encoded form': Buffer.from(`a=${encodeURIComponent(sources.slice(0, 60_000))}`),
  embeddings: Buffer.from(
    JSON.stringify({ data: Array.from({ length: 6_000 }, () => random.number(-1e9, 1e9) / 1e9) }),
  ),
  'small integers': Buffer.from(JSON.stringify({ data: Array.from({ length: 30_000 }, () => random.number(0, 255)) })),
  'UTF-8 text': Buffer.from('Это просто текст на русском языке, и в нём нет ничего особенного. '.repeat(900)),
};

const plain = { contentType: 'application/json', contentEncoding: '' };

/** This process's own time so far, in microseconds. */
function ownMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** MB a second of this process's own time, warmed up by that time too: what others do on the machine does not count. Best of three. */
function rate(bytes: number, run: () => void, leastMs = 60): number {
  const timed = (ms: number): number => {
    const began = ownMicros();
    let runs = 0;
    do {
      run();
      runs++;
    } while (ownMicros() - began < ms * 1000);
    return (bytes * runs) / (ownMicros() - began);
  };
  timed(leastMs * 5);
  return Math.max(timed(leastMs), timed(leastMs), timed(leastMs));
}

/** One expression a detector: a keyword and what a token is made of. */
const rules = DETECTORS.map(
  ({ keywords: words, anyCase }) =>
    new RegExp(
      `(?:${words.map((word) => word.replaceAll(/[^A-Za-z0-9]/g, '\\$&')).join('|')})[A-Za-z0-9_.+/=-]{16,}`,
      anyCase ? 'i' : '',
    ),
);

function print(name: string, body: Buffer, isCompared: boolean): number {
  const limit = isCompared ? rate(body.length, () => void body.indexOf('\u0001\u0002\u0003~')) : 0;
  let verdict = '';
  const engine = rate(body.length, () => {
    const { matches, unjudged } = scanner.scanBody('body', body, plain);
    verdict = `${matches.length} findings ${unjudged?.kind ?? ''}`;
  });
  let one = 0;
  if (isCompared) {
    const text = body.subarray(0, 100_000).toString('latin1');
    one = rate(text.length, () => {
      for (const rule of rules) rule.test(text);
    });
  }
  const beside = isCompared
    ? `${(limit / engine).toFixed(0).padStart(6)} x slower than indexOf ${(engine / one).toFixed(0).padStart(5)} x faster than one by one`
    : '';
  console.log(`${name.padEnd(30)} ${engine.toFixed(0).padStart(6)} MB/s ${beside}   ${verdict}`);
  return engine;
}

let clean = 0;
for (const [name, body] of Object.entries(bodies)) {
  const speed = print(name, body, true);
  if (clean === 0) clean = speed;
}

console.log('\nthe worst that the tests know, 100 KB each:');
const hostile = Object.entries(hostileBodies(secrets[0]!.value)).map(([name, make]) => {
  const body = Buffer.from(make(100_000));
  return { name, speed: rate(body.length, () => void scanner.scanBody('body', body, plain), 10) };
});
for (const { name, speed } of hostile.sort((a, b) => a.speed - b.speed).slice(0, 12)) {
  console.log(
    `${name.padEnd(45)} ${speed.toFixed(1).padStart(6)} MB/s ${(clean / speed).toFixed(0).padStart(6)} x slower than clean JSON`,
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
const small = conversation(1000).subarray(0, 1000);
const micros: number[] = [];
for (let i = 0; i < 30_000; i++) {
  const began = process.hrtime.bigint();
  for (const value of headers) scanner.scanText('header', value);
  scanner.scanBody('body', small, plain);
  if (i >= 10_000) micros.push(Number(process.hrtime.bigint() - began) / 1000);
}
micros.sort((a, b) => a - b);
const share = (part: number): string => micros[Math.floor(micros.length * part)]!.toFixed(1);
console.log(`\na request of ${headers.length} short texts and 1 KB: p50 ${share(0.5)} us, p99 ${share(0.99)} us`);

// A thousand bodies that stream at once, each in the middle of its second window.
globalThis.gc?.();
const before = process.memoryUsage();
const piece = conversation(16_384);
const streams = Array.from({ length: 1000 }, () => scanner.scanStream('body', plain, null));
for (let i = 0; i < 6; i++) for (const stream of streams) stream.push(Buffer.from(piece));
globalThis.gc?.();
const after = process.memoryUsage();
const held = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
console.log(
  `1,000 scans at once, 96 KB into each: ${(held / 1e6).toFixed(0)} MB, ${(held / streams.length / 1000).toFixed(0)} KB each`,
);
