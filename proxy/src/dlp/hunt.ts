// One search: the text itself, then whatever it decodes to, three decodings deep, within a budget.
import { isUtf8 } from 'node:buffer';
import { BASE64 } from './charsets.ts';
import type { Detector } from './detectors/detector.ts';
import type { Engine, Hint, KnownValue, RuleProposer } from './engine.ts';
import { rot13 } from './forms.ts';
import { findFragments } from './fragments.ts';
import type { AskRules } from './rules/runner.ts';
import { type RuleKeyword, ruleWindows } from './rules/windows.ts';
import { SEEKS } from './seek.ts';
import { SOURCE_DETECTOR } from './source/source-index.ts';
import { CLASS_NON_ASCII, CLASS_PERCENT_OR_AND, CLASS_ZERO } from './sweep.ts';
import type { MatchKind } from './types.ts';
import { asBuffer, type Span, View } from './view.ts';
import { type Inflated, inflateView } from './views/compressed.ts';
import { inflateInside } from './views/containers.ts';
import { decodeDense, decodeUuencode, uuStart } from './views/dense.ts';
import { BACKSLASH, CONCATENATION, ENTITIES, PERCENT, QUOTED_PRINTABLE, unfold } from './views/escapes.ts';
import { joinFrom, looksMadeUp, mayGoOn } from './views/joins.ts';
import { hexDump, spelledRows } from './views/number-rows.ts';
import { DecodedRuns, decodeBase64At, decodeHexAt, decodePiecesAt, decodeRuns, isText } from './views/runs.ts';
import { unspaced } from './views/spaced.ts';
import { crowds, sparseStretches, spelled, squeezed, squeezedBriefly, withoutSeparator } from './views/sparse.ts';
import { readEbcdic, unfoldUnicode, unfoldUtf7, unfoldWide } from './views/unicode.ts';

/** What was found, with its place in the root. */
export interface Hit {
  readonly detector: string;
  readonly kind: MatchKind;
  readonly secret: string;
  readonly length: number;
  readonly fingerprint: string;
  readonly chain: string;
  readonly start: number;
  readonly end: number;
}

/** Layers of encoding, and views in all, that are looked into. */
const DEPTH = 3;
const NESTING = 8;
/** Views of a message, and one more for so many of its bytes. */
const VIEWS = 4096;
const BYTES_PER_VIEW = 8;
/** Bytes of all views together, times the message's. */
const BYTES_FACTOR = 32;
const BYTES_LEAST = 1 << 20;
/** Keywords whose token may go on in pieces, in all, and one more for so many bytes. */
const JOINS = 64;
const BYTES_PER_JOIN = 1024;
/** Pieces of binary data that may be tried as streams without a head. */
const TRIES = 32;
/** How many overlapping candidates of one detector get a close look before the rest of the run is skipped. */
const OVERLAPPING = 8;
/** Findings of one message; whoever sends more cannot expect that each is dealt with. */
const MOST_HITS = 1024;
/** Streams with a telling head that are decompressed, and one more for so many bytes of the message: each costs like kilobytes of text. */
const INFLATIONS = 512;
const BYTES_PER_INFLATION = 2048;
/** How far around a reversed keyword its token may reach, in bytes. */
const REVERSED_BYTES = 512;
/** The same for one in rot13. */
const ROTATED_BYTES = 2048;
/** How much of a value gives it away, whatever the order of its parts. */
const COVERED_SHARE = 0.5;
const COVERED_BYTES = 12;
const PIECES_MARGIN = 256;
const PIECES_GAP = 64;
const PIECES_SUSPICIOUS = 2;
/** How far apart the numbers of a row may stand, in bytes, and how many make a row. */
const NUMBER_GAP = 32;
const NUMBERS = 1;
/** The same for what stands between the strings of a list. */
const LIST_GAP = 12;
const LIST_SIGNS = 8;
/** So many bytes that are all the same are no beginning of anything. */
const FILLER_BYTES = 4;
/** How many earlier findings of a text a new one is compared with; bounds the work when it is repeated without end. */
const RECENT = 64;

/** Where each hint was seen. */
type Hints = Map<Hint, number[]>;

