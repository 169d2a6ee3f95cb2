import { describe, expect, it } from 'vitest';
import { withoutHttp3 } from '../../../src/net/alt-svc.ts';

describe('of what an upstream offers as alternatives', () => {
  it.each([
    ['h3=":443"; ma=86400', null],
    ['h3=":443"; ma=86400, h3-29=":443"; ma=86400', null],
    ['H3=":443"', null],
    [' h3 = ":443" ', null],
    ['quic=":443"; v="46,43"', null],
    ['hq-interop=":443"', null],
    ['h3=":443"; persist=1, h2=":8443"; ma=60', 'h2=":8443"; ma=60'],
    ['h2="alt.example:443", h3=":443"', 'h2="alt.example:443"'],
    ['h3=":443", h2="a, h3=b:443"', 'h2="a, h3=b:443"'],
    ['h3=":443"; x="a\\", h2=b"', null],
    ['h3="', null],
  ])('%s leaves %s', (value, left) => {
    const rest = left === null ? [] : ['Alt-Svc', left];
    expect(withoutHttp3(['Date', 'now', 'Alt-Svc', value, 'X', 'h3'])).toEqual(['Date', 'now', ...rest, 'X', 'h3']);
  });

  it.each(['clear', 'h2=":443"; ma=60', 'h3x=":1"', 'h2="h3=:443"', ''])('%s stays as it is', (value) => {
    const fields = ['alt-svc', value, 'ALT-SVC', value];
    expect(withoutHttp3(fields)).toBe(fields);
  });

  it('a second field is read like the first', () => {
    expect(withoutHttp3(['Alt-Svc', 'h2=":1"', 'aLT-sVC', 'h3=":443"'])).toEqual(['Alt-Svc', 'h2=":1"']);
  });

  it('a long one is read once', () => {
    const value = `${'"'.repeat(20_000)}h3=${','.repeat(20_000)}`;
    expect(withoutHttp3(['Alt-Svc', value]).length).toBeLessThanOrEqual(2);
  });
});
