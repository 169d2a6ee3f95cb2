// What one search has found, each thing once, with its place in the root.
import { BASE64 } from './charsets.ts';
import type { Detector } from './detectors/detector.ts';
import type { KnownValue } from './engine.ts';
import { overlaps } from './spans.ts';
import type { MatchKind } from './types.ts';
import type { Span, View } from './view.ts';
import { GUESSED } from './views/ciphers.ts';
import { looksMadeUp } from './views/joins.ts';

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

/** Findings of one message; whoever sends more cannot expect that each is dealt with. */
export const MOST_HITS = 1024;
/** How many earlier findings of a text a new one is compared with; bounds the work when it is repeated without end. */
const RECENT = 64;

export class Findings {
  readonly hits: Hit[] = [];
  /** There were more than are kept. */
  isFull = false;
  readonly #fingerprint: (text: Uint8Array) => string;
  readonly #byFingerprint = new Map<string, Hit[]>();
  readonly #byDetector = new Map<string, Hit[]>();

  constructor(fingerprint: (text: Uint8Array) => string) {
    this.#fingerprint = fingerprint;
  }

  addValue(view: View, value: KnownValue, form: string, span: Span): void {
    // Of an encoding the whole run goes: half of a base64 quartet cannot be replaced.
    const isEncoded = /(?:base64|base32|hex)$/.test(form);
    const whole = isEncoded ? view.runAround(BASE64, span.start) : span;
    const { start, end } = view.inRoot(whole.start, whole.end);
    this.#add({
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

  /** `form`: of the span in the view, for the chain. */
  addDetected(view: View, detector: Pick<Detector, 'id' | 'kind'>, span: Span, form = ''): void {
    const isMadeOfPieces = view.kind === 'joined' || view.kind === 'fields' || GUESSED.has(view.kind);
    if (isMadeOfPieces && !(detector.kind === 'format' && looksMadeUp(view.text(span.start, span.end)))) return;
    const { start, end } = view.inRoot(span.start, span.end);
    this.#add(
      {
        detector: detector.id,
        kind: 'detector',
        secret: '',
        length: span.end - span.start,
        fingerprint: this.#fingerprint(view.bytes.subarray(span.start, span.end)),
        chain: join(view.chain(), form),
        start,
        end,
      },
      detector.kind === 'generic',
    );
  }

  /** `isWeak`: never a reason not to report another finding of the same text. */
  #add(hit: Hit, isWeak = false): void {
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
      this.isFull = true;
      return;
    }
    if (!isWeak) sameText.push(hit);
    sameKind.push(hit);
    this.hits.push(hit);
  }
}

function listAt(lists: Map<string, Hit[]>, key: string): Hit[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}

const join = (chain: string, kind: string): string =>
  chain === '' ? kind : kind === '' ? chain : `${chain} > ${kind}`;
