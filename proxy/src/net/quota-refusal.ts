// What is said to a request beyond a bound of a quota.
import type { ErrorShape, Quota } from '../contract.ts';
import type { Refusal } from '../pipeline/types.ts';

/** `bound`: word of the spec. */
export function refusalOf(quota: Quota, bound: string, reason: string, fix: string, errorShape: ErrorShape): Refusal {
  const name = `${quota.name}.${bound}`;
  return {
    stage: 'limit',
    rule: bound,
    reason: `${reason} (${name})`,
    fix: `${fix} ${name} in the spec`,
    errorShape,
    findings: [],
  };
}