/** A detector's last close look. */
interface Look {
  readonly end: number;
  readonly isTaken: boolean;
  readonly overlapping: number;
}

interface PieceHits {
  readonly value: KnownValue;
  readonly pieces: Set<number>;
  readonly places: number[];
}

export class Hunt {
  readonly hits: Hit[] = [];
  /** Some of it was not searched: it decodes to more than we are willing to read. */
  isOverBudget = false;
  /** What was done so far, so that tests can tell work in proportion to the input from work that is not. */
  readonly work = { views: 0, bytes: 0, looks: 0 };
  readonly #engine: Engine;
  readonly #byFingerprint = new Map<string, Hit[]>();
  readonly #fragments: { readonly view: View; readonly value: KnownValue; readonly spans: readonly Span[] }[] = [];
  readonly #byDetector = new Map<string, Hit[]>();
  #askRules: AskRules | null = null;
  #areRulesLate = false;
  #viewsLeft: number;
  #bytesLeft: number;
  #inflatedLeft: number;
  #triesLeft = TRIES;
  #inflationsLeft: number;
  #joinsLeft: number;
  /** Up to where a keyword of the view was already taken for the beginning of pieces. */
  #looseTo = 0;

  constructor(engine: Engine, lengthBytes: number, decodedBytes: number) {
    this.#engine = engine;
    this.#viewsLeft = VIEWS + lengthBytes / BYTES_PER_VIEW;
    this.#bytesLeft = BYTES_LEAST + lengthBytes * BYTES_FACTOR;
    this.#inflatedLeft = decodedBytes;
    this.#inflationsLeft = INFLATIONS + lengthBytes / BYTES_PER_INFLATION;
    this.#joinsLeft = JOINS + lengthBytes / BYTES_PER_JOIN;
  }

  /** Searches `view` as it is, without decoding anything. */
  searchFlat(view: View): void {
    this.#match(view, new DecodedRuns(), () => {});
    this.#reportFragments();
  }

  /** Searches `root` and all that it decodes to. */
  search(root: View): void {
    this.#search(root);
    this.#reportFragments();
  }

