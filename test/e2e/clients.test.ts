// Real clients of the agent image through every way in: with proxy variables, and without any; in both topologies.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeServerCertificates } from '../../demo/certificates.ts';
import { type ServiceContainer, startServiceContainer } from '../../demo/service-container.ts';
import type { AuditRecord } from '../../proxy/src/contract.ts';
import { ensureImages } from '../../src/images/ensure.ts';
import { openEngine } from '../integration/harness/look-at-engine.ts';
import { Bench, REPOSITORY } from '../integration/harness/run-bottle.ts';
import { type ClientCase, LARGE, REFUSED, WORKING } from './clients/cases.ts';

const HOSTS = ['api', 'git', 'npm', 'private', 'pypi', 'swap'].map((name) => `${name}.clients.test`);
const token = `clients-${randomBytes(20).toString('hex')}`;
const certificates = makeServerCertificates(HOSTS);
const bench = new Bench();
const arrived: string[] = [];
let service: ServiceContainer;

beforeAll(async () => {
  const docker = openEngine();
  const { agent } = await ensureImages(docker, { repoRoot: REPOSITORY, onProgress: () => undefined });
  service = await startServiceContainer(docker, {
    image: agent,
    name: `bottle-clients-${process.pid}`,
    program: new URL('./clients/service-program.mjs', import.meta.url),
    settings: { key: certificates.key, certs: certificates.certs, token },
    onLine: (line) => arrived.push(line),
  });
});
afterAll(async () => {
  await service.stop();
  bench.remove();
});

interface Result {
  readonly name: string;
  readonly way: string;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

const spec = (network: string) => `
agent: { network: ${network} }
secrets: { API_TOKEN: { env: CLIENTS_TOKEN } }
egress:
  allow:
    - { host: api.clients.test, auth: { type: bearer, secret: API_TOKEN }, allow_private: true }
    - { host: npm.clients.test, access: read, auth: { type: bearer, secret: API_TOKEN }, allow_private: true }
    - { host: private.clients.test, auth: { type: basic, secret: API_TOKEN, username: x-access-token }, allow_private: true }
    - { host: swap.clients.test, placeholder: { secret: API_TOKEN }, allow_private: true }
    - { host: pypi.clients.test, access: read, allow_private: true }
    - { host: plain.clients.test, scheme: http, allow_private: true }
    - host: git.clients.test
      rules: ["GET /**", "POST /*/git-upload-pack", "POST /open.git/git-receive-pack"]
      allow_private: true`;

/** For all cases of a session: more than eighty, two of them with 200 MB, on a machine that does other things as well. */
const CASES_MS = 360_000;

async function runCases(network: string, cases: readonly (ClientCase & { readonly way: string })[]) {
  const roots = join(bench.directory, 'roots.pem');
  writeFileSync(roots, certificates.authority);
  const file = bench.spec(spec(network));
  const runner = readFileSync(new URL('./clients/run-cases.mjs', import.meta.url), 'utf8');
  const session = bench.drive(
    {
      spec: file,
      command: ['node', '--input-type=module', '-e', runner],
      proxyNetworks: [service.network],
      proxyHosts: Object.fromEntries([...HOSTS, 'plain.clients.test'].map((host) => [host, service.address])),
    },
    {
      env: { CLIENTS_TOKEN: token, NODE_EXTRA_CA_CERTS: roots },
      input: JSON.stringify(cases.map(({ name, way, script }) => ({ name, way, script }))),
    },
  );
  // Before vitest gives up: a session that goes on would keep the service's network.
  const limit = setTimeout(() => session.process.kill('SIGTERM'), CASES_MS);
  const { code, stdout, stderr } = await session.outcome;
  clearTimeout(limit);
  if (code !== 0) throw new Error(`the session ended with ${code}: ${stderr}`);
  const results = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Result);
  return { results, records: bench.records(file.replace(/^.*\/(.*)\.yaml$/, '$1')) };
}

function check(result: Result | undefined, { code, shows, hides = [] }: ClientCase): void {
  const text = `${result?.stdout}${result?.stderr}`;
  for (const shown of shows) expect(text).toMatch(shown);
  for (const hidden of hides) expect(text).not.toMatch(hidden);
  expect(result?.code, text).toBe(code);
}

describe.each(['sealed', 'internal'])('in a %s session', (network) => {
  const ways = ['variables', 'transparent'];
  // Once a topology is enough for what is large: the other way in differs in the first bytes alone.
  const large = LARGE.map((each) => ({ ...each, way: network === 'sealed' ? 'transparent' : 'variables' }));
  const all = ways.flatMap((way) => [
    ...WORKING.map((each) => ({ ...each, way })),
    ...REFUSED.map((each) => ({ ...each, way, name: `refused: ${each.name}` })),
  ]);
  let results: readonly Result[];
  let records: readonly AuditRecord[];
  beforeAll(async () => {
    ({ results, records } = await runCases(network, [...all, ...large]));
  }, CASES_MS + 60_000);
  if (network === 'internal') {
    test.each([...WORKING, ...REFUSED].filter(({ isLiteral }) => isLiteral))(
      '$name meets nobody without a proxy',
      ({ name }) => {
        const found = results.filter((each) => each.way === 'transparent' && each.name.endsWith(name));
        expect(found).toMatchObject([{ code: 7 }]);
      },
    );
  }
  const resultOf = (name: string, way: string) => results.find((each) => each.name === name && each.way === way);

  describe.each(ways)('by %s', (way) => {
    const reaches = ({ isLiteral = false }: ClientCase) => !isLiteral || network === 'sealed' || way === 'variables';
    test.each(WORKING.filter(reaches))('$name gets through', (each) => check(resultOf(each.name, way), each));
    test.each(REFUSED.filter(reaches))('$name is refused in words that it shows', (each) =>
      check(resultOf(`refused: ${each.name}`, way), each),
    );
  });

  test.each(large)('$name arrives whole, by $way', (each) => check(resultOf(each.name, each.way), each));

  test('every way in was used, and neither a client nor a record saw the token', () => {
    const vias = new Set(records.map(({ via }) => via));
    expect([...vias].sort()).toEqual(['absolute', 'connect', 'dns', 'transparent']);
    expect(JSON.stringify(records)).not.toContain(token);
    expect(JSON.stringify(results)).not.toContain(token);
  });
});
