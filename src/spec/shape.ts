// Checks one file's tree against the schema, and cuts out what does not fit, so that the rest can still be judged for what it means.

import { Ajv, type ErrorObject } from 'ajv';
import schemaFile from '../../bottles/bottle.schema.json' with { type: 'json' };
import type { Problem } from '../report/problem.ts';
import { keyPlace, type Located, nearestNode, nodeAt, type Path, plainOf, without } from './located.ts';
import { shapeWords } from './shape-words.ts';

export interface Shape {
  /** What fits the schema. */
  readonly root: Located;
  readonly problems: readonly Problem[];
}

export type ShapeCheck = (root: Located) => Shape;

/** Compiles the schema once; the check that it gives can be used for any number of files. */
export function makeShapeCheck(schema: object = schemaFile): ShapeCheck {
  // The schema itself is judged by a test, not at every start: that would take as long as all the rest.
  const trusted = { meta: false, validateSchema: false } as const;
  const validate = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, ...trusted }).compile(schema);
  const errorsOf = (root: Located): readonly ErrorObject[] => {
    if (validate(plainOf(root))) return [];
    return (validate.errors ?? []).filter(
      (error) => error.propertyName === undefined || error.keyword === 'propertyNames',
    );
  };
  return (root) => {
    const errors = errorsOf(root);
    const problems = errors.map((error) => problemOf(root, error, schema));
    let rest = root;
    // Cutting a value may leave its parent without something it needs, hence again until nothing is wrong.
    for (let left = errors; left.length > 0; left = errorsOf(rest)) {
      const smaller = cut(rest, left);
      // Only the root's own keys can be missing now (`version`), which the checks that follow do not read.
      if (smaller === rest) break;
      rest = smaller;
    }
    return { root: rest, problems };
  };
}

function problemOf(root: Located, error: ErrorObject, schema: object): Problem {
  const path = pathOf(error);
  const isAboutKey = error.keyword === 'additionalProperties' || error.keyword === 'propertyNames';
  const node = nearestNode(root, path);
  const at = isAboutKey ? keyPlace(root, path) : node.at;
  return {
    ...at,
    ...shapeWords(error, {
      path,
      name: nodeAt(root, path)?.name ?? '',
      schema,
      source: node.kind === 'scalar' ? node.source : '',
    }),
  };
}

function cut(root: Located, errors: readonly ErrorObject[]): Located {
  // Later list items first, so that the indexes of earlier ones stay right.
  const paths = errors
    .map(pathOf)
    .filter((path) => path.length > 0)
    .sort(comparePaths)
    .reverse();
  return paths.reduce<Located>((tree, path) => (nodeAt(tree, path) === null ? tree : without(tree, path)), root);
}

function comparePaths(a: Path, b: Path): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (x === y) continue;
    return typeof x === 'number' && typeof y === 'number' ? x - y : String(x) < String(y) ? -1 : 1;
  }
  return a.length - b.length;
}

/** Where the error is; for a key that should not be there, that key. */
function pathOf(error: ErrorObject): Path {
  const steps = error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const path: (string | number)[] = [];
  for (const step of steps) path.push(/^\d+$/.test(step) ? Number(step) : step);
  if (error.keyword === 'additionalProperties') path.push(String(error.params.additionalProperty));
  if (error.keyword === 'propertyNames') path.push(String(error.params.propertyName));
  return path;
}
