// Clients of other people, each with the same tasks: see harness/battery.ts.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Battery, RESULTS, type Result, startBattery } from './harness/battery.ts';
import { endSettings } from './harness/setting.ts';

const PYTHON = '/usr/bin/python3';
const at = (name: string): string => join(import.meta.dirname, 'fixtures', 'clients', name);
const H2 = { version: 'HTTP/2' };

let battery: Battery;
beforeAll(async () => {
  battery = await startBattery();
});
afterAll(endSettings);

interface Client {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Tasks that are beyond its library. */
  readonly lacks: readonly Result[];
  readonly differs?: Partial<Record<Result, unknown>>;
}

const python = (name: string, lacks: readonly Result[], rest: Partial<Client> = {}): Client => ({
  name,
  command: PYTHON,
  args: [at(`with-${name}.py`)],
  lacks,
  ...rest,
});

const node = (name: string, program: string, http: string, lacks: readonly Result[], differs = {}): Client => ({
  name,
  command: process.execPath,
  args: ['--disable-warning=UNDICI-EHPA', at(program), http],
  lacks,
  differs,
});

const CLIENTS: readonly Client[] = [
  python('requests', ['br', 'zstd', 'socket']),
  python('urllib3', ['br', 'zstd', 'socket']),
  python('aiohttp', ['br', 'zstd']),
  python('httpx', ['br', 'zstd', 'socket'], { name: 'httpx of HTTP/1.1', args: [at('with-httpx.py'), '1'] }),
  python('httpx', ['br', 'zstd', 'socket'], { name: 'httpx of HTTP/2', args: [at('with-httpx.py'), '2'], differs: H2 }),
  node('undici of HTTP/1.1', 'with-undici.ts', '1', ['version']),
  node('undici of HTTP/2', 'with-undici.ts', '2', ['version']),
  node('got of HTTP/1.1', 'with-got.ts', '1', ['socket']),
  node('got of HTTP/2', 'with-got.ts', '2', ['socket'], { version: 'HTTP/2.0' }),
];

describe('a client of other people does through the proxy what it does without', () => {
  it.each(CLIENTS)('$name', { timeout: 90_000 }, async ({ command, args, lacks, differs }) => {
    const before = battery.proxy.records().length;
    const wanted: Record<string, unknown> = { ...RESULTS, ...differs };
    for (const one of lacks) delete wanted[one];
    expect(await battery.play(command, args)).toEqual(wanted);
    const records = battery.proxy.records().slice(before);
    expect(records.filter(({ verdict }) => verdict !== 'allow')).toMatchObject([
      { host: 'evil.example', stage: 'policy' },
    ]);
    expect(battery.proxy.stderr()).toBe('');
  });

  it("undici's Client, Pool and upgrade", async () => {
    expect(await battery.play(process.execPath, [at('with-undici-core.ts')])).toEqual({
      pipelined: true,
      pooled: true,
      accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      echo: '81026869',
      behind: 'hello',
    });
    expect(battery.proxy.stderr()).toBe('');
  });
});
