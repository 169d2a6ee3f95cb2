// Searches one view as it is: known values, detectors' formats, a person's own rules, and signs of what it may decode to.
import { type Budget, canDecode, mayNest } from './budget.ts';
import { ALNUM, BASE64 } from './charsets.ts';
import { type Detector, type Follow, mayFollow, mayPrecede } from './detectors/detector.ts';
import type { Engine, Hint, RuleProposer, Tag } from './engine.ts';
import { type Findings, MOST_HITS } from './findings.ts';
import { type PieceHits, Pieces, type ValueHit } from './pieces.ts';
import type { AskRules } from './rules/runner.ts';
import { type RuleKeyword, ruleWindows } from './rules/windows.ts';
import { SEEKS } from './seek.ts';
import { TINY_BYTES } from './shape.ts';
import { crosses, touches, union } from './spans.ts';
import type { Span, View } from './view.ts';
import { GUESSED } from './views/ciphers.ts';
import { joinFrom, mayGoOn } from './views/joins.ts';
import { type DecodedRuns, decodeBase64At, decodeHexAt, decodePiecesAt } from './views/runs.ts';
import { reversedView, rotatedView } from './views/turned.ts';

/** How many overlapping candidates of one detector get a close look before the rest of the run is skipped. */
const OVERLAPPING = 8;
/** How far around a reversed keyword its token may reach, in bytes. */
const REVERSED_BYTES = 512;
/** The same for one in rot13. */
const ROTATED_BYTES = 2048;
/** A shorter keyword, backwards or rotated, comes up by chance inside words and encoded data: there it is glued to both sides. */
const SURE_BYTES = 6;

/** The finding of a text that rules were not done with in time: nothing lets it pass but a route that only notes. */
export const RULES_DEADLINE = 'rules_deadline';

/** Where each hint was seen. */
export type Hints = Map<Hint, number[]>;

/** A detector's last close look. */
interface Look {
  readonly end: number;
  readonly isTaken: boolean;
  readonly overlapping: number;
}

interface Candidate {
  readonly detector: Detector;
  readonly span: Span;
}

type Add = (child: View) => void;

/** One view under search. */
class Pass {
  readonly hints: Hints = new Map();
  readonly values: ValueHit[] = [];
  readonly cut = new Map<number, PieceHits>();
  readonly candidates: Candidate[] = [];
  readonly spoken: RuleKeyword[] = [];
  readonly looks = new Map<Detector, Look>();
  /** Around keywords that are turned; those that touch are one. */
  readonly reversed: { start: number; end: number }[] = [];
  readonly rotated: { start: number; end: number }[] = [];
  readonly view: View;
  readonly decoded: DecodedRuns;
  readonly add: Add;
  /** Up to where a keyword was already taken for the beginning of pieces. */
  looseTo = 0;

  constructor(view: View, decoded: DecodedRuns, add: Add) {
    this.view = view;
    this.decoded = decoded;
    this.add = add;
  }
}

export class Matching {
  readonly pieces: Pieces;
  readonly #engine: Engine;
  readonly #budget: Budget;
  readonly #findings: Findings;
  #askRules: AskRules | null = null;
  #areRulesLate = false;

  constructor(engine: Engine, budget: Budget, findings: Findings) {
    this.#engine = engine;
    this.#budget = budget;
    this.#findings = findings;
    this.pieces = new Pieces(engine, budget, findings);
  }

