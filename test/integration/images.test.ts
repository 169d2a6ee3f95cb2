import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import Docker from 'dockerode';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureImages } from '../../src/images/ensure.ts';
import { imageTags } from '../../src/images/inputs.ts';

const repoRoot = join(import.meta.dirname, '../..');
const docker = new Docker();
let agent = '';
let proxy = '';

beforeAll(async () => {
  ({ agent, proxy } = await ensureImages(docker, { repoRoot, onProgress: () => {} }));
});

/** Runs a command without a network; as root by default, so that nothing hides from it. */
async function run(image: string, command: readonly string[], uid = 0, env: readonly string[] = []): Promise<string> {
  const output = new PassThrough();
  const chunks: Buffer[] = [];
  output.on('data', (chunk: Buffer) => chunks.push(chunk));
  const create = {
    Entrypoint: command.slice(0, 1),
    User: `${uid}:${uid}`,
    Env: [...env],
    Labels: { 'bottle.role': 'probe' },
    HostConfig: { NetworkMode: 'none', AutoRemove: true },
  };
  const [status] = (await docker.run(image, command.slice(1), [output, output], { ...create, Tty: false })) as [
    { StatusCode: number },
  ];
  const text = Buffer.concat(chunks).toString();
  if (status.StatusCode !== 0)
    throw new Error(`${command.join(' ')} in ${image} ended with ${status.StatusCode}: ${text}`);
  return text.trim();
}

/** Runs JavaScript in an image by its Node and returns what it printed. */
const runScript = (image: string, script: string) => run(image, ['/usr/local/bin/node', '-e', script]);

