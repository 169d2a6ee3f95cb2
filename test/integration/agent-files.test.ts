// Files that an agent finds at its start, on a real engine: what is in them, whose they are, and what a hostile image cannot make of them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageTags } from '../../src/images/inputs.ts';
import { openEngine } from './harness/look-at-engine.ts';
import { Bench, REPOSITORY } from './harness/run-bottle.ts';

const bench = new Bench();
const docker = openEngine();
const image = `bottle-test-files:${process.pid}`;
afterAll(() => bench.remove());

const FILES = `  files:
    ~/.tool/deep/auth.json: { json: { access: "{placeholder:API_TOKEN}", expires_at: 4102444800000 } }
    /tmp/token: { text: "it's \\"{placeholder:API_TOKEN}\\" $HOME \`id\`" }`;
const SECRET = 'secrets: { API_TOKEN: { env: FROM_HERE } }';

describe.each(['sealed', 'internal'])('in a %s session', (network) => {
  const value = `s3cret-${crypto.randomUUID()}`;

  test('the agent finds its files: its own, for it alone, with its placeholder, and can replace them', async () => {
    const spec = bench.spec(`agent:\n  network: ${network}\n${FILES}\n${SECRET}`);
    const script = [
      'stat -c "%a %u %n" ~/.tool ~/.tool/deep ~/.tool/deep/auth.json /tmp/token; id -u; umask; echo "pid $$"',
      'echo "own $API_TOKEN"; cat ~/.tool/deep/auth.json /tmp/token; echo',
      'echo new > ~/.tool/deep/n && mv ~/.tool/deep/n ~/.tool/deep/auth.json && cat ~/.tool/deep/auth.json',
      'tr "\\0" " " < /proc/$$/cmdline | head -c 20; env | grep -c "^files="',
    ].join('\n');
    const { code, stdout, stderr } = await bench.run(['start', spec, '--', 'sh', '-c', `${script}; exit 7`], {
      env: { FROM_HERE: value },
    });
    expect(code, stderr).toBe(7);
    const placeholder = /^own (.+)$/m.exec(stdout)?.[1] ?? '';
    expect(placeholder).toMatch(/^bottle-api_token-/);
    const uid = /^(\d+)$/m.exec(stdout)?.[1];
    expect(stdout).toContain(`700 ${uid} /home/agent/.tool\n700 ${uid} /home/agent/.tool/deep\n`);
    expect(stdout).toContain(`600 ${uid} /home/agent/.tool/deep/auth.json\n600 ${uid} /tmp/token\n`);
    expect(stdout).toContain('\n0022\n');
    expect(stdout).toContain(`{\n  "access": "${placeholder}",\n  "expires_at": 4102444800000\n}\n`);
    expect(stdout).toContain(`it's "${placeholder}" $HOME \`id\`\n`);
    expect(stdout).toContain('\nnew\nsh -c');
    expect(stdout.trimEnd().endsWith('0')).toBe(true);
    expect(stdout).not.toContain(value);
  });

  test('nothing of them stays on this machine', () => {
    const files = readdirSync(bench.state, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(4);
    for (const { parentPath, name } of files) {
      const text = readFileSync(join(parentPath, name), 'latin1');
      expect(text).not.toContain(value);
      // The spec's copy has the reference, nothing has the placeholder.
      expect(text).not.toMatch(/bottle-api_token-[0-9A-Za-z]/);
    }
  });
});

test('`plan` and `show` print the files, with the names of secrets alone', async () => {
  const spec = bench.spec(`agent:\n${FILES}\n${SECRET}`);
  for (const verb of [['plan'], ['show'], ['start', '--dry-run']]) {
    const { stdout, code } = await bench.run([...verb, spec]);
    expect(code).toBe(0);
    expect(stdout).toContain('/home/agent/.tool/deep/auth.json');
    expect(stdout).toContain('{placeholder:API_TOKEN}');
  }
});

describe('an image with volumes where files are to go', () => {
  beforeAll(async () => {
    const dockerfile = `FROM ${imageTags(REPOSITORY).agent}
USER root
RUN mkdir -p /home/agent/linked /home/agent/way /home/agent/there && ln -s /workspace/pwned /home/agent/linked/auth.json \
  && ln -s /workspace /home/agent/way/dir && echo theirs > /home/agent/there/auth.json && chown -R 1000:1000 /home/agent
VOLUME /home/agent/linked /home/agent/way /home/agent/there
USER agent
ENTRYPOINT ["/usr/bin/env", "GREETING=hello"]
CMD ["sh", "-c", "echo $GREETING from the image"]
`;
    const { pack } = await import('tar-stream');
    const context = pack();
    context.entry({ name: 'Dockerfile' }, dockerfile);
    context.finalize();
    const built = await docker.buildImage(context as unknown as NodeJS.ReadableStream, {
      t: image,
      networkmode: 'none',
    });
    await new Promise<void>((resolve, reject) =>
      docker.modem.followProgress(built, (error, lines) => {
        const failed = error ?? (lines as { error?: string }[]).find((line) => line.error !== undefined);
        if (failed) reject(new Error(JSON.stringify(failed)));
        else resolve();
      }),
    );
  });
  afterAll(() => docker.getImage(image).remove({ force: true }));

  test.each([
    ['a link at its place', '~/linked/auth.json', /something there/],
    ['a link on its way', '~/way/dir/auth.json', /way\/dir is a link/],
    ['a link on the way to a directory of its own', '~/way/dir/deep/auth.json', /way\/dir is a link/],
    ['a file of the image', '~/there/auth.json', /something there/],
  ])('%s refuses the start, and nothing is written into the workspace', async (_, path, why) => {
    const workspace = bench.workspace({ 'mine.txt': 'mine' });
    const spec = bench.spec(
      `agent: { image: "${image}", files: { "${path}": { text: "{placeholder:API_TOKEN}" } } }\n${SECRET}\nworkspace: { path: ${workspace} }`,
    );
    const { code, stderr, stdout } = await bench.run(['start', spec], { env: { FROM_HERE: 'x'.repeat(20) } });
    expect(code).toBe(125);
    expect(stderr).toMatch(why);
    expect(stdout).toBe('');
    expect(readdirSync(workspace)).toEqual(['mine.txt']);
    expect(existsSync(join(workspace, 'pwned'))).toBe(false);
  });

  test.each([
    ['its own command', [], 'hello from the image\n'],
    ['another one', ['--', 'sh', '-c', 'echo "$GREETING, you"'], 'hello, you\n'],
  ])('starts by its own entrypoint, with %s', async (_, command, expected) => {
    const spec = bench.spec(`agent: { image: "${image}", files: { ~/auth.json: { text: "x" } } }`);
    const { code, stdout, stderr } = await bench.run(['start', spec, ...command]);
    expect([code, stdout], stderr).toEqual([0, expected]);
  });
});
