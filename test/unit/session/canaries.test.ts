import { describe, expect, it } from 'vitest';
import { DETECTORS } from '../../../proxy/src/dlp/detectors/index.ts';
import { createScanner } from '../../../proxy/src/dlp/scanner.ts';
import { CANARY_VARIABLES } from '../../../src/plan/agent-env.ts';
import { allCanaries, canaryFile, makeCanaries } from '../../../src/session/canaries.ts';

describe('canaries', () => {
  it('are new each time, and the variables are those of the plan', () => {
    const [one, other] = [makeCanaries(), makeCanaries()];
    expect(one.variables.map(({ name }) => name)).toEqual([...CANARY_VARIABLES]);
    const values = [...allCanaries(one), ...allCanaries(other)].map(({ value }) => value);
    expect(new Set(values).size).toBe(values.length);
  });

  it('look like real ones: our own detectors take them for secrets, beside their names', () => {
    const scanner = createScanner({
      secrets: [],
      detectors: DETECTORS.filter(({ byDefault }) => byDefault).map(({ id }) => id),
      fingerprintKey: Buffer.alloc(32),
      decodedBytes: 1 << 20,
    });
    const canaries = makeCanaries();
    const text = `${canaryFile(canaries)}${canaries.variables.map(({ name, shown }) => `${name}=${shown}\n`).join('')}`;
    const { matches } = scanner.scanBody('body', Buffer.from(text), { contentType: 'text/plain', contentEncoding: '' });
    const lines = matches.map(({ start }) => text.slice(0, start).split('\n').length);
    expect([...new Set(lines)].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('seen anywhere in any encoding are the canary, not whatever they look like', () => {
    const canaries = allCanaries(makeCanaries());
    const scanner = createScanner({
      secrets: [],
      detectors: null,
      canaries,
      fingerprintKey: Buffer.alloc(32),
      decodedBytes: 1 << 20,
    });
    for (const { name, value } of canaries) {
      for (const body of [value, Buffer.from(`x${value}`).toString('base64'), Buffer.from(value).toString('hex')]) {
        const { matches } = scanner.scanBody('body', Buffer.from(`note ${body} end`), {
          contentType: '',
          contentEncoding: '',
        });
        expect(matches.map(({ detector, secret }) => [detector, secret])).toContainEqual(['canary', name]);
      }
    }
  });
});
