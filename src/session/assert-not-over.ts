// A start of what could not be used any more is refused, before anything is done.
import { firstOver } from '../plan/expiry.ts';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import type { Bottle } from '../spec/bottle.ts';

export function assertNotOver(bottle: Bottle, now: Date): void {
  const over = firstOver(bottle, now);
  if (over === null) return;
  throw new BottleError({
    what: `${over.name} of ${bottle.file} is over`,
    why: `it was ${over.at}, and requests that need it would be refused`,
    fix: 'write a later time, or how long it may be used, like 2h',
    exitCode: EXIT.input,
  });
}
