import { afterAll, expect, test } from 'vitest';
import { containerOf, leftOf, openEngine, until } from './harness/look-at-engine.ts';
import { Bench, REPOSITORY } from './harness/run-bottle.ts';

const bench = new Bench();
const docker = openEngine();
afterAll(() => bench.remove());

const nameOf = (spec: string) => spec.replace(/^.*\//, '').replace('.yaml', '');
const quote = (words: readonly string[]) => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

/** Runs `before; bottle start SPEC -- COMMAND; after` in a terminal of its own, as a person's shell would. */
function inTerminal(spec: string, command: readonly string[], { before = 'true', after = 'true' } = {}) {
  const bottle = quote([`${REPOSITORY}bin/bottle`, 'start', spec, '--', ...command]);
  const script = `${before}; ${bottle}; echo "[exit $?]"; ${after}`;
  return bench.terminal(script);
}

test('an agent at a terminal has one, of the same size and kind', async () => {
  const file = bench.spec('');
  const session = inTerminal(
    file,
    ['sh', '-c', 'test -t 0 && test -t 1; until stty size | grep -v "^0 0"; do sleep 0.01; done; echo $TERM'],
    {
      before: 'stty rows 33 cols 77',
    },
  );
  const { stdout } = await session.outcome;
  expect(stdout).toContain('33 77\r\n');
  expect(stdout).toContain('xterm-256color\r\n');
  expect(stdout).toContain('[exit 0]');
});

test('the size follows the terminal', async () => {
  const file = bench.spec('');
  const session = inTerminal(file, ['bash', '-c', 'trap "stty size" WINCH; echo up; while :; do sleep 0.1; done'], {
    before: `stty rows 20 cols 60; (until [ -e ${bench.directory}/up ]; do sleep 0.1; done; stty rows 41 cols 99 </dev/tty) & true`,
  });
  await session.waitFor('up');
  await bench.run(['ps']); // it has the terminal by then
  bench.touch('up');
  await session.waitFor('41 99');
  session.type('\u0003');
  await session.outcome;
});

test('Ctrl-C is a key of the agent, and the terminal is given back as it was', async () => {
  const file = bench.spec('');
  const session = inTerminal(
    file,
    ['sh', '-c', 'trap "echo interrupted; exit 5" INT; echo up; while :; do sleep 0.1; done'],
    {
      before: 'stty -g > /tmp/x.$$',
      after: '[ "$(stty -g)" = "$(cat /tmp/x.$$)" ] && echo same; rm /tmp/x.$$',
    },
  );
  await session.waitFor('up');
  session.type('\u0003');
  const { stdout } = await session.outcome;
  expect(stdout).toContain('interrupted');
  expect(stdout).toContain('[exit 5]');
  expect(stdout).toContain('same');
});

test('what is typed reaches the agent, key by key and unechoed by us', async () => {
  const file = bench.spec('');
  const session = inTerminal(file, ['bash', '-c', 'stty -echo; echo up; read -rn 3 keys; echo "got $keys"']);
  await session.waitFor('up');
  session.type('a\u0001z');
  const { stdout } = await session.outcome;
  expect(stdout).toContain('got a\u0001z');
});

test('the terminal is given back when the sidecar dies under a full-screen agent', async () => {
  const file = bench.spec('');
  const session = inTerminal(file, ['sh', '-c', 'printf "\\033[?1049h\\033[?25lup"; sleep 60'], {
    before: 'stty -g > /tmp/y.$$',
    after: '[ "$(stty -g)" = "$(cat /tmp/y.$$)" ] && echo same; rm /tmp/y.$$',
  });
  await session.waitFor('up');
  await (await containerOf(docker, nameOf(file), 'proxy')).kill();
  const { stdout } = await session.outcome;
  expect(stdout).toContain('\u001b[?1049l');
  expect(stdout).toContain('\u001b[?25h');
  expect(stdout).toContain('so the agent was stopped');
  expect(stdout).toContain('[exit 125]');
  expect(stdout).toContain('same');
  expect(await leftOf(docker, nameOf(file))).toEqual([]);
});

test('nothing is left when the terminal is closed under the agent', async () => {
  const file = bench.spec('');
  const session = inTerminal(file, ['sh', '-c', 'echo up; sleep 60']);
  await session.waitFor('up');
  session.process.kill('SIGKILL');
  await until('everything is gone', async () => (await leftOf(docker, nameOf(file))).length === 0);
});

test('a shell beside the agent has a terminal too', async () => {
  const file = bench.spec('');
  const session = bench.start(['start', file, '--', 'sh', '-c', 'echo up; cat'], { input: null });
  await session.waitFor('up');
  const shell = bench.terminal(
    `stty rows 30 cols 70; ${quote([`${REPOSITORY}bin/bottle`, 'shell', nameOf(file)])}; echo "[exit $?]"`,
  );
  await shell.waitFor('$ ');
  // An engine sizes the terminal of a program that runs already; the size must come, not come first.
  shell.type('while [ "$(stty size)" = "0 0" ]; do sleep 0.02; done; stty size; id -un; exit 3\r');
  const { stdout } = await shell.outcome;
  expect(stdout).toContain('30 70\r\nagent\r\n');
  expect(stdout).toContain('[exit 3]');
  session.process.stdin?.end();
  await session.outcome;
  await until('it has ended', async () => (await leftOf(docker, nameOf(file))).length === 0);
});