  #search(view: View): void {
    this.work.views++;
    this.work.bytes += view.length;
    const decoded = new DecodedRuns();
    const children: View[] = [];
    const add = (child: View): void => void (child.length > 0 && children.push(child));
    if (view.isOpaque) {
      this.#inflate(view, add);
      if (view.startsWith('PK', 0)) this.#inflateInside(view, add);
      for (const child of children) if (this.#take(child)) this.#search(child);
      return;
    }
    const hints = this.#match(view, decoded, add);
    for (const span of this.#engine.source?.find(view) ?? []) this.#reportDetector(view, SOURCE_DETECTOR, span);
    if (view.nesting < NESTING && !this.isOverBudget) {
      this.#expand(view, hints, decoded, add);
      for (const child of children) {
        if (!this.#take(child)) return;
        this.#search(child);
      }
    }
  }

  #take(child: View): boolean {
    this.#viewsLeft--;
    this.#bytesLeft -= child.length;
    if (this.#viewsLeft < 0 || this.#bytesLeft < 0) this.isOverBudget = true;
    return !this.isOverBudget;
  }

  /** Finds known values and detectors' formats in `view` itself; returns the hints for its expansion. */
  #match(view: View, decoded: DecodedRuns, add: (child: View) => void): Hints {
    const hints: Hints = new Map();
    const values: { value: KnownValue; form: string; span: Span }[] = [];
    const cut = new Map<KnownValue, PieceHits>();
    const candidates: { detector: Detector; span: Span }[] = [];
    const looks = new Map<Detector, Look>();
    const proposer = this.#engine.rules?.detector;
    const spoken: RuleKeyword[] = [];
    const consider = (detector: Detector, start: number, keyword: string): void => {
      if (detector === proposer) {
        spoken.push({ keyword, at: start });
        return;
      }
      const look = looks.get(detector);
      // Inside what was taken there is nothing more; inside what was not, a few more looks and no further.
      if (look !== undefined && start < look.end && (look.isTaken || look.overlapping > OVERLAPPING)) return;
      this.work.looks++;
      const span = detector.match(view, start, keyword);
      if (span === null) {
        // A beginning without the rest: it may go on elsewhere.
        const end = start + keyword.length;
        if (end > start && detector.kind === 'format' && start >= this.#looseTo && mayGoOn(view, start, end))
          this.#loose(view, start, end, add);
        return;
      }
      const isAgain = look !== undefined && span.start < look.end;
      if (isAgain && look.isTaken) return;
      const isTaken = detector.accept(view.text(span.start, span.end), view, span);
      if (isTaken) candidates.push({ detector, span });
      if (candidates.length > MOST_HITS) this.isOverBudget = true;
      const end = Math.max(span.end, look?.end ?? 0);
      looks.set(detector, { end, isTaken, overlapping: isAgain ? look.overlapping + 1 : 0 });
    };
    let reversedTo = 0;
    let rotatedTo = 0;
    this.#looseTo = 0;
    this.#engine.needles.find(view, this.#engine.marks, (tag, start, length) => {
      if (this.isOverBudget || isFiller(view.bytes, start, length)) return;
      switch (tag.do) {
        case 'value':
          values.push({ value: tag.value, form: tag.form, span: { start, end: start + length } });
          if (values.length > MOST_HITS) this.isOverBudget = true;
          break;
        case 'keyword':
          consider(tag.detector, start, tag.keyword);
          break;
        case 'piece': {
          let hits = cut.get(tag.value);
          if (hits === undefined) {
            hits = { value: tag.value, pieces: new Set(), places: [] };
            cut.set(tag.value, hits);
          }
          hits.pieces.add(tag.piece);
          hits.places.push(start);
          break;
        }
        case 'decode':
          if (!canDecode(view)) break;
          if (tag.encoding === 'hex') decodeHexAt(view, start, decoded, add);
          else {
            decodeBase64At(view, Math.max(start - tag.skip, start & 3), decoded, add);
            decodePiecesAt(view, Math.max(start - tag.skip, start & 3), decoded, add);
          }
          break;
        case 'reverse':
          if (!canDecode(view) || view.kind === 'reversed' || start + length <= reversedTo) break;
          reversedTo = Math.min(view.length, start + REVERSED_BYTES);
          add(reversedView(view, Math.max(0, start - REVERSED_BYTES), reversedTo));
          break;
        case 'rotate':
          if (!canDecode(view) || start + length <= rotatedTo) break;
          rotatedTo = Math.min(view.length, start + ROTATED_BYTES);
          add(rotatedView(view, Math.max(0, start - ROTATED_BYTES), rotatedTo));
          break;
        case 'hint':
          listAt(hints, tag.hint).push(start);
          break;
        default:
          tag satisfies never;
      }
    });
    if (!JOINED.has(view.kind)) {
      for (const { kind, detectors } of this.#engine.seeks) {
        SEEKS[kind](view, this.#engine.marks, (start) => {
          for (const detector of detectors) consider(detector, start, '');
        });
      }
    }
    if (this.#engine.rules !== null) this.#tryRules(view, this.#engine.rules, spoken);
    for (const { value, form, span } of values) this.#reportValue(view, value, form, span);
    const known = union(values.map((one) => one.span));
    const sure = candidates.filter(({ detector }) => detector.kind !== 'generic');
    for (const { detector, span } of sure) if (!touches(known, span)) this.#reportDetector(view, detector, span);
    // What is only called a secret is named only where nothing says better what it is.
    const named = union([...known, ...sure.map((one) => one.span)]);
    for (const { detector, span } of candidates) {
      if (detector.kind === 'generic' && !touches(named, span)) this.#reportDetector(view, detector, span);
    }
    for (const hits of cut.values()) this.#joinPieces(view, hits, values);
    return hints;
  }

  #loose(view: View, start: number, end: number, add: (child: View) => void): void {
    this.#looseTo = end;
    if (this.#joinsLeft <= 0 || JOINED.has(view.kind) || view.nesting >= NESTING) return;
    if (view.isInsideBlob(start, end)) return;
    this.#joinsLeft--;
    joinFrom(view, start, add);
  }

