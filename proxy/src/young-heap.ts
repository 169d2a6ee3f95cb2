// A start makes much that is garbage at once. V8 answers with a young generation of up to 16 MiB, which an idle session then keeps for good.
// Held while we start, it grows under load alone.
import { setFlagsFromString } from 'node:v8';

/** V8's own. */
const GROWTH = 2;

export function holdYoungHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

export function releaseYoungHeap(): void {
  setFlagsFromString(`--semi-space-growth-factor=${GROWTH}`);
}
