// Finds literal secrets in a file, wherever they stand: values, keys, comments.

import type { Problem } from '../report/problem.ts';
import { type Located, type ScalarNode, scalarsOf } from './located.ts';
import { secretShapeOf, secretShapesOf } from './secret-shapes.ts';

const WHY = 'a spec is read, copied and committed, so it holds references only';
const FIX = 'revoke it if others have seen it, then write `secrets: { NAME: { env: NAME } }` and name it in `auth:`';

export function literalSecretsInText(text: string, file: string, root: Located | null): Problem[] {
  const problems = secretShapesOf(text).map(({ kind, index }): Problem => {
    const before = text.slice(0, index);
    const line = before.split('\n').length;
    return { file, line, col: index - before.lastIndexOf('\n'), what: `${kind} stands here`, why: WHY, fix: FIX };
  });
  if (root === null) return problems;
  // Escapes and folded lines can hide one from the text.
  for (const node of scalarsOf(root)) {
    const shape = typeof node.value === 'string' ? secretShapeOf(node.value) : null;
    if (shape === null || problems.some((problem) => isWithin(problem, node))) continue;
    problems.push({ ...node.at, what: `${node.name} holds ${shape.kind}`, why: WHY, fix: FIX });
  }
  return problems;
}

function isWithin(problem: Problem, node: ScalarNode): boolean {
  const lines = node.source.split('\n').length;
  return problem.line >= node.at.line && problem.line <= node.at.line + lines;
}
