// Walks a plan's steps: each as soon as the steps before it have ended, independent ones at the same time.

export interface Runnable {
  readonly id: string;
  readonly after: readonly string[];
}

/**
 * Performs all steps, or throws the first failure once everything that had begun has ended: so nothing is made after the
 * caller starts to undo. When `signal` aborts, no further step begins and its reason is thrown. A step gets a signal that aborts in
 * both cases: one that waits for something need not wait any longer.
 */
export async function runSteps<S extends Runnable>(
  steps: readonly S[],
  perform: (step: S, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const ending = AbortSignal.any([signal, failed.signal]);
  const byId = new Map(steps.map((step) => [step.id, step]));
  const begun = new Map<string, Promise<boolean>>();
  let failure: { readonly error: unknown } | undefined;

  const run = (id: string): Promise<boolean> => {
    const running = begun.get(id) ?? perform1(id);
    begun.set(id, running);
    return running;
  };
  /** Resolves with whether the step was done; never rejects. */
  async function perform1(id: string): Promise<boolean> {
    const step = byId.get(id);
    if (step === undefined) throw new Error(`no step ${id}`);
    const earlier = await Promise.all(step.after.map(run));
    if (earlier.includes(false) || ending.aborted) return false;
    try {
      await perform(step, ending);
      return true;
    } catch (error) {
      failure ??= { error };
      failed.abort(error);
      return false;
    }
  }

  await Promise.all(steps.map((step) => run(step.id)));
  if (failure !== undefined) throw failure.error;
  signal.throwIfAborted();
}
