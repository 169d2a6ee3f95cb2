// Archives in what is searched: their members become views, and what cannot be read in them is said.
import { isUtf8 } from 'node:buffer';
import type { Budget } from './budget.ts';
import type { MemberSink } from './containers/members.ts';
import { eachPart, isMultipart } from './containers/parts.ts';
import { MAGIC_BYTES, unreadable } from './containers/unreadable.ts';
import type { Findings } from './findings.ts';
import { JOINED } from './matching.ts';
import { asBuffer, type Span, View } from './view.ts';
import { readInside } from './views/containers.ts';

/** The finding of what is written in a text and cannot be read: packed by what we do not know, or encrypted. */
export const UNDECODABLE = 'undecodable';

export class Unpacking {
  /** What cannot be read, and stands where it cannot be replaced either; '' for nothing. */
  unread = '';
  readonly #budget: Budget;
  readonly #findings: Findings;
  readonly #isCut: boolean;
  /** Windows of long members: what begins in them may end elsewhere. */
  readonly #windows = new Set<View>();

  constructor(budget: Budget, findings: Findings, isCut: boolean) {
    this.#budget = budget;
    this.#findings = findings;
    this.#isCut = isCut;
  }

  /** Calls `search` with what archives in `view` hold, as it comes out of them. */
  unpack(view: View, search: (child: View) => void): void {
    const budget = this.#budget;
    const sink: MemberSink = {
      get leftBytes() {
        return budget.isOver ? 0 : Math.max(0, budget.inflatedLeft);
      },
      search: ({ kind, bytes, start, end, isCut }) => {
        const child = new View(bytes, bytes.length, kind, view, { kind: 'piece', start, end });
        if (isCut) this.#windows.add(child);
        budget.payInflated(child);
        search(child);
        this.#windows.delete(child);
      },
      fail: () => budget.payFailed(),
      unread: ({ unjudged, kind, start, end, isSure }) => {
        if (unjudged.kind === 'over_budget') budget.isOver = true;
        else if (isSure || !this.#isInWindow(view)) this.#add(view, unjudged.detail, kind, { start, end });
      },
    };
    readInside(view, sink, this.#isCut && view.parent === null);
  }

  /** Says so where `view` is of a kind that nobody here reads. */
  refuseUnreadable(view: View): void {
    const isRoot = view.parent === null;
    if ((isRoot && this.#isCut) || JOINED.has(view.kind)) return;
    const name = unreadable(view.bytes, view.length, !isRoot);
    if (name !== null) this.#add(view, name, name, { start: 0, end: view.length });
    const data = asBuffer(view.bytes).subarray(0, view.length);
    if (!isMultipart(data)) return;
    eachPart(data, 0, data.length, (at) => {
      const part = unreadable(data.subarray(at, at + MAGIC_BYTES), data.length - at);
      if (part !== null) this.#add(view, part, part, { start: at, end: data.length });
      return this.unread === '';
    });
  }

  #isInWindow(view: View): boolean {
    if (this.#isCut) return true;
    if (this.#windows.size === 0) return false;
    for (let one: View | null = view; one !== null; one = one.parent) if (this.#windows.has(one)) return true;
    return false;
  }

  /** What is written in a text can be replaced there, as a match can; data cannot. */
  #add(view: View, detail: string, form: string, span: Span): void {
    let root = view;
    while (root.parent !== null) root = root.parent;
    if (root !== view && isUtf8(asBuffer(root.bytes).subarray(0, root.length)))
      this.#findings.addDetected(view, { id: UNDECODABLE, kind: 'format' }, span, form);
    else this.unread ||= detail;
  }
}
