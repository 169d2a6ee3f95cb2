// Many token answers at once: all go through, and each agent goes on with its own.
import { afterEach, expect, it } from 'vitest';
import { endSettings } from './harness/setting.ts';
import { API, AUTH, answerJson, bearer, random, tokenSetting } from './harness/token-setting.ts';

afterEach(endSettings);

const AGENTS = 200;
const TOKEN_BYTES = 150;

it('two hundred agents that log in together get their own placeholders, and send their own tokens', {
  timeout: 120_000,
}, async () => {
  const given = new Map<string, string>();
  const secrets = Array.from({ length: 20 }, (_, index) => ({
    ...{ name: `S${index}`, value: random(), placeholder: `bottle-s-${random()}` },
  }));
  const { ask, arrived, proxy } = await tokenSetting(
    (request, _, response) => {
      const token = random(TOKEN_BYTES);
      given.set(request.url!, token);
      // Also where nobody named it.
      answerJson(response, { access_token: token, note: `it is ${token}` });
    },
    { secrets },
  );
  const agents = Array.from({ length: AGENTS }, (_, index) => index);
  const answers = await Promise.all(agents.map((agent) => ask(AUTH, { path: `/${agent}` })));
  expect(arrived.map(({ host }) => host)).toEqual(agents.map(() => AUTH));
  const told = answers.map(({ text }) => text).join('\n');
  for (const token of given.values()) expect(told).not.toContain(token);
  const placeholders = answers.map(({ body }) => JSON.parse(body).access_token as string);
  expect(new Set(placeholders).size).toBe(AGENTS);

  const uses = await Promise.all(
    agents.map((agent) => ask(API, { path: `/${agent}`, fields: bearer(placeholders[agent]!) })),
  );
  expect(new Set(uses.map(({ status }) => status))).toEqual(new Set([200]));
  const sent = arrived.filter(({ host }) => host === API).map(({ url, authorization }) => [url, authorization]);
  expect(new Map(sent as [string, string][])).toEqual(
    new Map([...given].map(([url, token]) => [url, `Bearer ${token}`])),
  );
  const seen = uses.map(({ text }) => text).join('\n');
  for (const token of given.values()) expect(seen).not.toContain(token);

  const records = proxy.records();
  expect(records).toHaveLength(2 * AGENTS);
  expect(new Set(records.flatMap(({ kept = [] }) => kept)).size).toBe(AGENTS);
  expect(proxy.stderr()).toBe('');
});
