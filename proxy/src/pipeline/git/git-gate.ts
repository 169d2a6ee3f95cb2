// Routes that say what may be pushed: a push is judged by its commands, and by the commits in its pack, before any of it leaves.
import type { ProxyConfig, Route } from '../../contract.ts';
import type { BodyMeta } from '../../dlp/types.ts';
import { isIdentity } from '../body-scan.ts';
import { readPath } from '../path.ts';
import { pathOverrideOf } from '../rules.ts';
import { splitTarget } from '../target.ts';
import type { Admitted, BodyStream, Refusal, StreamJudgement } from '../types.ts';
import { joinHeld } from '../verdict.ts';
import { Ancestry } from './ancestry.ts';
import { type PushCommand, readPushRequest } from './push-request.ts';
import { compilePushRule, type PushFlaw, type PushJudge } from './push-rule.ts';
import { isPushPath } from './refusal.ts';

export interface GitGate {
  /** What it holds is judged as a push, whatever it says that it is. */
  isJudged(admitted: Admitted): boolean;
  judgeBody(admitted: Admitted, body: Buffer, meta: BodyMeta): Refusal | null;
  /** `inner`, which gets nothing before the push is judged. */
  stream(admitted: Admitted, meta: BodyMeta, inner: BodyStream): BodyStream;
}

export function createGitGate(config: Pick<ProxyConfig, 'routes'>): GitGate {
  const judges = new Map<Route, PushJudge>();
  for (const route of config.routes) if (route.push !== undefined) judges.set(route, compilePushRule(route.push));
  const judgeOf = ({ route, target, rawHeaders }: Admitted): PushJudge | undefined => {
    const judge = judges.get(route);
    if (judge === undefined) return undefined;
    return mayBePush(splitTarget(target).path) || pathOverrideOf({ rawHeaders }) !== null ? judge : undefined;
  };
  return {
    isJudged: (admitted) => judgeOf(admitted) !== undefined,
    judgeBody(admitted, body, meta) {
      const judge = judgeOf(admitted);
      if (judge === undefined) return null;
      if (!isIdentity(meta)) return refuse(admitted.route, COMPRESSED);
      const push = new PushInspection(judge);
      push.take(body);
      const flaw = push.end();
      return flaw === null ? null : refuse(admitted.route, flaw);
    },
    stream(admitted, meta, inner) {
      const judge = judgeOf(admitted);
      if (judge === undefined) return inner;
      return new JudgedPush(admitted.route, isIdentity(meta) ? new PushInspection(judge) : null, inner);
    },
  };
}

/** Read widely: some servers take letters in either case, slashes at the end, escapes and parameters. */
function mayBePush(path: string): boolean {
  if (isPushPath(path)) return true;
  const read = readPath(path);
  return (
    read.kind === 'ambiguous' || read.readings.some(({ text }) => isPushPath(text.toLowerCase().replace(/\/+$/, '')))
  );
}

/** Reads a push until it is known whether it may pass. */
class PushInspection {
  /** 'more': not known yet; null: it may. */
  answer: PushFlaw | null | 'more' = 'more';
  readonly #judge: PushJudge;
  #head: Buffer = Buffer.alloc(0);
  #unproved: readonly PushCommand[] = [];
  #ancestry: Ancestry | null = null;

  constructor(judge: PushJudge) {
    this.#judge = judge;
  }

