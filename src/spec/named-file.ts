// A file that a spec names: its text, or a problem at the place that names it.
import type { Report } from './report.ts';
import { resolvePath, type Surroundings } from './surroundings.ts';
import { shown } from './words.ts';

/** null when it cannot be read, which has been reported. */
export function readNamedFile(file: string, around: Surroundings, report: Report): string | null {
  const path = resolvePath(file, report.file(), around);
  try {
    return around.readFile(path);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const why = error.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${error.code})`;
    const what = `${report.name()} ${shown(file)} cannot be read`;
    report.problem({ what, why: `${why}: ${path}`, fix: 'give a path relative to this file' });
    return null;
  }
}
