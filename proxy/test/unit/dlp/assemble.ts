// From the text of the sweep's WebAssembly to the file that carries its bytes.
import wabt from 'wabt';

export async function assembleSweep(text: string): Promise<Uint8Array> {
  const { parseWat } = await wabt();
  const module = parseWat('sweep.wat', text, { simd: true });
  try {
    module.resolveNames();
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

export function renderSweepCode(code: Uint8Array): string {
  const lines = Buffer.from(code)
    .toString('base64')
    .match(/.{1,112}/g)!
    .map((line) => `  '${line}'`);
  return [
    '// sweep.wat, assembled by scripts/build-sweep.ts. A test compares the two.',
    'export const SWEEP_CODE =',
    `${lines.join(' +\n')};`,
    '',
  ].join('\n');
}
