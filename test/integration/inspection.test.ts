import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { containerOf, leftOf, openEngine } from './harness/look-at-engine.ts';
import { Bench, type Running } from './harness/run-bottle.ts';

const bench = new Bench();
const docker = openEngine();
afterAll(() => bench.remove());

describe.each(['sealed', 'internal'])('while a %s session runs', (network) => {
  const value = `s3cret-${crypto.randomUUID()}`;
  const spec = bench.spec(`agent: { network: ${network} }\nsecrets: { API_TOKEN: { env: FROM_HERE } }`);
  const name = spec.replace(/^.*\//, '').replace('.yaml', '');
  const roles = network === 'sealed' ? ['proxy', 'relay', 'agent'] : ['proxy', 'agent'];
  let running: Running;
  let inspected: Map<string, Docker.ContainerInspectInfo>;

  beforeAll(async () => {
    running = bench.start(['start', spec, '--', 'sh', '-c', 'echo up; cat'], {
      env: { FROM_HERE: value },
      input: null,
    });
    await running.waitFor('up');
    inspected = new Map();
    for (const role of roles) inspected.set(role, await (await containerOf(docker, name, role)).inspect());
  });
  afterAll(async () => {
    running.process.stdin?.end();
    expect((await running.outcome).code).toBe(0);
    expect(await leftOf(docker, name)).toEqual([]);
  });

  const of = (role: string): Docker.ContainerInspectInfo => {
    const found = inspected.get(role);
    if (found === undefined) throw new Error(`no ${role}`);
    return found;
  };

  test('the engine knows no secret: not in environment, labels, command, mounts or images', async () => {
    const known = [JSON.stringify([...inspected.values()])];
    for (const { Image } of inspected.values()) {
      const image = docker.getImage(Image);
      known.push(JSON.stringify([await image.inspect(), await image.history()]));
    }
    known.push(JSON.stringify([await docker.listNetworks(), await docker.listVolumes()]));
    for (const spelled of [value, Buffer.from(value).toString('base64'), Buffer.from(value).toString('hex')]) {
      expect(known.join()).not.toContain(spelled);
    }
  });

  test('no process of this machine has the secret in its environment or arguments but ours', () => {
    const holders: string[] = [];
    for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      const readable = (file: string) => {
        try {
          return readFileSync(`/proc/${pid}/${file}`, 'latin1');
        } catch {
          return ''; // it ended, or it is not ours to read
        }
      };
      if ((readable('environ') + readable('cmdline')).includes(value))
        holders.push(readable('cmdline').replaceAll('\0', ' '));
    }
    expect(holders.filter((command) => !command.includes(spec))).toEqual([]);
  });

  test('no file of the session holds the secret', () => {
    const directory = join(bench.state, 'sessions');
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(4);
    for (const { parentPath, name: file } of files)
      expect(readFileSync(join(parentPath, file), 'latin1')).not.toContain(value);
  });

  test('the files of the session are for its user alone', () => {
    const directory = join(bench.state, 'sessions');
    for (const id of readdirSync(directory)) {
      expect(statSync(join(directory, id)).mode & 0o777).toBe(0o700);
      expect(statSync(join(directory, id, 'session.json')).mode & 0o777).toBe(0o600);
    }
  });

  test('every container has every flag', () => {
    for (const role of roles) {
      const { HostConfig, Config } = of(role);
      expect(HostConfig, role).toMatchObject({
        Privileged: false,
        CapAdd: role === 'relay' ? ['NET_ADMIN', 'SETGID', 'SETUID'].map((cap) => expect.stringContaining(cap)) : null,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        ReadonlyRootfs: true,
        IpcMode: 'private',
        UTSMode: '',
        UsernsMode: '',
        Devices: null,
        DeviceRequests: null,
        Binds: null,
        PortBindings: null,
        PublishAllPorts: false,
        AutoRemove: true,
        LogConfig: { Type: 'none' },
        Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      });
      expect(HostConfig.PidsLimit, role).toBeGreaterThan(0);
      expect(HostConfig.Memory, role).toBeGreaterThan(0);
      expect(HostConfig.MemorySwap, role).toBe(HostConfig.Memory);
      expect(HostConfig.NanoCpus, role).toBeGreaterThan(0);
      // What the engine masks of /proc and /sys by default is masked.
      expect((HostConfig as { MaskedPaths?: string[] }).MaskedPaths, role).toContain('/proc/kcore');
      expect(Config.Labels, role).toMatchObject({ 'bottle.name': name, 'bottle.role': role });
      expect(Config.Labels['bottle.id'], role).toMatch(new RegExp(`^${name}-[0-9a-f]{6}$`));
    }
  });

  test('no mount holds the socket of the engine, and none comes from outside the session', () => {
    for (const role of roles) {
      for (const mount of of(role).Mounts) {
        expect(JSON.stringify(mount)).not.toMatch(/\.sock"/);
        if (mount.Type === 'bind') expect(mount.Source).toContain(bench.state);
      }
    }
    expect(of('agent').Mounts.every(({ RW }) => !RW)).toBe(true);
  });

  test('the agent runs as nobody special', () => {
    expect(of('agent').Config.User).toBe('1000:1000');
    expect(of('proxy').Config.User).toBe('1337:1337');
  });

  if (network === 'sealed') {
    test('the agent has no network of its own, and ends with the relay', () => {
      const relay = `container:${of('relay').Id}`;
      expect(of('agent').HostConfig).toMatchObject({ NetworkMode: relay, PidMode: relay });
      expect(of('relay').HostConfig.NetworkMode).toBe('none');
    });

    test('the socket between relay and sidecar is in a volume that reap would find, and the agent has no mount of it', async () => {
      const filters = { label: [`bottle.name=${name}`, 'bottle.role=socket'] };
      const { Volumes } = await docker.listVolumes({ filters });
      expect(Volumes).toHaveLength(1);
      const holders = roles.filter((role) => of(role).Mounts.some(({ Name }) => Name === Volumes[0]?.Name));
      expect(holders).toEqual(['proxy', 'relay']);
      expect(of('relay').Mounts.map(({ Destination }) => Destination)).toEqual(['/run/bottle']);
    });

    test('the engine refuses to give the agent a network', async () => {
      const egress = docker.getNetwork('bottle-egress');
      await expect(egress.connect({ Container: of('agent').Id })).rejects.toThrow(/network/);
    });
  } else {
    test('the network of the agent has no gateway on this machine, and nobody else in it', async () => {
      const [internal] = Object.keys(of('agent').NetworkSettings.Networks);
      const inspectedNetwork = (await docker.getNetwork(internal ?? '').inspect()) as Docker.NetworkInspectInfo;
      expect(inspectedNetwork).toMatchObject({ Internal: true, EnableIPv6: false });
      expect(inspectedNetwork.Options).toMatchObject({ 'com.docker.network.bridge.inhibit_ipv4': 'true' });
      expect(Object.keys(inspectedNetwork.Containers ?? {}).sort()).toEqual([of('agent').Id, of('proxy').Id].sort());
      expect(of('agent').HostConfig.Dns).toHaveLength(1);
    });
  }
});