describe('the images', () => {
  it('are tagged by the hash of their inputs, and are not made again', async () => {
    const lines: string[] = [];
    const tags = await ensureImages(docker, { repoRoot, onProgress: (line) => lines.push(line) });
    expect(tags).toMatchObject({ agent, proxy });
    expect(imageTags(repoRoot)).toMatchObject({ agent, proxy });
    expect(lines).toEqual([]);
  });

  it('carry the label by which we find them', async () => {
    for (const tag of [agent, proxy]) {
      const image = await docker.getImage(tag).inspect();
      expect(image.Config.Labels).toMatchObject({ 'bottle.role': 'image' });
    }
  });

  it('hold no credentials: neither in their environment nor in their history', async () => {
    for (const tag of [agent, proxy]) {
      const image = docker.getImage(tag);
      const text = JSON.stringify([(await image.inspect()).Config.Env, await image.history()]);
      expect(text).not.toMatch(/:\/\/[^/"\s]*@|token|password|secret/i);
    }
  });
});

describe('the agent image', () => {
  it('runs the tools that an agent reaches for', async () => {
    const tools = ['node', 'npm', 'npx', 'git', 'curl', 'wget', 'rg', 'jq', 'python3', 'pip', 'patch', 'less'];
    // `sed` reads to the end: `head` would go after a line, and some tools complain of the broken pipe.
    const versions = await run(agent, [
      'sh',
      '-ec',
      `for tool in ${tools.join(' ')}; do $tool --version | sed -n 1p; done`,
    ]);
    expect(versions.split('\n'), versions).toHaveLength(tools.length);
    expect(await run(agent, ['python3', '-c', 'import sqlite3, http.client, ssl, venv; print("fine")'])).toBe('fine');
    expect(await run(agent, ['sh', '-c', 'ssh -V 2>&1; ps --version; unzip -v | sed -n 1p'])).toMatch(
      /OpenSSH[\s\S]*procps[\s\S]*UnZip/,
    );
  });

  it('starts as the user agent, who owns a home and a workspace', async () => {
    expect((await docker.getImage(agent).inspect()).Config).toMatchObject({ User: 'agent', WorkingDir: '/workspace' });
    expect(await run(agent, ['stat', '-c', '%n %u:%g', '/home/agent', '/workspace'])).toBe(
      '/home/agent 1000:1000\n/workspace 1000:1000',
    );
    expect(await run(agent, ['id', 'agent'])).toContain('uid=1000(agent) gid=1000(agent)');
  });

  it('holds nothing that could raise rights: no setuid or setgid bit, no file capability', async () => {
    expect(await run(agent, ['find', '/', '-xdev', '-perm', '/6000'])).toBe('');
    const capable = `
import os
for folder, _, files in os.walk('/usr'):
    for path in (os.path.join(folder, name) for name in files):
        if not os.path.islink(path) and 'security.capability' in os.listxattr(path): print(path)`;
    expect(await run(agent, ['python3', '-c', capable])).toBe('');
  });

  it('knows nothing of how this machine reaches its package sources', async () => {
    const script =
      'cat /etc/apt/apt.conf.d/* /etc/apt/auth.conf* /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true';
    const settings = await run(agent, ['sh', '-c', script]);
    expect(settings).not.toMatch(/Acquire::https?|:\/\/[^/\s]*@|^machine /m);
  });
});

describe('the proxy image', () => {
  it('starts the proxy by itself, as a user without rights', async () => {
    const { Config } = await docker.getImage(proxy).inspect();
    expect(Config.User).toBe('1337:1337');
    expect(Config.Entrypoint).toEqual(expect.arrayContaining(['/usr/local/bin/node', '/opt/bottle/proxy/src/main.ts']));
    // A volume that the image names would have no label of ours: the relay's container brings its own.
    expect(Config.Volumes ?? {}).toEqual({});
  });

  it('lets only the proxy user into the directory of its socket', async () => {
    const script = `const s = fs.statSync('/run/bottle'); console.log(s.uid, s.gid, (s.mode & 0o777).toString(8))`;
    expect(await runScript(proxy, script)).toBe('1337 1337 700');
  });

  it('holds Node, its libraries, roots and ip, and no other program', async () => {
    const script = `
      const folders = fs.readdirSync('/').filter((name) => !['proc', 'sys', 'dev', '.dockerenv'].includes(name));
      const entries = folders.flatMap((name) => fs.readdirSync('/' + name, { recursive: true, withFileTypes: true }));
      const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.parentPath + '/' + entry.name);
      const programs = files.filter((path) => fs.statSync(path).mode & 0o111 && !/\\.so(\\.|$)/.test(path));
      console.log(programs.sort().join(' '));`;
    expect(await runScript(proxy, script)).toBe('/bin/busybox /usr/local/bin/node');
    expect(await runScript(proxy, `console.log(fs.existsSync('/bin/sh'), fs.readlinkSync('/bin/ip'))`)).toBe(
      'false busybox',
    );
    expect(await run(proxy, ['/bin/ip', 'addr', 'show', 'dev', 'lo'])).toContain('127.0.0.1/8');
  });

  it('holds the source of this tree and the packages that it needs', async () => {
    const script = `import('/opt/bottle/proxy/node_modules/node-forge/lib/asn1.js').then((m) => console.log(typeof m.default.toDer,
      fs.existsSync('/opt/bottle/proxy/src/contract.ts'), fs.existsSync('/opt/bottle/proxy/test')))`;
    expect(await runScript(proxy, script)).toBe('function true false');
  });

  it('trusts the public roots', async () => {
    const script = `console.log(fs.readFileSync('/etc/ssl/certs/ca-certificates.crt', 'utf8').split('BEGIN CERT').length > 100)`;
    expect(await runScript(proxy, script)).toBe('true');
  });

  it.each([0, 1000, 1337])('starts from code that was compiled when it was built, as user %i', async (uid) => {
    const command = ['/usr/local/bin/node', '-e', `import('/opt/bottle/proxy/src/serve.ts')`];
    const told = await run(proxy, command, uid, ['NODE_DEBUG_NATIVE=COMPILE_CACHE']);
    const modules = told.split('\n').filter((line) => /V8 code cache for ESM file:.*\/proxy\/src\//.test(line));
    expect(modules.length).toBeGreaterThan(20);
    expect(modules.filter((line) => !line.includes('was accepted'))).toEqual([]);
  });
});
