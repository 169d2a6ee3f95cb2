// `npm run bench -- --injection`: what each kind of injection adds to a request, in latency and CPU time of the proxy, beside none. Two minutes or so.
//
//   --rounds N, --only TEXT (kinds whose name holds it; several with commas), --json
//   --write         the table to docs/bench/injection.md
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileProxy } from './compile.ts';
import { COMPILED } from './contestants.ts';
import { benchInjection } from './injection/field.ts';
import { pinSelf, prepareMachine } from './machine.ts';
import { renderInjection } from './report/injection.ts';

const { values: options } = parseArgs({
  options: {
    injection: { type: 'boolean' },
    rounds: { type: 'string', default: '200' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const machine = prepareMachine();
try {
  compileProxy(COMPILED);
  pinSelf(machine.loadCore);
  const report = await benchInjection(machine, {
    rounds: Number(options.rounds),
    requests: 5,
    warmUps: 40,
    cores: machine.proxyCore,
    only: options.only.split(','),
    tell: (what) => process.stderr.write(`\r${what}\x1b[K`),
  });
  const table = renderInjection(report, new Date().toISOString().slice(0, 10));
  if (options.write) writeFileSync(join(import.meta.dirname, '../docs/bench/injection.md'), table);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : table);
} finally {
  machine.remove();
}
