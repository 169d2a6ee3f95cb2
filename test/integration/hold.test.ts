// A held request of a real session: decided from outside, and out of the agent's reach.
import { afterAll, expect, test } from 'vitest';
import { Bench, type Outcome } from './harness/run-bottle.ts';

const bench = new Bench();
afterAll(() => bench.remove());

interface Shown {
  readonly event: string;
  readonly id: string;
  readonly path: string;
}

/** Watches until the session ends, and denies what the agent asks for. */
async function denyAll(name: string): Promise<{ readonly shown: Shown[]; readonly denials: Outcome[] }> {
  const watch = bench.start(['watch', name, '--json']);
  await watch.waitFor('"held"');
  const rows = JSON.parse((await bench.run(['ps', '--json'])).stdout);
  expect(rows).toContainEqual(expect.objectContaining({ name, held: 1 }));
  const [first] = eventsOf(watch.soFar());
  const denials = [await bench.run(['deny', name, first?.id ?? ''])];
  const { code, stdout } = await watch.outcome;
  expect(code).toBe(0);
  return { shown: eventsOf(stdout), denials };
}

const eventsOf = (text: string): Shown[] =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test.each(['sealed', 'internal'])(
  'in a %s session a person decides, and the agent finds no way to the socket',
  async (network) => {
    const file = bench.spec(`agent: { network: ${network} }\negress: { on_deny: hold }`);
    const name = file.replace(/^.*\//, '').replace('.yaml', '');
    const script = [
      'echo up',
      'find / -xdev -type s 2>/dev/null | grep -v "^/proc" | sed "s/^/socket /"',
      'grep -c "/control" /proc/net/unix | sed "s/^/listening /"',
      'curl -s https://stranger.example/path',
    ].join('; ');
    const session = bench.start(['start', file, '--', 'sh', '-c', script]);
    await session.waitFor('up');
    const { shown, denials } = await denyAll(name);
    const { stdout } = await session.outcome;
    expect(denials).toMatchObject([{ code: 0 }]);
    expect(shown).toMatchObject([{ event: 'held', path: '/path' }, { event: 'released' }]);
    expect(stdout).toContain('denied by a person');
    expect(stdout).not.toContain('socket ');
    expect(stdout).toContain('listening 0');
    const logs = await bench.run(['logs', name, '--json']);
    expect(logs.stdout).toMatch(/"verdict":"hold"/);
    // Its end is the socket's.
    expect((await bench.run(['watch', name])).code).toBe(2);
  },
);

test('in a session `confirm: each` lets reads go, and a delete when a person approves it', async () => {
  const rules = 'rules: ["GET /**", { methods: [DELETE], confirm: each }], expires: 1h';
  const file = bench.spec(`egress: { allow: [{ host: tracker.example, ${rules} }] }`);
  const name = file.replace(/^.*\//, '').replace('.yaml', '');
  const script = 'echo up; curl -s -X DELETE https://tracker.example/items/1; echo; echo done';
  const session = bench.start(['start', file, '--', 'sh', '-c', script]);
  await session.waitFor('up');
  const watch = bench.start(['watch', name, '--json']);
  await watch.waitFor('"held"');
  const [row] = JSON.parse((await bench.run(['ps', '--json'])).stdout).filter(
    (one: { name: string }) => one.name === name,
  );
  expect(row).toMatchObject({ held: 1, expiresAt: expect.stringMatching(/^20\d\d-/) });
  expect((await bench.run(['ps'])).stdout).toMatch(/EXPIRES[\s\S]* in \d+ min/);
  const [event] = eventsOf(watch.soFar());
  expect(event).toMatchObject({ path: '/items/1', confirm: 'each' });
  expect(await bench.run(['approve', name, event?.id ?? ''])).toMatchObject({ code: 0 });
  const { stdout } = await session.outcome;
  expect(stdout).toContain('done');
  expect(stdout).not.toContain('waits for a person');
  await watch.outcome;
  // It left to find that there is no such host.
  const logs = await bench.run(['logs', name, '--json']);
  expect(logs.stdout).toMatch(/"method":"DELETE".*"verdict":"hold","stage":"upstream"/);
});
