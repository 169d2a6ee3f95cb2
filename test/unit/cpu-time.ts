// What a test measures instead of the time that passes: on a loaded machine that says nothing.

/** Milliseconds of this process's own time. */
export function cpuMsOf(run: () => void): number {
  const begin = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}
