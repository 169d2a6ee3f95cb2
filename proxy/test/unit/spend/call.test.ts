import { describe, expect, it } from 'vitest';
import { readCall } from '../../../src/spend/call.ts';

const call = (body: string, path = '/v1/messages') => readCall(path, Buffer.from(body));

describe('what a request says of its cost', () => {
  it.each([
    ['a plain one', '{"model":"m-1","max_tokens":9,"stream":true}', ['m-1'], 9, true],
    ['white space and order', ' {\n "messages" : [ {"model":"no"} ] ,\t"model" : "m-1" }', ['m-1'], null, false],
    ['an escaped key', '{"mod\\u0065l":"m-1"}', ['m-1'], null, false],
    ['a key that comes twice', '{"model":"cheap","a":[1,{}],"model":"dear"}', ['cheap', 'dear'], null, false],
    [
      'models further down',
      '{"tools":[{"model":"no"}],"x":{"model":"no"},"s":"\\"model\\":\\"no\\""}',
      [],
      null,
      false,
    ],
    ['a string that ends in backslashes', '{"s":"a\\\\","model":"m-1"}', ['m-1'], null, false],
    ['several bounds', '{"max_tokens":1,"max_completion_tokens":50,"model":"m"}', ['m'], 50, false],
    ['no string', '{"model":{"a":1},"max_tokens":"9"}', [], null, false],
    ['no object', '["model","m"]', [], null, false],
    ['cut off', '{"a":"b","model":"m', [], null, false],
    ['nothing', '', [], null, false],
  ])('%s', (_, body, models, mostOutput, isStream) => {
    expect(call(body)).toEqual({ models, mostOutput, isStream });
  });

  it.each([
    ['/v1beta/models/gemini-x:streamGenerateContent?alt=sse', ['gemini-x'], true],
    ['/v1beta/models/gemini%2Dx:generateContent', ['gemini-x'], false],
    ['/v1/models/m', ['m'], false],
  ])('the model stands in the path %s, whatever the body says', (path, models, isStream) => {
    expect(call('{"model":"cheap"}', path)).toEqual({ models, mostOutput: null, isStream });
  });

  it.each([
    '/v1/messages?x=/models/cheap',
    '/v1/messages?x=/models/cheap:streamGenerateContent',
    '/v1/messages?:stream',
  ])('the query of %s names no model and no stream', (target) =>
    expect(call('{"model":"dear"}', target)).toEqual({ models: ['dear'], mostOutput: null, isStream: false }),
  );

  it('reads a body in time that grows with its length', () => {
    const part = `{"role":"user","content":"${'say \\"model\\": '.repeat(200)}"}`;
    const cpu = (count: number): number => {
      const body = Buffer.from(`{"messages":[${Array(count).fill(part).join(',')}],"model":"m"}`);
      const before = process.cpuUsage();
      for (let i = 0; i < 4; i++) expect(readCall('/', body).models).toEqual(['m']);
      const { user } = process.cpuUsage(before);
      return user;
    };
    cpu(100);
    const [small, large] = [cpu(100), cpu(800)];
    expect(large).toBeLessThan(Math.max(small, 5000) * 40);
  });
});
