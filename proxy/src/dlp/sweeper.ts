// Opens the fastest sweep that this machine can run.
import { type Sweeper, sweepTables } from './sweep.ts';
import { createPlainSweeper } from './sweep-plain.ts';
import { createSimdSweeper } from './sweep-simd.ts';

/** `windows`: four bytes each, as little-endian numbers. */
export function createSweeper(windows: readonly number[]): Sweeper {
  const tables = sweepTables(windows);
  const simd = createSimdSweeper(tables);
  if (simd !== null) return simd;
  process.emitWarning('this processor or Node.js has no SIMD for WebAssembly: searching for secrets is slower');
  return createPlainSweeper(tables);
}
