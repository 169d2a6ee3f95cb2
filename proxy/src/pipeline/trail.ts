// What left in requests, messages and names before: a secret that goes out piece by piece is stopped before enough of it is outside.
//
// Known values are followed in all that leaves, whatever its place and destination: which of their characters have been seen lately. Formats
// are followed by place: the values that one query parameter, the path's end or a small body had one after the other, joined. Memory is
// bounded; what is older than a quarter of an hour is forgotten. State of one process: with several, each follows what it carries.
import type { Match, Scanner } from '../dlp/types.ts';
import { WINDOW_CHARS, Windows } from './windows.ts';

/** Of a value so much, and so many characters: then the next piece stays here. */
export const SHARE = 0.5;
export const LEAST_CHARS = 12;
/** Shortest piece of a value inside other text, and of one that is a whole query value, segment or field, in characters. */
const PIECE_LEAST = 6;
export const EXPIRY_MS = 15 * 60_000;
/** Most characters of one text that are looked at, so that no request pays much for this. */
const TEXT_CHARS = 16 * 1024;
/** Places that are followed for formats, pieces of each, and the longest piece in characters. */
const PLACES = 256;
const PIECES = 24;
const PIECE_CHARS = 96;
/** Forms of values that were known, whose characters' last sight is remembered. */
const FORMS = 4096;
/** Texts that were looked at a moment ago, and the longest of them in characters. */
const RECENT = 128;
const RECENT_MS = 60_000;
const RECENT_CHARS = 2048;
/** Longest text whose words are read as base64 and hex too, in characters. */
const DECODED_CHARS = 256;
/** Such texts that are known to hold no piece of any value. */
const FOREIGN = 512;

/** A text that is about to leave. `place`: `api.example query d`; null = followed for known values only. */
export interface Leaving {
  readonly place: string | null;
  readonly text: string;
}

export interface Trail {
  /** Reads the known values now instead of at the first `note`. */
  warm(): void;
  /** Notes what leaves; returns what it would complete, for which the caller refuses. */
  note(leaving: readonly Leaving[]): readonly Match[];
}

interface Known {
  readonly text: string;
  readonly lower: string;
  /** Shortest piece of it that counts, in characters. */
  readonly piece: number;
  readonly match: Match;
  /** When each character was last seen, in ms; -Infinity for never. */
  readonly seen: Float64Array;
}

/** What one place held lately, from a piece on that a token may begin in. */
interface Tail {
  readonly pieces: readonly string[];
  readonly at: number;
}

/** What is remembered when the known values change: an agent that can make them change must not be able to have it all forgotten. */
export interface TrailMemory {
  /** By form of a value: when each of its characters was last seen, in ms; -Infinity for never. */
  readonly seen: Map<string, Float64Array>;
  readonly tails: Map<string, Tail>;
}

export const newTrailMemory = (): TrailMemory => ({ seen: new Map(), tails: new Map() });

