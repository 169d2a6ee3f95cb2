import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  hashFiles,
  type ImageInputs,
  imageTags,
  readImageInputs,
  readProxyPackages,
  tagImages,
} from '../../../src/images/inputs.ts';

const repoRoot = join(import.meta.dirname, '../../..');

function file(path: string, text: string) {
  return { path, bytes: Buffer.from(text) };
}

const inputs: ImageInputs = {
  base: [file('base.Dockerfile', 'FROM x'), file('packages.txt', 'git\n')],
  agent: [file('agent.Dockerfile', 'FROM y')],
  proxy: [file('proxy.Dockerfile', 'FROM z'), file('opt/src/main.ts', 'serve()')],
};

describe('image tags', () => {
  it('stay the same while the inputs do, whatever the order of the files', () => {
    const reversed = { ...inputs, base: [...inputs.base].reverse(), proxy: [...inputs.proxy].reverse() };
    expect(tagImages(reversed)).toEqual(tagImages(inputs));
    expect(imageTags(repoRoot)).toEqual(imageTags(repoRoot));
  });

  it('change for the proxy image alone when its source changes', () => {
    const before = tagImages(inputs);
    const after = tagImages({ ...inputs, proxy: [inputs.proxy[0]!, file('opt/src/main.ts', 'serve( )')] });
    expect(after.proxy).not.toBe(before.proxy);
    expect([after.base, after.agent]).toEqual([before.base, before.agent]);
  });

  it('change for every image when the base changes', () => {
    const before = tagImages(inputs);
    const after = tagImages({ ...inputs, base: [inputs.base[0]!, file('packages.txt', 'git\njq\n')] });
    expect(after.base).not.toBe(before.base);
    expect(after.agent).not.toBe(before.agent);
    expect(after.proxy).not.toBe(before.proxy);
  });

  it.each([
    ['a file under another name', [file('b', 'x')], [file('a', 'x')]],
    ['bytes that moved from one file to the next', [file('a', 'xy'), file('b', '')], [file('a', 'x'), file('b', 'y')]],
    ['a file more', [file('a', 'x')], [file('a', 'x'), file('b', '')]],
  ])('differ for %s', (_, one, other) => {
    expect(hashFiles(one)).not.toBe(hashFiles(other));
  });

  it('are names that an engine accepts', () => {
    for (const tag of Object.values(imageTags(repoRoot)))
      expect(tag).toMatch(/^bottle-(base|agent|proxy):[0-9a-f]{12}$/);
  });
});

describe('inputs of the proxy image', () => {
  it('hold the source of the proxy and the manifest of each package that it needs', () => {
    const paths = readImageInputs(repoRoot).proxy.map((input) => input.path);
    expect(paths).toContain('opt/src/contract.ts');
    expect(paths).toContain('opt/package.json');
    expect(paths).toContain('packages/node-forge');
  });

  it('hold code of those packages only, in the place where Node looks for it', () => {
    const paths = readProxyPackages(repoRoot).map((input) => input.path);
    expect(paths).toContain('opt/node_modules/node-forge/lib/asn1.js');
    expect(paths.filter((path) => /\.(md|map|swf|min\.js)$/.test(path))).toEqual([]);
  });
});