  take(chunk: Buffer): void {
    if (this.answer !== 'more') return;
    if (this.#ancestry !== null) {
      this.#ancestry.push(chunk);
      if (this.#ancestry.isDone || this.#isProved()) this.answer = this.#proof();
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    const push = readPushRequest(this.#head);
    if (push === 'more') return;
    if ('flaw' in push) {
      this.answer = { ref: '', why: push.flaw, fix: 'push with an ordinary git client' };
      return;
    }
    const flaw = this.#judge.judge(push.commands);
    this.#unproved = this.#judge.unproved(push.commands);
    const [first] = this.#unproved;
    if (flaw !== null || first === undefined) {
      this.answer = flaw;
      return;
    }
    this.#ancestry = new Ancestry(first.after!.length);
    const pack = this.#head.subarray(push.endsAt);
    this.#head = NOTHING;
    this.take(pack);
  }

  end(): PushFlaw | null {
    if (this.answer === 'more') {
      this.answer =
        this.#ancestry !== null
          ? this.#proof()
          : { ref: '', why: 'its commands are cut', fix: 'push with an ordinary git client' };
    }
    return this.answer;
  }

  #isProved(): boolean {
    return this.#unproved.every(({ before, after }) => this.#ancestry!.isForward(before!, after!));
  }

  #proof(): PushFlaw | null {
    const rewritten = this.#unproved.find(({ before, after }) => !this.#ancestry!.isForward(before!, after!));
    if (rewritten === undefined) return null;
    const why = 'its commits do not show that it goes forward from what is there, so it may rewrite history';
    return { ref: rewritten.ref, why, fix: 'merge what is there first, or add `force: true` to the entry' };
  }
}

class JudgedPush implements BodyStream {
  readonly mayChangeLength: boolean;
  readonly #route: Route;
  readonly #push: PushInspection | null;
  readonly #inner: BodyStream;
  #waiting: Buffer[] = [];
  #isThrough = false;

  constructor(route: Route, push: PushInspection | null, inner: BodyStream) {
    this.#route = route;
    this.#push = push;
    this.#inner = inner;
    this.mayChangeLength = inner.mayChangeLength;
  }

  get findings() {
    return this.#inner.findings;
  }

  get redacted() {
    return this.#inner.redacted;
  }

  push(chunk: Buffer): StreamJudgement {
    if (this.#isThrough) return this.#inner.push(chunk);
    if (this.#push === null) return this.#refuse(COMPRESSED);
    this.#push.take(chunk);
    this.#waiting.push(chunk);
    return this.#go();
  }

  settle(): StreamJudgement {
    return this.#isThrough ? this.#inner.settle() : { do: 'pass', release: NOTHING };
  }

  end(): StreamJudgement {
    if (this.#isThrough) return this.#inner.end();
    if (this.#push === null) return this.#refuse(COMPRESSED);
    this.#push.end();
    const step = this.#go();
    if (step.do === 'refuse') return step;
    const last = this.#inner.end();
    if (last.do === 'refuse') return last;
    const release = Buffer.concat([step.release, last.release]);
    const held = joinHeld(step.do === 'hold' ? step.held : null, last.do === 'hold' ? last.held : null);
    return held === null ? { do: 'pass', release } : { do: 'hold', held, release };
  }

  #go(): StreamJudgement {
    const answer = this.#push!.answer;
    if (answer === 'more') return { do: 'pass', release: NOTHING };
    if (answer !== null) return this.#refuse(answer);
    this.#isThrough = true;
    const waiting = Buffer.concat(this.#waiting);
    this.#waiting = [];
    return this.#inner.push(waiting);
  }

  #refuse(flaw: PushFlaw): StreamJudgement {
    return { do: 'refuse', refusal: refuse(this.#route, flaw) };
  }
}

const NOTHING = Buffer.alloc(0);
const COMPRESSED: PushFlaw = { ref: '', why: 'it is compressed', fix: 'push with an ordinary git client' };

function refuse(route: Route, { ref, why, fix }: PushFlaw): Refusal {
  const what =
    ref === '' ? 'this push may not pass' : `${ref.replace(/[^\x21-\x7e]/g, '?').slice(0, 200)} may not be pushed so`;
  return {
    ...{ stage: 'policy', rule: 'push', reason: `${what}: ${why} (${route.id})`, fix },
    ...{ errorShape: route.errorShape, findings: [] },
  };
}
