// Each preset in front of a stand-in of its service, through `bottle proxy`: ordinary tools with placeholders work, and nothing else does.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../../proxy/src/contract.ts';
import { parseSpecFile } from '../../../src/spec/load.ts';
import { claimOf, fillPlaceholders } from '../../../src/spec/placeholder-text.ts';
import { builtInNames } from '../../../src/spec/presets/built-in.ts';
import { freshDirectory, type Running, startBottle } from '../bottle-process.ts';
import { fetchThrough } from '../upstream.ts';
import { ALL_CASES, roundsOf } from './all-cases.ts';
import { type Arrived, ECHO, type FakeServer, startFakes } from './fake-service.ts';
import { type PresetCase, TOKENS, type TokenName } from './preset-case.ts';
import { presetTable } from './preset-table.ts';

/** Allowed without a credential. */
const ELSEWHERE = 'elsewhere.example';

interface Round {
  readonly proxy: string;
  readonly ca: string;
  readonly caFile: string;
  readonly log: string;
  readonly fakes: FakeServer;
  readonly placeholders: Readonly<Record<string, string>>;
  /** What the agent would have beside the proxy's variables. */
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly { readonly path: string; readonly text: string }[];
  stop(): Promise<void>;
}

async function startRound(cases: readonly PresetCase[]): Promise<Round> {
  const directory = freshDirectory();
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const elsewhere = { hosts: [ELSEWHERE], authenticate: () => null, routes: {}, notFound: { body: 'anything' } };
  const fakes = await startFakes([...cases.map(({ service }) => service), elsewhere]);
  const names = [...new Set(cases.flatMap(({ secrets }) => secrets))];
  const spec = write(
    'spec.yaml',
    JSON.stringify({
      version: 1,
      secrets: Object.fromEntries(names.map((name) => [name, { env: `REAL_${name}` }])),
      egress: { use: cases.map(({ use }) => use), allow: [ELSEWHERE] },
    }),
  );
  const parsed = parseSpecFile(spec);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { agent } = parsed.bottle;
  // Whatever a tool asks for leads to the fakes, those that no entry allows included.
  const hosts = [
    ...cases.flatMap(({ service, refused }) => [
      ...service.hosts,
      ...refused.map((one) => new URL(one.split(' ')[1] ?? '').host),
    ]),
    ELSEWHERE,
  ];
  const args = {
    '--spec': spec,
    '--listen': '127.0.0.1:0',
    '--ca-out': join(directory, 'ca.pem'),
    '--log': join(directory, 'audit.jsonl'),
    '--upstream-map': write(
      'map.json',
      JSON.stringify(Object.fromEntries(hosts.map((host) => [`${host}:443`, `127.0.0.1:${fakes.port}`]))),
    ),
    '--upstream-ca': write('roots.pem', fakes.ca),
  };
  const running: Running = startBottle(['proxy', ...Object.entries(args).flat()], {
    env: Object.fromEntries(names.map((name) => [`REAL_${name}`, TOKENS[name]])),
  });
  const { listening, ca, placeholders } = JSON.parse(await running.waitFor(/\n/));
  return {
    proxy: listening,
    ca: readFileSync(ca, 'utf8'),
    caFile: write('bundle.pem', [readFileSync(ca, 'utf8'), ...rootCertificates].join('\n')),
    log: args['--log'],
    fakes,
    placeholders,
    env: agent.env,
    files: agent.files.map(({ path, text }) => ({
      path,
      text: fillPlaceholders(text, ({ secret, claim }) => {
        const placeholder = String(placeholders[secret]);
        return (claim === null ? placeholder : claimOf(placeholder, claim)) ?? '';
      }),
    })),
    async stop() {
      running.process.kill('SIGTERM');
      await running.outcome;
      await fakes.close();
    },
  };
}

