import { expect, test } from 'vitest';
import { readHar } from '../../../src/scan/har.ts';

const har = {
  log: {
    version: '1.2',
    entries: [
      {
        request: {
          method: 'POST',
          url: 'https://api.example/notes?a=1',
          headers: [{ name: 'X-Note', value: 'hello' }],
          postData: { mimeType: 'application/json', text: '{"a":1}' },
        },
        response: { status: 200 },
      },
      {
        request: {
          method: 'POST',
          url: 'https://api.example/form',
          postData: {
            params: [
              { name: 'a', value: '1' },
              { name: 'b', value: '2' },
            ],
          },
        },
      },
      {
        request: { method: 'GET', url: 'wss://api.example/socket' },
        _webSocketMessages: [
          { type: 'send', opcode: 1, data: 'out' },
          { type: 'receive', opcode: 1, data: 'in' },
          { type: 'send', opcode: 2, data: Buffer.from([1, 2]).toString('base64') },
        ],
      },
    ],
  },
};

test('requests are read place by place; what came in is left out', () => {
  const requests = readHar(JSON.stringify(har));
  expect(
    requests?.map(({ name, body, messages }) => [name, body.toString(), messages.map((one) => one.toString('latin1'))]),
  ).toEqual([
    ['request 1 POST api.example', '{"a":1}', []],
    ['request 2 POST api.example', 'a=1&b=2', []],
    ['request 3 GET api.example', '', ['out', '\x01\x02']],
  ]);
  expect(requests?.[0]).toMatchObject({
    url: 'https://api.example/notes?a=1',
    rawHeaders: ['X-Note', 'hello'],
    contentType: 'application/json',
  });
});

test.each(['', 'null', '[]', '{"log":{}}', '{"log":{"entries":{}}}', 'no json'])('%j is no HAR', (text) => {
  expect(readHar(text)).toBeNull();
});

test('entries of any shape do not break it', () => {
  const odd = [null, 1, {}, { request: null }, { request: { headers: 'x', postData: [] }, _webSocketMessages: 7 }];
  expect(readHar(JSON.stringify({ log: { entries: odd } }))?.length).toBe(odd.length);
});
