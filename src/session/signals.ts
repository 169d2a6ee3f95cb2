// Signals to the CLI while a session lives: each becomes one call, and the process does not just die with containers behind it.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
export type EndSignal = (typeof SIGNALS)[number];

export const SIGNAL_NUMBERS: Readonly<Record<EndSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/** Calls `onSignal` for each signal that asks us to end; `count` tells a second one from the first. The result stops it. */
export function onSignals(onSignal: (signal: EndSignal, count: number) => void): () => void {
  let count = 0;
  const listeners = SIGNALS.map((signal) => {
    const listener = () => {
      count += 1;
      onSignal(signal, count);
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  return () => {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
}