/** As in the agent's container: the placeholders, what the presets set, the way out, and an empty home but for their files. */
async function runTool(round: Round, script: string): Promise<string> {
  const home = freshDirectory();
  for (const { path, text } of round.files) {
    const file = path.replace('/home/agent', home);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
  }
  mkdirSync(join(home, 'work'));
  const proxy = `http://${round.proxy}`;
  const trust = [
    'CURL_CA_BUNDLE',
    'SSL_CERT_FILE',
    'GIT_SSL_CAINFO',
    'NODE_EXTRA_CA_CERTS',
    'PIP_CERT',
    'REQUESTS_CA_BUNDLE',
  ];
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: home,
    ...Object.fromEntries(['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].map((name) => [name, proxy])),
    ...Object.fromEntries(trust.map((name) => [name, round.caFile])),
    NODE_USE_ENV_PROXY: '1',
    GIT_TERMINAL_PROMPT: '0',
    ...round.env,
    ...round.placeholders,
  };
  return new Promise((resolve) => {
    execFile('bash', ['-c', script], { env, cwd: join(home, 'work'), timeout: 60_000 }, (_, stdout, stderr) =>
      resolve(`${stdout}\n${stderr}`),
    );
  });
}

const recordsOf = (round: Round): readonly AuditRecord[] =>
  readFileSync(round.log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditRecord);
const nameOf = ({ method, host, url }: Arrived) => `${method} https://${host}${url.replace(/\?.*/, '')}`;

/** `METHOD URL BODY` with what the agent has for a credential, as it may try. */
async function attempt(round: Round, text: string, headers: Readonly<Record<string, string>> = {}) {
  const [, method = '', url = '', body] = /^(\S+) (\S+)(?: (.*))?$/s.exec(text) ?? [];
  const type = body?.startsWith('{') ? 'application/json' : 'application/x-www-form-urlencoded';
  const fields = body === undefined ? {} : { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) };
  return fetchThrough(round.proxy, round.ca, url, {
    method,
    headers: { ...fields, ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

/** In the ways that the fakes know: as it is, in base64, with a user name. */
function holdsAny(text: string, values: readonly string[]): boolean {
  const words = text.split(/[\s"',=<>:]+/).map((word) => Buffer.from(word, 'base64').toString('latin1'));
  return values.some((value) => text.includes(value) || words.some((word) => word.includes(value)));
}

test('every preset is tried, and docs/presets.md is what they say; `npm run presets` writes it', () => {
  expect([...new Set(ALL_CASES.map(({ preset }) => preset))].sort()).toEqual([...builtInNames()]);
  const file = new URL('../../../docs/presets.md', import.meta.url);
  expect(readFileSync(file, 'utf8')).toBe(presetTable(ALL_CASES));
});

describe.each(roundsOf(ALL_CASES))('round of %s', (_, cases) => {
  let round: Round;
  beforeAll(async () => {
    round = await startRound(cases);
  });
  afterAll(() => round.stop());

  describe.each(cases.map((one) => [`${one.preset} with ${one.secrets.join(' and ') || 'no secret'}`, one] as const))(
    '%s',
    (_name, one) => {
      const valuesOf = (names: readonly TokenName[]) => names.map((name) => TOKENS[name]);

      test.each(
        one.calls.map(
          ({ script, ...rest }, index) => [`${index + 1}: ${rest.arrives.at(-1)}`, { script, ...rest }] as const,
        ),
      )('a tool with placeholders gets its answer; %s', async (_call, { script, shows, arrives }) => {
        round.fakes.take();
        const before = recordsOf(round).length;
        const said = await runTool(round, script);
        const arrived = round.fakes.take();
        expect(said).toMatch(shows);
        expect(arrived.map(nameOf)).toEqual(expect.arrayContaining([...arrives]));
        const placeholders = Object.values(round.placeholders);
        for (const request of arrived) {
          // Not even the refused ones of a tool that first tries without: the proxy adds it to each.
          if (one.service.hosts.includes(request.host))
            expect(one.service.authenticate(request), nameOf(request)).toBeNull();
          expect(holdsAny(request.all, placeholders)).toBe(false);
        }
        expect(holdsAny(said, [...Object.values(TOKENS), ...(one.service.issued ?? [])])).toBe(false);
        const records = recordsOf(round).slice(before);
        expect(holdsAny(JSON.stringify(records), Object.values(TOKENS))).toBe(false);
        const injected = new Set(records.flatMap((record) => record.injected));
        // Besides those that the service itself has issued.
        expect([...injected].filter((name) => !/^use\./.test(name)).sort()).toEqual([...one.secrets].sort());
      });

      test.each(one.refused)('refuses %s', async (text) => {
        round.fakes.take();
        const headers = Object.fromEntries(
          one.secrets.slice(0, 1).map((name) => ['authorization', `Bearer ${round.placeholders[name]}`]),
        );
        const answer = await attempt(round, text, headers);
        // A refused push is answered 200, with what git shows.
        expect(answer.headers['x-bottle-block']).toBeDefined();
        expect(round.fakes.take()).toEqual([]);
      });

      test.each(one.secrets)(
        'the placeholder of %s leads to a refusal anywhere else, in whatever form',
        async (name) => {
          const placeholder = round.placeholders[name] ?? '';
          expect(placeholder.length).toBeGreaterThan(12);
          const pair = Buffer.from(`me:${placeholder}`).toString('base64');
          round.fakes.take();
          const tries = [
            [`GET https://${ELSEWHERE}/`, { authorization: `Bearer ${placeholder}` }],
            [`GET https://${ELSEWHERE}/`, { authorization: `Basic ${pair}` }],
            [`GET https://${ELSEWHERE}/?key=${encodeURIComponent(placeholder)}`, {}],
            [`POST https://${ELSEWHERE}/ {"token":"${placeholder}"}`, {}],
          ] as const;
          for (const [text, headers] of tries) expect((await attempt(round, text, headers)).status).toBe(403);
          expect(round.fakes.take()).toEqual([]);
          expect((await attempt(round, `GET https://${ELSEWHERE}/`)).status).toBe(200);
        },
      );

      if (one.echo !== '' && one.secrets.length > 0) {
        test('an answer that repeats the credential comes without it', async () => {
          round.fakes.take();
          const answer = await attempt(round, one.echo, { [ECHO]: '1' });
          const [arrived] = round.fakes.take();
          expect(holdsAny(arrived?.all ?? '', valuesOf(one.secrets))).toBe(true);
          expect(answer.body).toContain(ECHO);
          expect(holdsAny(answer.body + JSON.stringify(answer.headers), Object.values(TOKENS))).toBe(false);
        });
      }
    },
  );
});