  /** Finds what stands in `view` itself; `add` gets views around places that speak for one. Returns the hints for the others. */
  match(view: View, decoded: DecodedRuns, add: Add): Hints {
    const { needles, marks, seeks, rules } = this.#engine;
    const pass = new Pass(view, decoded, add);
    needles.find(view, marks, (tag, start, length) => {
      if (!this.#budget.isOver) this.#note(pass, tag, start, length);
    });
    for (const { start, end } of pass.reversed) add(reversedView(view, start, Math.min(view.length, end)));
    for (const { start, end } of pass.rotated) add(rotatedView(view, start, Math.min(view.length, end)));
    if (!JOINED.has(view.kind)) {
      for (const { kind, detectors } of seeks) {
        SEEKS[kind](view, marks, (start) => {
          for (const detector of detectors) this.#consider(pass, detector, start, '', null);
        });
      }
    }
    if (rules !== null) this.#tryRules(view, rules, pass.spoken);
    this.#report(pass);
    return pass.hints;
  }

  #note(pass: Pass, tag: Tag, start: number, length: number): void {
    const { view, add } = pass;
    if (tag.do !== 'hint' && tag.do !== 'piece') this.#budget.takeKeyword();
    switch (tag.do) {
      case 'value':
        pass.values.push({ value: tag.value, form: tag.form, span: { start, end: start + length } });
        if (pass.values.length > MOST_HITS) this.#budget.isOver = true;
        break;
      case 'keyword':
        this.#consider(pass, tag.detector, start, tag.keyword, tag.follow);
        break;
      case 'piece': {
        let hits = pass.cut.get(tag.value.index);
        if (hits === undefined) {
          hits = { value: tag.value, pieces: new Set(), places: [] };
          pass.cut.set(tag.value.index, hits);
        }
        hits.pieces.add(tag.piece);
        hits.places.push(start);
        break;
      }
      case 'decode':
        if (!canDecode(view)) break;
        if (tag.encoding === 'hex') decodeHexAt(view, start, pass.decoded, add);
        else {
          decodeBase64At(view, Math.max(start - tag.skip, start & 3), pass.decoded, add);
          decodePiecesAt(view, Math.max(start - tag.skip, start & 3), pass.decoded, add);
        }
        break;
      case 'reverse':
        if (!canDecode(view) || TURNED.has(view.kind)) break;
        if (!tag.isWithin && length < SURE_BYTES && isWordAt(view, start + length)) break;
        if (!mayPrecede(tag.follow, view, start + length - tag.keyword.length)) break;
        grow(pass.reversed, start, REVERSED_BYTES);
        break;
      case 'rotate':
        if (!canDecode(view) || TURNED.has(view.kind)) break;
        if (length < SURE_BYTES && isWordAt(view, start - 1) && !view.startsWith('\\', start - 2)) break;
        grow(pass.rotated, start, ROTATED_BYTES);
        break;
      case 'hint': {
        const places = pass.hints.get(tag.hint);
        if (places === undefined) pass.hints.set(tag.hint, [start]);
        else places.push(start);
        break;
      }
      default:
        tag satisfies never;
    }
  }