/** `values`: known secrets and placeholders. `now`: a clock in ms that only goes forward. */
export function createTrail(
  scanner: Scanner,
  values: readonly string[],
  now: () => number,
  memory = newTrailMemory(),
): Trail {
  let known: Windows<Known> | null = null;
  const windows = (): Windows<Known> => {
    known ??= new Windows(
      remembered(
        memory,
        values.flatMap((value) => formsOf(scanner, value)),
      ),
    );
    return known;
  };
  /** A host's path, a client's id: what says nothing once says nothing the next time. */
  const foreign = new Set<string>();
  /** The same block of header fields comes with request after request. */
  let recent = new Set<string>();
  let recentFrom = now();
  const { tails } = memory;

  function note(leaving: readonly Leaving[]): readonly Match[] {
    const time = now();
    const touched = new Set<Known>();
    const found: Match[] = [];
    if (time - recentFrom > RECENT_MS || recent.size >= RECENT) {
      recent = new Set();
      recentFrom = time;
    }
    for (const { place, text } of leaving) {
      if (place === null && text.length <= RECENT_CHARS) {
        if (recent.has(text)) continue;
        recent.add(text);
      }
      followAll(text, place !== null, time, touched);
      if (place !== null && text.length >= 3 && text.length <= PIECE_CHARS) found.push(...joined(place, text, time));
    }
    for (const of of touched) {
      let covered = 0;
      for (const at of of.seen) if (time - at <= EXPIRY_MS) covered++;
      if (covered >= LEAST_CHARS && covered >= of.text.length * SHARE) found.push({ ...of.match, length: covered });
    }
    return found;
  }

  /** As it stands and, where it is a short value, decoded. */
  function followAll(text: string, isWhole: boolean, time: number, touched: Set<Known>): void {
    const isShort = isWhole && text.length <= DECODED_CHARS;
    if (isShort && foreign.has(text)) return;
    let isKnown = follow(text.length > TEXT_CHARS ? text.slice(0, TEXT_CHARS) : text, isWhole, time, touched);
    if (!isShort) return;
    for (const word of decodedWords(text)) if (follow(word, true, time, touched)) isKnown = true;
    if (isKnown) return;
    if (foreign.size >= FOREIGN) foreign.clear();
    foreign.add(text);
  }

  /** Marks the characters of known values that stand in `text`, in pieces of any order; are there any? `isWhole`: it is a value, not a text with many. */
  function follow(text: string, isWhole: boolean, time: number, touched: Set<Known>): boolean {
    let isKnown = false;
    const lower = text.toLowerCase();
    windows().forEach(lower, (i, of, at) => {
      let before = 0;
      while (before < i && before < at && lower[i - before - 1] === of.lower[at - before - 1]) before++;
      let after = WINDOW_CHARS;
      while (i + after < lower.length && at + after < of.lower.length && lower[i + after] === of.lower[at + after])
        after++;
      // Shorter ones are in random ids by accident; one that is all of a short value is none.
      if (before + after < of.piece && !(isWhole && before + after === lower.length)) return;
      of.seen.fill(time, at - before, at + after);
      touched.add(of);
      isKnown = true;
    });
    return isKnown;
  }

  function joined(place: string, text: string, time: number): readonly Match[] {
    let tail = tails.get(place);
    if (tail === undefined || time - tail.at > EXPIRY_MS) tail = { pieces: [], at: time };
    const last = tail.pieces.at(-1);
    if (last === text) return [];
    // Only from the first piece on that a token may begin in.
    if (tail.pieces.length === 0 && !scanner.mayBegin(text)) return [];
    // The least recently used place comes first.
    tails.delete(place);
    if (tails.size >= PLACES) tails.delete(tails.keys().next().value!);
    const pieces = [...tail.pieces, text].slice(-PIECES);
    tails.set(place, { pieces, at: time });
    if (pieces.length < 2) return [];
    const ends = pieces.join('').length - text.length;
    // What earlier requests completed was refused then; this one is about what it adds.
    return scanner.scanJoined('requests one after the other', pieces).filter((match) => match.end > ends);
  }

  return { warm: () => void windows(), note };
}

/** What was seen of values that are still known counts. */
function remembered({ seen }: TrailMemory, known: readonly Known[]): readonly Known[] {
  const all = known.map((of) => {
    const own = { ...of, seen: seen.get(of.text) ?? of.seen };
    // The least recently known one comes first.
    seen.delete(of.text);
    seen.set(of.text, own.seen);
    return own;
  });
  for (const text of seen.keys()) {
    if (seen.size <= Math.max(FORMS, all.length)) break;
    seen.delete(text);
  }
  return all;
}

/** A value as it stands, and in the encodings that it may have had before it was cut up. */
function formsOf(scanner: Scanner, value: string): Known[] {
  const [match] = scanner.scanText('requests one after the other', value).filter(({ kind }) => kind !== 'detector');
  if (match === undefined || value.length < LEAST_CHARS) return [];
  const bytes = Buffer.from(value);
  const forms = [
    { text: value, piece: PIECE_LEAST },
    { text: bytes.toString('base64').replace(/=+$/, ''), piece: PIECE_LEAST },
    { text: bytes.toString('hex'), piece: 2 * PIECE_LEAST - 2 },
  ];
  return forms.map(({ text, piece }) => ({
    text,
    lower: text.toLowerCase(),
    piece,
    match,
    seen: new Float64Array(text.length).fill(Number.NEGATIVE_INFINITY),
  }));
}

function* decodedWords(text: string): Generator<string> {
  for (const [word] of text.matchAll(/[A-Za-z0-9+/_-]{6,128}/g)) {
    yield Buffer.from(word, 'base64').toString('latin1');
    if (/^[0-9a-f]+$/i.test(word)) yield Buffer.from(word, 'hex').toString('latin1');
  }
  if (text.includes('%'))
    yield text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