  #reportValue(view: View, value: KnownValue, form: string, span: Span): void {
    // Of an encoding the whole run goes: half of a base64 quartet cannot be replaced.
    const isEncoded = /(?:base64|base32|hex)$/.test(form);
    const whole = isEncoded ? view.runAround(BASE64, span.start) : span;
    const { start, end } = view.inRoot(whole.start, whole.end);
    this.#report({
      detector: value.kind,
      kind: value.kind,
      secret: value.secret,
      length: value.length,
      fingerprint: value.fingerprint,
      chain: join(view.chain(), form),
      start,
      end,
    });
  }

  /** Rules of a person's own: near the keywords that speak for them, and at the root those that have none on all of it. */
  #tryRules(view: View, rules: RuleProposer, spoken: readonly RuleKeyword[]): void {
    const always = view.parent === null ? rules.always : [];
    if (JOINED.has(view.kind) || (spoken.length === 0 && always.length === 0)) return;
    const questions = ruleWindows(rules, spoken, view.length);
    if (always.length > 0) questions.push({ start: 0, end: view.length, indexes: new Set(always) });
    for (const { start, end, indexes } of questions) {
      if (this.#areRulesLate) return;
      this.#askRules ??= rules.open();
      const hits = this.#askRules(view.text(start, end), [...indexes]);
      this.#areRulesLate = hits === null;
      if (hits === null)
        this.#reportDetector(view, { id: RULES_DEADLINE, kind: 'format' }, { start: 0, end: view.length });
      for (const hit of hits ?? []) {
        this.#reportDetector(view, { id: hit.id, kind: 'format' }, { start: start + hit.start, end: start + hit.end });
      }
    }
  }

  #reportDetector(view: View, detector: Pick<Detector, 'id' | 'kind'>, span: Span): void {
    const isMadeOfPieces = view.kind === 'joined' || view.kind === 'fields';
    if (isMadeOfPieces && !(detector.kind === 'format' && looksMadeUp(view.text(span.start, span.end)))) return;
    const { start, end } = view.inRoot(span.start, span.end);
    this.#report(
      {
        detector: detector.id,
        kind: 'detector',
        secret: '',
        length: span.end - span.start,
        fingerprint: this.#engine.fingerprint(view.bytes.subarray(span.start, span.end)),
        chain: view.chain(),
        start,
        end,
      },
      detector.kind === 'generic',
    );
  }

  /** `isWeak`: never a reason not to report another finding of the same text. */
  #report(hit: Hit, isWeak = false): void {
    // The same text at the same place, found again through another view or by a second detector, is one finding.
    const sameText = listAt(this.#byFingerprint, hit.fingerprint);
    const sameKind = listAt(this.#byDetector, hit.detector);
    for (let i = sameText.length - 1; i >= Math.max(0, sameText.length - RECENT); i--) {
      if (overlaps(sameText[i]!, hit)) return;
    }
    for (let i = sameKind.length - 1; hit.kind === 'detector' && i >= Math.max(0, sameKind.length - RECENT); i--) {
      const one = sameKind[i]!;
      if (one.chain !== hit.chain && hit.chain.startsWith(one.chain) && overlaps(one, hit)) return;
    }
    if (this.hits.length >= MOST_HITS) {
      this.isOverBudget = true;
      return;
    }
    if (!isWeak) sameText.push(hit);
    sameKind.push(hit);
    this.hits.push(hit);
  }

  /** Pieces of a known value: enough of them are the value; a few are a reason to read without the separators. */
  #joinPieces(view: View, hits: PieceHits, whole: readonly { value: KnownValue; span: Span }[]): void {
    const { value, places, pieces } = hits;
    if (pieces.size < PIECES_SUSPICIOUS) return;
    // Four bytes may be an accident, twice in one neighbourhood they are not.
    const near = crowds(places, PIECES_GAP, PIECES_SUSPICIOUS);
    if (near.length === 0) return;
    const start = Math.max(0, near[0]!.start - PIECES_MARGIN);
    const end = Math.min(view.length, near.at(-1)!.end + PIECES_MARGIN);
    const known = union(whole.filter((one) => one.value === value).map((one) => one.span));
    const { spans, coveredBytes } = findFragments(view, value.bytes, { start, end }, known);
    if (coveredBytes >= Math.max(COVERED_BYTES, value.bytes.length * COVERED_SHARE)) {
      this.#fragments.push({ view, value, spans });
    } else if (known.length === 0) this.#squeeze(view, start, end);
  }

  /** Parts of a value count where the value itself was not found around them, in another view. */
  #reportFragments(): void {
    if (this.#fragments.length === 0) return;
    for (const { view, value, spans } of this.#fragments) {
      const whole = union(this.hits.filter((hit) => hit.fingerprint === value.fingerprint));
      for (const span of spans) {
        if (!touches(whole, view.inRoot(span.start, span.end))) this.#reportValue(view, value, 'pieces', span);
      }
    }
    this.#fragments.length = 0;
  }

  #squeeze(view: View, start: number, end: number): void {
    if (this.#engine.values.length === 0) return;
    let isThere = false;
    this.#engine.squeezedNeedles.find(squeezedBriefly(view, start, end), null, () => {
      isThere = true;
    });
    if (!isThere) return;
    const child = squeezed(view, start, end);
    if (!this.#take(child)) return;
    this.#engine.squeezedNeedles.find(child, null, (tag, at, length) => {
      if (tag.do === 'value') this.#reportValue(child, tag.value, tag.form, { start: at, end: at + length });
    });
  }

  #expand(view: View, hints: Hints, decoded: DecodedRuns, add: (child: View) => void): void {
    const { bytes, length } = view;
    const { marks } = this.#engine;
    if (view.kind !== 'unicode') this.#inflate(view, add);
    const isBinary = marks.has(CLASS_NON_ASCII) && !isUtf8(asBuffer(bytes).subarray(0, length));
    if (marks.has(CLASS_NON_ASCII) && !isBinary) unfoldUnicode(view, add);
    if (marks.has(CLASS_ZERO)) unfoldWide(view, add);
    if (!canDecode(view)) return;
    const mayBeEscaped = marks.has(CLASS_PERCENT_OR_AND);
    if (mayBeEscaped) unfold(view, PERCENT, add);
    const escapes = hints.get('escapes');
    if (escapes !== undefined) unfold(view, BACKSLASH, add, inAscent(escapes));
    if (hints.has('entities') || (mayBeEscaped && asBuffer(bytes).includes('&#'))) unfold(view, ENTITIES, add);
    const sums = hints.get('concatenation');
    if (sums !== undefined) unfold(view, CONCATENATION, add, inAscent(sums));
    if (hints.has('quoted-printable')) unfold(view, QUOTED_PRINTABLE, add);
    if (isBinary) {
      this.#inflateInside(view, add);
      const ebcdic = readEbcdic(view);
      if (ebcdic !== null) add(ebcdic);
    }
    unfoldUtf7(view, add);
    for (const { start, end } of crowds(hints.get('numbers') ?? [], NUMBER_GAP, NUMBERS)) {
      spelledRows(view, Math.max(0, start - NUMBER_GAP), Math.min(length, end + NUMBER_GAP), add);
    }
    let dumped = 0;
    for (const at of inAscent(hints.get('dump') ?? [])) if (at >= dumped) dumped = hexDump(view, at, add);
    for (const { start, end } of crowds(hints.get('list') ?? [], LIST_GAP, LIST_SIGNS)) {
      const to = Math.min(length, end + LIST_GAP);
      spelled(view, Math.max(0, start - LIST_GAP), to, add);
      spelledRows(view, Math.max(0, start - LIST_GAP), to, add);
      unspaced(view, Math.max(0, start - LIST_GAP), to, add);
    }
    for (const at of hints.get('uuencode') ?? []) decodeUuencode(view, uuStart(view, at), add);
    const runs = { ends: marks.runs, count: marks.runCount };
    decodeRuns(view, runs, decoded, add);
    decodeDense(view, runs, add);
    sparseStretches(view, marks.sparse, marks.sparseCount, ({ start, end, isNumbers, isCut }) => {
      if (isNumbers) {
        spelled(view, start, end, add);
        spelledRows(view, start, end, add);
      }
      if (!isCut) return;
      unspaced(view, start, end, add);
      this.#squeeze(view, start, end);
      withoutSeparator(view, start, end, (brief) => this.#isPromising(brief), add);
    });
  }

  /** Whether a keyword or a known value stands in `view` as it is. */
  #isPromising(view: View): boolean {
    let isPromising = false;
    this.#engine.needles.find(view, null, (tag) => {
      isPromising ||= tag.do === 'keyword' || tag.do === 'value';
    });
    return isPromising;
  }

  #inflate(view: View, add: (child: View) => void): void {
    const isPiece = view.kind === 'base64' || view.kind === 'hex';
    const mayTry = (): boolean => isPiece && !isText(view.bytes.subarray(0, 64)) && this.#triesLeft-- > 0;
    this.#addInflated(inflateView(view, Math.max(1, this.#inflatedLeft), mayTry), add);
  }

  #inflateInside(view: View, add: (child: View) => void): void {
    inflateInside(
      view,
      () => this.#inflatedLeft,
      (member) => this.#addInflated(member, add),
    );
  }

  #addInflated({ child, isOverBudget }: Inflated, add: (child: View) => void): void {
    if (isOverBudget) this.isOverBudget = true;
    if (child === null) return;
    if (--this.#inflationsLeft < 0) this.isOverBudget = true;
    this.#inflatedLeft -= child.length;
    // What a small piece inflates to is paid from the budget of decompression, not from that of the other views.
    this.#bytesLeft += child.length * BYTES_FACTOR;
    this.#viewsLeft += child.length / BYTES_PER_VIEW;
    add(child);
  }
}

