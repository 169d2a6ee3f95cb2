import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { afterAll, describe, expect, test } from 'vitest';
import { splitFrames } from '../../src/engine/attachment.ts';
import { containerOf, leftOf, openEngine, until } from './harness/look-at-engine.ts';
import { Bench } from './harness/run-bottle.ts';

const bench = new Bench();
const docker = openEngine();
afterAll(() => bench.remove());

const nameOf = (spec: string) => spec.replace(/^.*\//, '').replace('.yaml', '');
/** What a program says on stderr in a container. */
const errorsOf = async (container: Docker.Container, command: string[]) => {
  const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  const stderr = new PassThrough();
  const chunks: Buffer[] = [];
  stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  await splitFrames(await exec.start({}), new PassThrough().resume(), stderr);
  return Buffer.concat(chunks).toString();
};
const stateOf = (name: string) => {
  const id = readdirSync(join(bench.state, 'sessions')).find((each) => each.startsWith(`${name}-`)) ?? '';
  return JSON.parse(readFileSync(join(bench.state, 'sessions', id, 'session.json'), 'utf8')) as Record<string, unknown>;
};

describe.each(['sealed', 'internal'])('a %s session', (network) => {
  const spec = (lines = '') => bench.spec(`agent: { network: ${network} }\n${lines}`);
  const running = async (file: string, script: string) => {
    const session = bench.start(['start', file, '--', 'sh', '-c', `echo up; ${script}`], { input: null });
    await session.waitFor('up');
    return session;
  };

  test('passes a signal on to the agent, which may end in its own way', async () => {
    const file = spec();
    const session = await running(file, "trap 'echo bye; exit 7' TERM; while :; do sleep 0.1; done");
    session.process.kill('SIGTERM');
    const { code, stdout } = await session.outcome;
    expect(stdout).toBe('up\nbye\n');
    expect(code).toBe(7);
    expect(await leftOf(docker, nameOf(file))).toEqual([]);
    expect(stateOf(nameOf(file))).toMatchObject({ status: 'ended', exitCode: 7 });
  });

  test('ends at the second signal, when the agent does not care', async () => {
    const file = spec();
    const session = await running(file, "trap 'echo heard it' INT; while :; do sleep 0.1; done");
    session.process.kill('SIGINT');
    await session.waitFor('heard it');
    session.process.kill('SIGTERM');
    expect((await session.outcome).code).toBe(130);
    expect(await leftOf(docker, nameOf(file))).toEqual([]);
  });

  test('stops the agent when the sidecar is killed, and says so', async () => {
    const file = spec();
    const session = await running(file, 'sleep 60');
    await (await containerOf(docker, nameOf(file), 'proxy')).kill();
    const { code, stderr } = await session.outcome;
    expect(stderr).toContain('ended while the agent ran, so the agent was stopped');
    expect(code).toBe(125);
    expect(await leftOf(docker, nameOf(file))).toEqual([]);
    expect(stateOf(nameOf(file))).toMatchObject({ status: 'failed' });
  });

  test('leaves nothing after its bottle was killed, once reaped', async () => {
    const file = spec();
    const session = await running(file, 'sleep 60');
    session.process.kill('SIGKILL');
    await session.outcome;
    const { code } = await bench.run(['reap']);
    expect(code).toBe(0);
    expect(await leftOf(docker, nameOf(file))).toEqual([]);
    expect(stateOf(nameOf(file))).toMatchObject({ status: 'reaped' });
  });

  test('is stopped from another process, which waits until nothing is left', async () => {
    const file = spec();
    const session = await running(file, 'sleep 60');
    const { code } = await bench.run(['stop', nameOf(file)]);
    expect(code).toBe(0);
    expect(await leftOf(docker, nameOf(file))).toEqual([]);
    await session.outcome;
    expect(stateOf(nameOf(file))).toMatchObject({ status: 'ended' });
  });

  test('can be joined by another program, which is contained like the agent', async () => {
    const file = spec();
    const session = await running(file, 'cat');
    const script =
      'cat; echo $HTTPS_PROXY; id -u; curl -sS -o /dev/null -w "%{http_code}" https://denied.example/; exit 9';
    const joined = await bench.run(['exec', nameOf(file), '--', 'sh', '-c', script], { input: 'typed\n' });
    expect(joined.stdout).toMatch(/^typed\nhttp:\/\/[\d.]+:3128\n1000\n403$/);
    expect(joined.code).toBe(9);
    session.process.stdin?.end();
    expect((await session.outcome).code).toBe(0);
  });

  test('is undone when it fails half-way', async () => {
    // The agent image is missing: by then networks and other containers are there.
    const file = bench.spec(`agent: { network: ${network}, image: "no-such-image:here" }`);
    const { code, stderr } = await bench.run(['start', file, '--', 'true']);
    expect(stderr).toContain('no image no-such-image:here');
    expect(code).toBe(125);
    expect(await leftOf(docker, nameOf(file))).toEqual([]);
  });

  test('is undone when a signal comes while it starts', async () => {
    const file = spec();
    const session = bench.start(['start', file, '--', 'sleep', '60']);
    await until('something of it is there', async () => (await leftOf(docker, nameOf(file))).length > 0);
    session.process.kill('SIGTERM');
    expect((await session.outcome).code).toBe(143);
    expect(await leftOf(docker, nameOf(file))).toEqual([]);
  });

  test('the sidecar without its agent serves nobody: killed, it leaves the agent no way out', async () => {
    const file = spec();
    const script =
      'while :; do curl -sS -m 2 -o /dev/null -w "%{http_code}\\n" https://denied.example/ 2>/dev/null; done';
    const session = await running(file, script);
    await session.waitFor('403');
    // Without its bottle nobody stops the agent for it.
    session.process.kill('SIGSTOP');
    const agent = await containerOf(docker, nameOf(file), 'agent');
    await (await containerOf(docker, nameOf(file), 'proxy')).kill();
    if (network === 'sealed') {
      await until('the agent ended with the sidecar', async () => {
        const { State } = await agent.inspect().catch(() => ({ State: { Running: false } }));
        return !State.Running;
      });
    } else {
      const script = 'curl -sS -m 3 http://192.0.2.1/; curl -m 3 -sS --noproxy "*" https://denied.example/; true';
      expect(await errorsOf(agent, ['sh', '-c', script])).toMatch(/^curl: \(\d+\).*\ncurl: \(\d+\).*\n$/);
    }
    session.process.kill('SIGCONT');
    expect((await session.outcome).code).toBe(125);
    expect(await leftOf(docker, nameOf(file))).toEqual([]);
  });
});

test('a killed sealed session leaves nothing even without being reaped', async () => {
  const file = bench.spec('agent: { network: sealed }');
  const session = bench.start(['start', file, '--', 'sh', '-c', 'setsid sleep 60 & echo up; sleep 60'], {
    input: null,
  });
  await session.waitFor('up');
  session.process.kill('SIGKILL');
  await until('everything is gone', async () => (await leftOf(docker, nameOf(file))).length === 0);
  await bench.run(['reap']);
});

test('nothing is lost to a reader that takes its time, longer than the agent lives', async () => {
  const file = bench.spec('');
  const { stdout } = await bench.shell(['start', file, '--', 'head', '-c', '3000000', '/dev/zero'], '(sleep 6; wc -c)');
  expect(stdout.trim()).toBe('3000000');
});

test('an agent whose reader has gone is ended', async () => {
  const file = bench.spec('');
  const { stdout } = await bench.shell(['start', file, '--', 'yes'], 'head -n 2');
  expect(stdout).toBe('y\ny\n');
  expect(await leftOf(docker, nameOf(file))).toEqual([]);
});

test('whatever reaches this machine while the proof runs refuses the start', async () => {
  const file = bench.spec('');
  const session = bench.start(['start', file, '--', 'echo', 'the agent ran']);
  // The relay is told where the listener is; a packet that got out would arrive there like this one.
  await until('the relay is there', async () =>
    (await leftOf(docker, nameOf(file))).some((name) => name.endsWith('-relay')),
  );
  const { Config } = await (await containerOf(docker, nameOf(file), 'relay')).inspect();
  const targets = Config.Env.find((line) => line.startsWith('BOTTLE_PROBE='))?.slice('BOTTLE_PROBE='.length) ?? '';
  const [target = ''] = (JSON.parse(targets) as { tcp: string[] }).tcp;
  connect(Number(target.split(':')[1]), '127.0.0.1').on('error', () => undefined);
  const { code, stdout, stderr } = await session.outcome;
  expect(stderr).toContain('the self-probe found a way out past the proxy');
  expect(stdout).toBe('');
  expect(code).toBe(125);
  expect(await leftOf(docker, nameOf(file))).toEqual([]);
});

test('a bug in bottle itself ends the session, is shown, and leaves nothing', async () => {
  const file = bench.spec('');
  const session = bench.drive({ spec: file, command: ['sh', '-c', 'echo up; sleep 60'] }, { input: null });
  await session.waitFor('up');
  session.process.kill('SIGUSR2');
  const { code, stderr } = await session.outcome;
  expect(stderr).toContain('a bug');
  expect(code).toBe(125);
  expect(await leftOf(docker, nameOf(file))).toEqual([]);
});

test('missing secrets refuse the start before anything is made, all of them at once', async () => {
  const file = bench.spec('secrets: { A: { env: NOT_HERE_A }, B: { file: /not/here }, C: { env: EMPTY } }');
  const { code, stderr } = await bench.run(['start', file, '--', 'true'], { env: { EMPTY: '' } });
  expect(stderr).toContain('3 secrets have no value');
  for (const source of ['env NOT_HERE_A', 'file /not/here', 'env EMPTY']) expect(stderr).toContain(source);
  expect(code).toBe(125);
  expect(await leftOf(docker, nameOf(file))).toEqual([]);
});

test('an engine that is not there is said in one line', async () => {
  const { code, stderr } = await bench.run(['start', bench.spec(''), '--host', 'unix:///no/such.sock', '--', 'true'], {
    env: { BOTTLE_DEBUG: undefined },
  });
  expect(stderr).toMatch(
    /^bottle: cannot reach Docker \(--host\): \/no\/such\.sock does not exist; start Docker .*\n$/,
  );
  expect(code).toBe(125);
});

test('two sessions run side by side, are told apart, and reap touches neither', async () => {
  const file = bench.spec('');
  const name = nameOf(file);
  const start = (more: string) =>
    bench.start(['start', file, '--name', more, '--', 'sh', '-c', `echo up; cat; echo ${more}`], { input: null });
  const both = [start(`${name}-a`), start(`${name}-b`)];
  await Promise.all(both.map((session) => session.waitFor('up')));
  const rows = JSON.parse((await bench.run(['ps', '--json'])).stdout) as { name: string; status: string }[];
  expect(
    rows
      .filter((row) => row.name.startsWith(name))
      .map((row) => `${row.name} ${row.status}`)
      .sort(),
  ).toEqual([`${name}-a running`, `${name}-b running`]);
  expect((await bench.run(['reap'])).code).toBe(0);
  for (const session of both) session.process.stdin?.end();
  const [a, b] = await Promise.all(both.map((session) => session.outcome));
  expect([a?.stdout, b?.stdout]).toEqual([`up\n${name}-a\n`, `up\n${name}-b\n`]);
  expect([a?.code, b?.code]).toEqual([0, 0]);
});
