// Decodes one view: calls the makers of views that its bytes, as the sweep saw them, or a hint speak for.
import { isUtf8 } from 'node:buffer';
import { type Budget, canDecode } from './budget.ts';
import { isMultipart } from './containers/parts.ts';
import type { Engine } from './engine.ts';
import { type Hints, JOINED } from './matching.ts';
import type { Pieces } from './pieces.ts';
import { CLASS_NON_ASCII, CLASS_PERCENT_OR_AND, CLASS_ZERO } from './sweep.ts';
import { asBuffer, type View } from './view.ts';
import { type Inflated, inflateView } from './views/compressed.ts';
import { decodeDense, decodeUuencode, uuStart } from './views/dense.ts';
import { digitRows } from './views/digit-rows.ts';
import { offsetDump } from './views/dumps.ts';
import { BACKSLASH, CONCATENATION, ENTITIES, PERCENT, QUOTED_PRINTABLE, unfold } from './views/escapes.ts';
import { unfoldForm } from './views/form.ts';
import { literalRows } from './views/literals.ts';
import { readMessage } from './views/messages.ts';
import { hexDump, spelledRows } from './views/number-rows.ts';
import { joinParts } from './views/parts.ts';
import { recordChars } from './views/records.ts';
import { type DecodedRuns, decodeRuns } from './views/runs.ts';
import { unspaced } from './views/spaced.ts';
import { crowds, sparseStretches, spelled, withoutSeparator } from './views/sparse.ts';
import { isText } from './views/telling.ts';
import { readEbcdic, unfoldUnicode, unfoldUtf7, unfoldWide } from './views/unicode.ts';

/** How far apart the numbers of a row may stand, in bytes, and how many make a row. */
const NUMBER_GAP = 32;
const NUMBERS = 1;
/** The same for what stands between the strings of a list. */
const LIST_GAP = 12;
/** How far the strings of a list or a sum reach from what stands between them, in bytes. */
const LITERAL_GAP = 96;
const LIST_SIGNS = 8;

const GZIP = '\x1f\x8b';

type Add = (child: View) => void;

export class Expanding {
  readonly #engine: Engine;
  readonly #budget: Budget;
  readonly #pieces: Pieces;

  constructor(engine: Engine, budget: Budget, pieces: Pieces) {
    this.#engine = engine;
    this.#budget = budget;
    this.#pieces = pieces;
  }

