// What must not be left half done: a signal that would end the process ends it afterwards.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function holdingSignals<T>(act: () => Promise<T>): Promise<T> {
  let caught: NodeJS.Signals | undefined;
  const hold = (signal: NodeJS.Signals): void => {
    caught ??= signal;
  };
  for (const signal of SIGNALS) process.on(signal, hold);
  try {
    return await act();
  } finally {
    for (const signal of SIGNALS) process.off(signal, hold);
    // Whoever listens besides us has heard it.
    if (caught !== undefined && process.listenerCount(caught) === 0) process.kill(process.pid, caught);
  }
}