  /** Looks closely at a place where `keyword` stands; '' where something else proposed it. */
  #consider(pass: Pass, detector: Detector, start: number, keyword: string, follow: Follow | null): void {
    if (detector === this.#engine.rules?.detector) {
      pass.spoken.push({ keyword, at: start });
      return;
    }
    const { view } = pass;
    const end = start + keyword.length;
    const look = pass.looks.get(detector);
    // Inside what was taken there is nothing more; inside what was not, a few more looks and no further.
    if (look !== undefined && start < look.end && (look.isTaken || look.overlapping > OVERLAPPING)) return;
    if (follow !== null && !mayFollow(follow, view, end)) {
      this.#loose(pass, detector, start, end);
      return;
    }
    this.#budget.work.looks++;
    const span = detector.match(view, start, keyword);
    if (span === null) {
      this.#loose(pass, detector, start, end);
      return;
    }
    const isAgain = look !== undefined && span.start < look.end;
    if (isAgain && look.isTaken) return;
    const isTaken =
      detector.accept(view.text(span.start, span.end), view, span) &&
      !(TURNED.has(view.kind) && keyword.length <= TINY_BYTES && isGlued(view, span.start));
    if (isTaken) pass.candidates.push({ detector, span });
    if (pass.candidates.length > MOST_HITS) this.#budget.isOver = true;
    const to = Math.max(span.end, look?.end ?? 0);
    pass.looks.set(detector, { end: to, isTaken, overlapping: isAgain ? look.overlapping + 1 : 0 });
  }

  /** A beginning without the rest: it may go on elsewhere. */
  #loose(pass: Pass, { kind }: Detector, start: number, end: number): void {
    const { view } = pass;
    if (end === start || kind !== 'format' || start < pass.looseTo || !this.#budget.mayJoin) return;
    if (!mayGoOn(view, start, end)) return;
    pass.looseTo = end;
    if (end - start <= TINY_BYTES && isGlued(view, start)) return;
    if (JOINED.has(view.kind) || !mayNest(view) || view.isInsideBlob(start, end)) return;
    this.#budget.takeJoin();
    joinFrom(view, start, end, pass.add);
  }

  /** Rules of a person's own: near the keywords that speak for them, and at the root those that have none on all of it. */
  #tryRules(view: View, rules: RuleProposer, spoken: readonly RuleKeyword[]): void {
    const always = view.parent === null ? rules.always : [];
    if (JOINED.has(view.kind) || (spoken.length === 0 && always.length === 0)) return;
    const questions = ruleWindows(rules, spoken, view.length);
    if (always.length > 0) questions.push({ start: 0, end: view.length, indexes: new Set(always) });
    const whole = { start: 0, end: view.length };
    for (const { start, end, indexes } of questions) {
      if (this.#areRulesLate) return;
      this.#askRules ??= rules.open();
      const hits = this.#askRules(view.text(start, end), [...indexes]);
      this.#areRulesLate = hits === null;
      if (hits === null) this.#findings.addDetected(view, { id: RULES_DEADLINE, kind: 'format' }, whole);
      for (const hit of hits ?? []) {
        const span = { start: start + hit.start, end: start + hit.end };
        this.#findings.addDetected(view, { id: hit.id, kind: 'format' }, span);
      }
    }
  }

  #report({ view, values, candidates, cut }: Pass): void {
    for (const { value, form, span } of values) this.#findings.addValue(view, value, form, span);
    if (candidates.length > 0) {
      const known = union(values.map((one) => one.span));
      const sure = candidates.filter(({ detector }) => detector.kind !== 'generic');
      for (const { detector, span } of sure) {
        // What holds the value of a secret is named by it; what only overlaps one would keep its other half.
        if (!touches(known, span) || crosses(known, span)) this.#findings.addDetected(view, detector, span);
      }
      // What is only called a secret is named only where nothing says better what it is.
      const named = union([...known, ...sure.map((one) => one.span)]);
      for (const { detector, span } of candidates) {
        if (detector.kind === 'generic' && !touches(named, span)) this.#findings.addDetected(view, detector, span);
      }
    }
    for (const hits of cut.values()) this.pieces.join(view, hits, values);
  }
}

/** Views that put together what stood apart: there numbers and words meet that have nothing to do with each other. */
export const JOINED: ReadonlySet<string> = new Set([
  'separators',
  'spaced',
  'reversed',
  'rot13',
  'concatenation',
  'joined',
  'fields',
  ...GUESSED,
]);

/** Adds what is around `at` to the last of `spans`, or behind it. Places come roughly ascending. */
function grow(spans: { start: number; end: number }[], at: number, marginBytes: number): void {
  const last = spans.at(-1);
  if (last !== undefined && at - marginBytes <= last.end) last.end = Math.max(last.end, at + marginBytes);
  else spans.push({ start: Math.max(0, at - marginBytes), end: at + marginBytes });
}

const isWordAt = ({ bytes, length }: View, at: number): boolean =>
  at >= 0 && at < length && ALNUM.table[bytes[at]!] !== 0;

/** Text that was turned round is looked at for its keyword alone: in encoded data one comes up sooner or later. */
const TURNED: ReadonlySet<string> = new Set(['reversed', 'rot13', 'caesar', 'atbash']);

/** Whether data stands directly before `at`; a path is none. */
const isGlued = ({ bytes }: View, at: number): boolean =>
  at > 0 && bytes[at - 1] !== 0x2f && BASE64.table[bytes[at - 1]!] !== 0;
