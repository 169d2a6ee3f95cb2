// Looks for the body that the DLP engine is slowest on: mutates hostile bodies, keeps those that take the most CPU time a byte.
// node bench/dlp-worst.ts [SECONDS] [SEED]. What it finds belongs into proxy/test/unit/dlp/hostile-bodies.ts.
import { DETECTORS } from '../proxy/src/dlp/detectors/index.ts';
import { seededRandom } from '../proxy/src/dlp/detectors/random.ts';
import { createScanner } from '../proxy/src/dlp/scanner.ts';

const seconds = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? 1);
const random = seededRandom(seed);
const BYTES = 40_000;
const KEPT = 40;
const plain = { contentType: 'application/json', contentEncoding: '' };
const value = `acme_${random.chars('A-Za-z0-9', 32)}`;
const secrets = [{ name: 'S', value, placeholder: `bottle-${random.chars('a-z0-9', 28)}` }];
const scanner = createScanner({
  secrets,
  detectors: null,
  fingerprintKey: Buffer.alloc(32, seed),
  decodedBytes: 64 * 1024 * 1024,
});

const pick = <T>(all: readonly T[]): T => all[random.number(0, all.length - 1)]!;
const keywords = [...new Set(DETECTORS.flatMap((one) => one.keywords))];
const tokens = DETECTORS.flatMap((one) => one.truePositives(random)).filter((text) => text.length < 200);
const SIGNS = [
  '-',
  '_',
  '.',
  '/',
  '+',
  '=',
  '%',
  '&',
  '\\',
  '\\n',
  '\\"',
  '"',
  "'",
  '`',
  ' ',
  ',',
  ', ',
  '","',
  ':',
  '@',
  '\n',
  '<b>',
  '[',
  '{"a":',
  '|',
];
const RUNS = [1, 2, 3, 4, 7, 8, 12, 15, 16, 17, 22, 24, 31, 32, 33, 40, 48, 64, 96, 256];
const SETS = ['0-9', 'a-f0-9', 'a-z', 'A-Z2-7', 'A-Za-z0-9', 'A-Za-z0-9+/', '!-~', '\0-ÿ', ' -~', 'a-zA-Z'];

const ENCODINGS: readonly ((text: string) => string)[] = [
  (text) => Buffer.from(text, 'latin1').toString('base64'),
  (text) => Buffer.from(text, 'latin1').toString('hex'),
  (text) => [...text].reverse().join(''),
  (text) => text.replace(/./gs, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`),
  (text) => text.replace(/./gs, (char) => `\\u00${char.charCodeAt(0).toString(16).padStart(2, '0')}`),
  (text) => text.replace(/./gs, (char) => `&#${char.charCodeAt(0)};`),
  (text) => [...text].map((char) => char.charCodeAt(0)).join(','),
  (text) => [...text].join(pick(SIGNS)),
  (text) => text.replace(/[a-z]/gi, (char) => (random.number(0, 1) === 0 ? char.toUpperCase() : char.toLowerCase())),
  (text) => JSON.stringify(text).slice(1, -1),
  (text) =>
    text.replace(/[a-z]/gi, (char) =>
      String.fromCharCode((((char.charCodeAt(0) & 31) + 12) % 26) + 1 + (char.charCodeAt(0) & 96)),
    ),
  (text) => text.replace(/.{3}/g, (three) => three + pick(SIGNS)),
];

function fragment(): string {
  const kind = random.number(0, 6);
  if (kind < 3) return pick(keywords);
  if (kind === 3) return pick(tokens).slice(0, random.number(8, 60));
  if (kind === 4) return random.chars(pick(SETS), pick(RUNS));
  if (kind === 5) return value.slice(random.number(0, 10), random.number(14, value.length));
  return pick(SIGNS);
}

/** A unit that is repeated; what is repeated is what costs. */
function mutated(unit: string, other: string): string {
  const at = random.number(0, unit.length);
  const cut = random.number(at, Math.min(unit.length, at + 24));
  switch (random.number(0, 6)) {
    case 0:
      return unit.slice(0, at) + fragment() + unit.slice(at);
    case 1:
      return unit.slice(0, at) + unit.slice(cut);
    case 2:
      return unit.slice(0, at) + pick(ENCODINGS)(unit.slice(at, cut)) + unit.slice(cut);
    case 3:
      return pick(ENCODINGS)(unit);
    case 4:
      return unit.slice(0, at) + other.slice(random.number(0, other.length));
    case 5:
      return unit.slice(0, at) + pick(SIGNS) + unit.slice(at);
    default:
      return unit + fragment();
  }
}

/** CPU nanoseconds a byte, the least of some rounds. */
function score(unit: string): { readonly cost: number; readonly verdict: string } {
  const body = Buffer.from(unit.repeat(Math.ceil(BYTES / unit.length)).slice(0, BYTES), 'latin1');
  let cost = Number.POSITIVE_INFINITY;
  let verdict = '';
  for (let round = 0; round < 4; round++) {
    const began = process.cpuUsage();
    const { matches, unjudged } = scanner.scanBody('body', body, plain);
    const { user, system } = process.cpuUsage(began);
    cost = Math.min(cost, ((user + system) * 1000) / body.length);
    verdict = `${matches.length} ${unjudged?.kind ?? ''}`;
  }
  return { cost, verdict };
}

interface Found {
  readonly unit: string;
  readonly cost: number;
  readonly verdict: string;
}

let best: Found[] = [];
const consider = (unit: string): void => {
  if (unit.length === 0 || unit.length > 2000 || best.some((one) => one.unit === unit)) return;
  const first = score(unit);
  if (best.length >= KEPT && first.cost < best.at(-1)!.cost) return;
  // Again: a pause of the machine is no slowness of ours.
  const { cost, verdict } = score(unit);
  best = [...best, { unit, cost: Math.min(cost, first.cost), verdict }].sort((a, b) => b.cost - a.cost).slice(0, KEPT);
};

const until = performance.now() + seconds * 1000;
for (let i = 0; i < 200; i++) consider(Array.from({ length: random.number(1, 3) }, fragment).join(''));
let tried = 0;
for (; performance.now() < until; tried++) {
  // Most from the worst, some from anywhere.
  const from = best[Math.min(best.length - 1, Math.floor((random.number(0, 1000) / 1000) ** 2 * best.length))]!;
  consider(mutated(from.unit, random.number(0, 1) === 0 ? pick(best).unit : fragment()));
}
console.log(`seed ${seed}: ${tried} bodies of ${BYTES} bytes; the slowest:`);
for (const { unit, cost, verdict } of best.slice(0, 12))
  console.log(`${(1000 / cost).toFixed(1).padStart(7)} MB/s  ${verdict}  ${JSON.stringify(unit).slice(0, 160)}`);
