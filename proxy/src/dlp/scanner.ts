// Builds the scanner of a session: the boundary of types.ts over engine, hunt and stream.
import { decodeBody, encodeBody } from './body.ts';
import { compileEngine } from './engine.ts';
import type { Hit } from './findings.ts';
import { Hunt } from './hunt.ts';
import { locate } from './locate.ts';
import { matchOf, replacement } from './match.ts';
import { type Edit, editBytes, editText } from './rewrite.ts';
import { openStream } from './stream.ts';
import { textViews } from './text.ts';
import type { BodyMeta, BodyScan, Match, Scanner, ScannerConfig, Unjudged } from './types.ts';
import { View } from './view.ts';
import { looksMadeUp } from './views/joins.ts';
import { wholeEscapes } from './whole-escapes.ts';

export function createScanner(config: ScannerConfig): Scanner {
  const engine = compileEngine(config);
  const { decodedBytes } = config;

  function huntText(text: string): readonly Hit[] {
    if (text.length < 4) return [];
    const hunt = new Hunt(engine, text.length, decodedBytes);
    for (const view of textViews(text)) hunt.search(view);
    return inOrder(hunt.hits);
  }

  const isClean = (name: string): boolean => huntText(name).length === 0;

  function scanText(where: string, text: string): readonly Match[] {
    return huntText(text).map((hit) => matchOf(hit, where, ''));
  }

  function scanJoined(where: string, texts: readonly string[]): readonly Match[] {
    const ends = new Set<number>();
    let length = 0;
    for (const text of texts) {
      length += text.length;
      ends.add(length);
    }
    const text = texts.join('');
    /** A token that ends with its text is no other one because the next text begins with a letter. */
    const isWholeBefore = (hit: Hit): boolean => {
      let start = 0;
      for (const one of texts) {
        if (hit.start < start + one.length) return huntText(one).some(({ detector }) => detector === hit.detector);
        start += one.length;
      }
      return false;
    };
    return huntText(text)
      .filter((hit) => crosses(hit, ends))
      .filter((hit) => hit.kind !== 'detector' || (isOneToken(hit, text) && !isWholeBefore(hit)))
      .map((hit) => matchOf(hit, where, ''));
  }

  function scanBody(where: string, body: Buffer, meta: BodyMeta): BodyScan {
    const decoded = decodeBody(body, meta.contentEncoding, decodedBytes);
    if (!decoded.ok) {
      const flat = huntFlat(body).map((hit) => matchOf(hit, where, ''));
      return { matches: flat, unjudged: decoded.unjudged, rewrite: () => body };
    }
    const { bytes, codings } = decoded;
    const hunt = new Hunt(engine, bytes.length, decodedBytes);
    hunt.search(new View(bytes, bytes.length));
    const hits = inOrder(hunt.hits.map((hit) => ({ ...hit, ...wholeEscapes(bytes, hit) })));
    const places = hits.length === 0 ? [] : locate(bytes, meta.contentType, hits, isClean);
    const bare = new Set<Match>();
    const matches = hits.map((hit, index) => {
      const match = matchOf(hit, where, places[index]!.path);
      if (places[index]!.isBare) bare.add(match);
      return match;
    });
    // What a compressed stream carries beside its content (names, comments, skippable frames) goes when it is encoded anew.
    const inside = new Set(hits.map((hit) => hit.fingerprint));
    const beside = (codings.length === 0 ? [] : huntFlat(body))
      // Small streams hold their content uncompressed.
      .filter((hit) => !inside.has(hit.fingerprint))
      .map((hit) => matchOf({ ...hit, start: 0, end: 0 }, where, ''));
    return {
      matches: [...matches, ...beside],
      unjudged: unjudgedOf(hunt),
      rewrite(chosen) {
        const isBeside = beside.some(chosen);
        const edits = matches.filter(chosen).map((match) => editOf(match, bare.has(match)));
        return edits.length === 0 && !isBeside ? body : encodeBody(editBytes(bytes, edits), codings);
      },
    };
  }

  function huntFlat(bytes: Buffer): readonly Hit[] {
    const hunt = new Hunt(engine, bytes.length, decodedBytes);
    hunt.searchFlat(new View(bytes, bytes.length));
    return hunt.hits;
  }

  return {
    scanText,
    scanJoined,
    mayBegin: beginningsOf(engine.keywords),
    scanBody,
    scanStream: (where, meta, redact) => openStream({ engine, decodedBytes, where, meta, redact }),
    replacement,
    redactText: (text) =>
      editText(
        text,
        huntText(text).map((hit) => editOf(matchOf(hit, '', ''), false)),
      ),
  };
}

const unjudgedOf = ({ isOverBudget, unread }: Hunt): Unjudged | null => {
  if (isOverBudget) return { kind: 'over_budget', detail: 'too much nested data, or too many findings' };
  return unread === '' ? null : { kind: 'undecodable', detail: unread };
};

function editOf(match: Match, isBare: boolean): Edit {
  const text = replacement(match);
  return { start: match.start, end: match.end, text: isBare ? `"${text}"` : text };
}

const inOrder = (hits: readonly Hit[]): readonly Hit[] =>
  hits.length < 2 ? hits : [...hits].sort((a, b) => a.start - b.start || b.end - a.end || rank(a) - rank(b));

/** Of findings about the same span the exact one names it. */
const rank = (hit: Hit): number => (hit.kind === 'detector' ? 1 : 0);

/** The first three characters of keywords, a bit for each: no more than a look at each place. */
function beginningsOf(keywords: readonly string[]): (text: string) => boolean {
  const three = (text: string, at: number): number =>
    ((text.charCodeAt(at) & 127) << 14) | ((text.charCodeAt(at + 1) & 127) << 7) | (text.charCodeAt(at + 2) & 127);
  const bits = new Uint8Array(1 << 18);
  for (const keyword of keywords) {
    if (keyword.length >= 3) bits[three(keyword, 0) >> 3]! |= 1 << (three(keyword, 0) & 7);
  }
  return (text) => {
    for (let at = 0; at + 3 <= text.length; at++) {
      const index = three(text, at);
      if (((bits[index >> 3]! >> (index & 7)) & 1) === 1) return true;
    }
    return false;
  };
}

/** A format that stands in several texts by more than accident: beginning and digits and letters, nothing else. */
const isOneToken = (hit: Hit, text: string): boolean => hit.chain === '' && looksMadeUp(text.slice(hit.start, hit.end));

const crosses = (hit: Hit, ends: ReadonlySet<number>): boolean => {
  for (const end of ends) if (hit.start < end && end < hit.end) return true;
  return hit.chain.includes('pieces');
};