function listAt<T>(lists: Map<string, T[]>, key: string): T[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}

/** The finding of a text that rules were not done with in time: nothing lets it pass but a route that only notes. */
export const RULES_DEADLINE = 'rules_deadline';

/** Views that put together what stood apart: there numbers and words meet that have nothing to do with each other. */
const JOINED: ReadonlySet<string> = new Set([
  'separators',
  'spaced',
  'reversed',
  'rot13',
  'concatenation',
  'joined',
  'fields',
]);
const canDecode = (view: View): boolean => view.depth < DEPTH && view.nesting < NESTING;
const inAscent = (places: readonly number[]): number[] => [...places].sort((a, b) => a - b);
const overlaps = (one: Span, other: Span): boolean => one.start < other.end && other.start < one.end;
const join = (chain: string, kind: string): string =>
  chain === '' ? kind : kind === '' ? chain : `${chain} > ${kind}`;

/** The spans in order, those that touch taken together. */
function union(spans: readonly Span[]): Span[] {
  const all: { start: number; end: number }[] = [];
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    const last = all.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else all.push({ start, end });
  }
  return all;
}

/** Whether `span` overlaps one of `spans`, which are in order and apart from each other. */
function touches(spans: readonly Span[], span: Span): boolean {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle]!.end <= span.start) low = middle + 1;
    else high = middle;
  }
  return low < spans.length && spans[low]!.start < span.end;
}

/** Zeros in base64 and the like: one byte over and over, also before and behind it. There a keyword like `AAAA` stands at every place. */
function isFiller(bytes: Uint8Array, start: number, length: number): boolean {
  const byte = bytes[start]!;
  if (bytes[start - 1] !== byte || bytes[start + length] !== byte) return false;
  for (let at = start - FILLER_BYTES; at < start + length; at++) if (bytes[at] !== byte) return false;
  return true;
}

function rotatedView(view: View, start: number, end: number): View {
  const bytes = Buffer.from(rot13(view.text(start, end)), 'latin1');
  const origin = { kind: 'trace', at: [0, bytes.length], from: [start, end], stride: [1, 0], width: [1, 0] } as const;
  return new View(bytes, bytes.length, 'rot13', view, origin);
}

function reversedView(view: View, start: number, end: number): View {
  const bytes = Buffer.from(view.bytes.subarray(start, end)).reverse();
  return new View(bytes, bytes.length, 'reversed', view, { kind: 'mirror', end });
}
