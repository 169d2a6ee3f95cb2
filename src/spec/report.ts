// How the checks of a spec say what is wrong, and where: a sink for problems, bound to a place in the merged tree.

import type { Problem } from '../report/problem.ts';
import { keyPlace, type Located, nearestNode, type Path } from './located.ts';
import type { Words } from './shape-words.ts';

export interface Report {
  /** What the place is called in the file that it stands in: `allow.3.host`. */
  name(path?: Path): string;
  problem(words: Words, path?: Path): void;
  /** Something that loads and is safe, and hardly what the person wanted. */
  warning(words: Words, path?: Path): void;
  /** The same, at the key instead of the value. */
  problemAtKey(words: Words, path?: Path): void;
  below(...path: Path): Report;
  /** The file that the place stands in. */
  file(path?: Path): string;
}

export function makeReport(root: Located, sink: Problem[], warnings: Problem[], prefix: Path = []): Report {
  const full = (path: Path) => [...prefix, ...path];
  return {
    name(path = []) {
      const at = full(path);
      const node = nearestNode(root, at);
      const depth = knownDepth(root, at);
      return [node.name, ...at.slice(depth)].filter((step) => step !== '').join('.');
    },
    problem(words, path = []) {
      sink.push({ ...nearestNode(root, full(path)).at, ...words });
    },
    warning(words, path = []) {
      warnings.push({ ...nearestNode(root, full(path)).at, ...words });
    },
    problemAtKey(words, path = []) {
      sink.push({ ...keyPlace(root, full(path)), ...words });
    },
    below: (...path) => makeReport(root, sink, warnings, full(path)),
    file: (path = []) => nearestNode(root, full(path)).at.file,
  };
}

/** A report whose problems all stand at one place, for what a preset brings along. */
export function pinnedReport(report: Report, subject: string): Report {
  const pinned: Report = {
    name: (path = []) => [subject, ...path].join('.'),
    problem: (words) => report.problem(words),
    warning: (words) => report.warning(words),
    problemAtKey: (words) => report.problem(words),
    below: (...path) => pinnedReport(report, [subject, ...path].join('.')),
    file: () => report.file(),
  };
  return pinned;
}

function knownDepth(root: Located, path: Path): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = nearestNode(root, path.slice(0, depth - 1));
    const self = nearestNode(root, path.slice(0, depth));
    if (self !== parent) return depth;
  }
  return 0;
}
