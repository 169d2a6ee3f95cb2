// Ends what is under way on a route when its time is over. One in each thread; a route without an end costs one look.
import type { Route } from '../contract.ts';
import type { Expiries } from '../pipeline/expiry.ts';
import type { Refusal } from '../pipeline/types.ts';

type OnEnd = (refusal: Refusal) => void;

/** The wall clock may be set, and a timer sleeps with the machine: it is looked at again after so long, in ms. */
const LOOK_AGAIN_MS = 30_000;
const nothing = (): void => {};

export class Endings {
  private readonly expiries: Expiries;
  private readonly watched = new Map<Route, { readonly watchers: Set<OnEnd>; timer: NodeJS.Timeout }>();

  constructor(expiries: Expiries) {
    this.expiries = expiries;
  }

  /** What a route refuses by now; null = it may be used. */
  refusal(route: Route): Refusal | null {
    return this.expiries.refusal(route);
  }

  /** Gives what ends the watching. */
  watch(route: Route, onEnd: OnEnd): () => void {
    if (route.expires === undefined) return nothing;
    let one = this.watched.get(route);
    if (one === undefined) {
      one = { watchers: new Set(), timer: this.timerFor(route) };
      this.watched.set(route, one);
    }
    const { watchers } = one;
    watchers.add(onEnd);
    return () => {
      watchers.delete(onEnd);
      if (watchers.size > 0 || this.watched.get(route)?.watchers !== watchers) return;
      clearTimeout(this.watched.get(route)!.timer);
      this.watched.delete(route);
    };
  }

  private timerFor(route: Route): NodeJS.Timeout {
    const left = this.expiries.leftMs(route) ?? LOOK_AGAIN_MS;
    const timer = setTimeout(() => this.look(route), Math.min(LOOK_AGAIN_MS, Math.max(1, Math.ceil(left))));
    return timer.unref();
  }

  private look(route: Route): void {
    const one = this.watched.get(route);
    if (one === undefined) return;
    const refusal = this.expiries.refusal(route);
    if (refusal === null) {
      one.timer = this.timerFor(route);
      return;
    }
    this.watched.delete(route);
    for (const onEnd of [...one.watchers]) onEnd(refusal);
  }
}
