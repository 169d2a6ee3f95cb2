// A bottle and the facts of a machine, for tests of planning.
import type { Facts } from '../../../src/plan/facts.ts';
import type { AllowEntry, Bottle } from '../../../src/spec/bottle.ts';

export function anEntry(change: Partial<AllowEntry> = {}): AllowEntry {
  return {
    id: 'allow.0',
    host: 'api.example',
    ports: [443],
    scheme: 'https',
    rules: [{ methods: null, paths: null, query: {}, headers: {} }],
    auth: null,
    placeholder: null,
    dlp: { onMatch: 'block', except: [], actions: {} },
    allowPrivate: false,
    source: 'refused',
    errorShape: 'plain',
    quota: null,
    ...change,
  };
}

export function aBottle(change: Partial<Bottle> = {}): Bottle {
  return {
    version: 1,
    name: 'web-shop',
    file: '/home/someone/bottles/web-shop.yaml',
    agent: {
      image: null,
      command: ['npm', 'test'],
      env: { CI: 'true' },
      files: [],
      user: null,
      network: 'sealed',
      runtime: 'runc',
      resources: { cpus: 2, memoryBytes: 2 * 1024 ** 3, pids: 512 },
    },
    workspace: { path: '/home/someone/web-shop', mode: 'mount', hide: ['.env', 'keys'] },
    secrets: {
      API_TOKEN: { kind: 'env', env: 'API_TOKEN' },
      DB_PASSWORD: { kind: 'file', file: '/home/someone/.db-password' },
    },
    egress: {
      mode: 'enforce',
      allow: [anEntry()],
      deny: [],
      onDeny: 'block',
      upstreamProxy: null,
      quota: null,
      limits: {},
    },
    dlp: {
      onMatch: 'block',
      profile: 'default',
      rulesFile: null,
      rules: [],
      detectors: ['jwt'],
      actions: {},
      known: ['DB_PASSWORD'],
      canaries: false,
      workspace: false,
    },
    logs: { dir: null, keep: 10, bodies: 'never' },
    ...change,
  };
}

export function someFacts(change: Partial<Facts> = {}): Facts {
  const session = '/home/someone/.local/state/bottle/sessions/web-shop-0a1b2c';
  return {
    session: 'web-shop-0a1b2c',
    owner: 'boot/1/4711/99',
    images: { agent: 'bottle-agent:aaaaaaaaaaaa', proxy: 'bottle-proxy:bbbbbbbbbbbb' },
    imageStart: null,
    user: { uid: 1000, gid: 1000, reason: 'the user who started it' },
    command: null,
    terminal: { tty: false, env: {}, size: null },
    files: {
      logDirectory: `${session}/log`,
      passwd: `${session}/passwd`,
      group: `${session}/group`,
      canaries: `${session}/canaries`,
      empty: `${session}/empty`,
      trustDirectory: `${session}/trust`,
    },
    hidden: [
      { path: '.env', kind: 'file' },
      { path: 'keys', kind: 'directory' },
    ],
    engineCpus: 4,
    forbiddenMounts: ['/var/run/docker.sock', '/run/docker.sock', '/home/someone/.local/state/bottle/sessions'],
    subnet: {
      cidr: '10.192.0.0/29',
      gateway: '10.192.0.1',
      proxy: '10.192.0.2',
      agent: '10.192.0.3',
      probe: '10.192.0.4',
    },
    probe: { tcp: ['198.51.100.7:4000', '169.254.169.254:80'], dns: ['198.51.100.53:53'] },
    proxyHosts: {},
    proxyNetworks: [],
    ...change,
  };
}