  /** Calls `add` with what `view` decodes to; the engine's marks are those of this view. Returns whether archives may be in it. */
  expand(view: View, hints: Hints, decoded: DecodedRuns, add: Add): boolean {
    const { bytes, length } = view;
    const { marks, hasNumericValue } = this.#engine;
    if (view.kind !== 'unicode') this.#inflate(view, add);
    const isBinary = marks.has(CLASS_NON_ASCII) && !isUtf8(asBuffer(bytes).subarray(0, length));
    if (marks.has(CLASS_NON_ASCII) && !isBinary) unfoldUnicode(view, marks.high, marks.highCount, add);
    if (marks.has(CLASS_ZERO)) unfoldWide(view, add);
    // gzip is no layer of its own.
    if (!canDecode(view)) return view.startsWith(GZIP, 0);
    const isForm = unfoldForm(view, hints.has('form'), add);
    if (!isForm && marks.has(CLASS_PERCENT_OR_AND)) unfold(view, PERCENT, add);
    const escapes = hints.get('escapes');
    if (escapes !== undefined) unfold(view, BACKSLASH, add, inAscent(escapes));
    if (hints.has('entities')) unfold(view, ENTITIES, add);
    const sums = hints.get('concatenation');
    if (sums !== undefined) unfold(view, CONCATENATION, add, inAscent(sums));
    if (hints.has('quoted-printable')) unfold(view, QUOTED_PRINTABLE, add);
    if (isBinary) {
      const ebcdic = readEbcdic(view);
      if (ebcdic !== null) add(ebcdic);
    }
    const shifts = hints.get('utf-7');
    if (shifts !== undefined) unfoldUtf7(view, inAscent(shifts), add);
    joinParts(view, add);
    readMessage(view, add);
    this.#spell(view, hints, add);
    for (const at of hints.get('uuencode') ?? []) decodeUuencode(view, uuStart(view, at), add);
    const runs = { ends: marks.runs, count: marks.runCount };
    // In binary data, and in what is a guess itself, every beginning comes up by chance.
    const openings = isBinary || JOINED.has(view.kind) ? null : this.#engine.openings;
    decodeRuns(view, runs, decoded, openings, add);
    decodeDense(view, marks.dense, marks.denseCount, runs, openings, add);
    digitRows(view, marks, add);
    sparseStretches(view, marks.sparse, marks.sparseCount, hasNumericValue, ({ start, end, isNumbers }) => {
      if (isNumbers) {
        spelled(view, start, end, add);
        spelledRows(view, start, end, add);
        recordChars(view, start, end, add);
        return;
      }
      unspaced(view, start, end, add);
      recordChars(view, start, end, add);
      this.#pieces.squeeze(view, start, end);
      withoutSeparator(view, start, end, (brief) => this.#isPromising(brief), add);
    });
    return isBinary || marks.has(CLASS_ZERO) || isMultipart(asBuffer(bytes));
  }

  /** Binary data of which nothing but a compressed stream, or an archive, may be expected. */
  expandOpaque(view: View, add: Add): void {
    this.#inflate(view, add);
  }

  /** Rows of numbers, dumps and lists that spell text, where hints say that they may be. */
  #spell(view: View, hints: Hints, add: Add): void {
    const { length } = view;
    for (const { start, end } of crowds(hints.get('numbers') ?? [], NUMBER_GAP, NUMBERS)) {
      spelledRows(view, Math.max(0, start - NUMBER_GAP), Math.min(length, end + NUMBER_GAP), add);
    }
    let dumped = 0;
    for (const at of inAscent(hints.get('dump') ?? [])) {
      if (at >= dumped) dumped = Math.max(hexDump(view, at, add), offsetDump(view, at, add));
    }
    for (const { start, end } of crowds(hints.get('literals') ?? [], LITERAL_GAP, 1)) {
      literalRows(view, Math.max(0, start - LITERAL_GAP), Math.min(length, end + LITERAL_GAP), add);
    }
    for (const { start, end } of crowds(hints.get('list') ?? [], LITERAL_GAP, 1)) {
      literalRows(view, Math.max(0, start - LITERAL_GAP), Math.min(length, end + LITERAL_GAP), add);
    }
    for (const { start, end } of crowds(hints.get('list') ?? [], LIST_GAP, LIST_SIGNS)) {
      const to = Math.min(length, end + LIST_GAP);
      spelled(view, Math.max(0, start - LIST_GAP), to, add);
      spelledRows(view, Math.max(0, start - LIST_GAP), to, add);
      unspaced(view, Math.max(0, start - LIST_GAP), to, add);
    }
  }

  /** Whether a keyword or a known value stands in `view` as it is. */
  #isPromising(view: View): boolean {
    let isPromising = false;
    this.#engine.needles.find(view, null, (tag) => {
      isPromising ||= tag.do === 'keyword' || tag.do === 'value';
    });
    return isPromising;
  }

  #inflate(view: View, add: Add): void {
    const isPiece = view.kind === 'base64' || view.kind === 'hex';
    const mayTry = (): boolean => isPiece && !isText(view.bytes.subarray(0, 64)) && this.#budget.takeTry();
    this.#addInflated(inflateView(view, Math.max(1, this.#budget.inflatedLeft), mayTry), add);
  }

  #addInflated({ child, isOverBudget }: Inflated, add: Add): void {
    if (isOverBudget) this.#budget.isOver = true;
    if (child === null) return;
    this.#budget.payInflated(child);
    add(child);
  }
}

const inAscent = (places: readonly number[]): number[] => [...places].sort((a, b) => a - b);
