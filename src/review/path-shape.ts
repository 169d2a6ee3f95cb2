// The shape of a path: what a rule for it would say, with `*` where a segment is a value of its own.

/** Numbers, UUIDs, hashes, long random tokens, and places where the record has a detector's name for a secret. */
const VARIABLE = [
  /^\d+$/,
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  /^(?=.*\d)[0-9a-f]{7,}$/i,
  /^(?=.*\d)(?=.*[A-Za-z])[\w.~%+=-]{24,}$/,
  /\[[a-z0-9-]+\]/,
];

/** More rules than this for one method say less than a common beginning. */
const RULES_A_METHOD = 4;

/** A path glob. The query is dropped; asterisks that were in the path never become `**`. */
export function pathShape(path: string): string {
  const [plain = ''] = path.split(/[?#]/, 1);
  if (!plain.startsWith('/')) return '';
  return plain
    .split('/')
    .map((segment) => (VARIABLE.some((pattern) => pattern.test(segment)) ? '*' : segment.replace(/\*+/g, '*')))
    .join('/');
}

export interface Shape {
  readonly method: string;
  /** Path glob; `''` where there was no path. */
  readonly path: string;
  readonly count: number;
}

/** Rules (`METHOD GLOB`) that cover all shapes; many for one method become their common beginning and `**`. */
export function rulesFor(shapes: readonly Shape[]): string[] {
  const byMethod = new Map<string, Set<string>>();
  for (const { method, path } of shapes) {
    if (!/^[A-Z][A-Z0-9-]*$/.test(method) || method === 'CONNECT' || path === '') continue;
    byMethod.set(method, (byMethod.get(method) ?? new Set()).add(path));
  }
  return [...byMethod].flatMap(([method, paths]) =>
    (paths.size > RULES_A_METHOD ? [commonBeginning([...paths])] : [...paths]).map((path) => `${method} ${path}`),
  );
}

function commonBeginning(paths: readonly string[]): string {
  const split = paths.map((path) => path.split('/'));
  const [first = []] = split;
  const same: string[] = [];
  for (const [index, segment] of first.entries()) {
    if (!split.every((segments) => segments[index] === segment)) break;
    same.push(segment);
  }
  return `${same.join('/')}/**`;
}
