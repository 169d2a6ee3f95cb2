// Each case on a connection of its own: what comes back is held against what the RFC demands, or against the deviation that stands in the table.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { requestList } from './harness/h2.ts';
import { CODES, type Code, type Demand, H2_CASES, type H2Case, HOST, type Step } from './harness/h2-cases.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { connectRawH2, END_STREAM, type Frame, headers, type RawH2, TYPE } from './harness/raw-h2.ts';
import { endSettings, rawSetting } from './harness/setting.ts';
import { answering, arrivals, type Upstream } from './harness/upstream.ts';

/** Stream of the request behind each case, which tells that the connection serves on. */
const PROBE = 9001;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';

let proxy: RunningProxy;
let upstream: Upstream;

beforeAll(async () => {
  ({ proxy, upstream } = await rawSetting(answering(OK)));
});
afterAll(endSettings);
afterEach(() => expect(proxy.stderr()).toBe(''));

const of = (client: RawH2, id: number, type: number): Frame | undefined =>
  client.frames.find((one) => one.stream === id && one.type === type);
const codeOf = (one: Frame, at: number): Code => CODES[one.payload.readUInt32BE(at)]!;
const hasEnded = (client: RawH2, id: number): boolean =>
  client.frames.some((one) => one.stream === id && one.type <= TYPE.headers && (one.flags & END_STREAM) !== 0);
const isOver = (client: RawH2): boolean => client.isClosed() || of(client, 0, TYPE.goAway) !== undefined;

/** `connection CODE`, `reset CODE`, `answered STATUS`, `ended` (without a word), `nothing`. */
function outcomeOf(client: RawH2, id: number): string {
  const goAway = of(client, 0, TYPE.goAway);
  if (goAway !== undefined && codeOf(goAway, 4) !== 'NO_ERROR') return `connection ${codeOf(goAway, 4)}`;
  const reset = of(client, id, TYPE.reset);
  const answer = of(client, id, TYPE.headers);
  if (answer !== undefined)
    return `answered ${statusOf(answer)}${reset === undefined ? '' : `, reset ${codeOf(reset, 0)}`}`;
  if (reset !== undefined) return `reset ${codeOf(reset, 0)}`;
  return client.isClosed() ? 'ended' : 'nothing';
}

/** As nghttp2's encoder writes it: behind changes of the table's size, 200 and 400 are fields of the static table. */
function statusOf({ payload }: Frame): number {
  let at = 0;
  for (; (payload[at]! & 0xe0) === 0x20; at++) {
    if ((payload[at]! & 0x1f) === 0x1f) while ((payload[++at]! & 0x80) !== 0);
  }
  return payload[at] === 0x88 ? 200 : payload[at] === 0x8c ? 400 : 0;
}

function isMet(demand: Demand, outcome: string): boolean {
  switch (demand.kind) {
    case 'connection':
      return demand.codes.some((code) => outcome === `connection ${code}`);
    case 'end':
      return outcome === 'ended' || outcome.startsWith('connection ');
    case 'stream':
      return demand.codes.some((code) =>
        ['connection', 'reset', 'answered 200, reset', 'answered 400, reset'].some(
          (how) => outcome === `${how} ${code}`,
        ),
      );
    case 'malformed':
      return /^(?:connection|reset) PROTOCOL_ERROR$|^answered 400/.test(outcome);
    case 'answer':
      return outcome === 'answered 200';
    case 'ignored':
      return outcome === 'nothing' || outcome === 'answered 200';
    case 'frames':
      return outcome === 'came';
  }
}

function wordsOf(frames: readonly Frame[]): string[] {
  return frames.flatMap(({ type, flags, payload }) => {
    if (type === TYPE.settings) return [flags === 0 ? 'settings' : 'settings ack'];
    if (type === TYPE.ping) return [`${flags === 0 ? 'ping' : 'pong'} ${payload.toString('latin1')}`];
    return type === TYPE.data && payload.length > 0 ? [`data ${payload.toString('latin1')}`] : [];
  });
}

const holds = (all: readonly string[], wanted: readonly string[]): boolean => {
  let at = 0;
  for (const one of all) if (one === wanted[at]) at++;
  return at === wanted.length;
};

/** What stands side by side leaves in one record of TLS, so that it is read at once. */
function together(steps: readonly Step[]): Step[] {
  const out: Step[] = [];
  for (const step of steps) {
    const last = out.at(-1);
    if (Buffer.isBuffer(step) && Buffer.isBuffer(last)) out[out.length - 1] = Buffer.concat([last, step]);
    else out.push(step);
  }
  return out;
}

/** Nothing may be written to a connection that is about to end: the error of that write would overtake the GOAWAY. */
async function play({ steps, opening, demand, deviates = '' }: H2Case): Promise<string> {
  const client = await connectRawH2(proxy, HOST, opening);
  const id = demand.kind === 'stream' ? (demand.stream ?? 1) : 1;
  const has = (type: number): boolean => of(client, id, type) !== undefined;
  const closed = (): boolean => client.isClosed();
  try {
    if (opening === undefined) await until(() => wordsOf(client.frames).includes('settings'), 'SETTINGS');
    for (const step of together(steps)) {
      if (Buffer.isBuffer(step)) client.send(step);
      else if (step.until === 'answer') await until(() => has(TYPE.headers), 'an answer');
      else if (step.until === 'data') await until(() => has(TYPE.data), 'DATA');
      else await until(() => hasEnded(client, 1), 'the end of an answer');
    }
    const isEnding =
      deviates === '' ? ['connection', 'end'].includes(demand.kind) : /^connection|^ended/.test(deviates);
    if (isEnding) {
      await until(closed, 'the end of the connection');
      return outcomeOf(client, id);
    }
    switch (demand.kind) {
      case 'frames':
        await until(() => closed() || holds(wordsOf(client.frames), demand.come), demand.come.join(', '));
        return holds(wordsOf(client.frames), demand.come) ? 'came' : outcomeOf(client, id);
      case 'answer':
        await until(() => closed() || has(TYPE.headers) || has(TYPE.reset), 'an answer or an end');
        return outcomeOf(client, id);
      case 'stream':
        if (deviates === '') await until(() => closed() || has(TYPE.reset), 'an end of the stream');
        break;
      case 'malformed':
        await until(() => closed() || has(TYPE.reset) || has(TYPE.headers), 'an answer or an end');
        break;
    }
    if (!isOver(client)) {
      client.send(headers(PROBE, requestList(HOST, 'GET', '/behind')));
      await until(() => closed() || hasEnded(client, PROBE), 'that the connection serves on');
    }
    return outcomeOf(client, id);
  } finally {
    client.socket.destroy();
  }
}

describe('a client of HTTP/2 gets what the RFC demands for', () => {
  it.each(H2_CASES.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const arrived = arrivals(upstream);
    const outcome = await play(one);
    if (one.deviates !== undefined) {
      expect(isMet(one.demand, outcome), 'the deviation is no more: take it off the table').toBe(false);
      expect(outcome).toBe(one.deviates);
      return;
    }
    expect(isMet(one.demand, outcome), `${outcome} instead of ${JSON.stringify(one.demand)}`).toBe(true);
    const lines = one.demand.kind === 'answer' ? (one.demand.arrives ?? []) : [];
    await until(() => holds(arrived().toLowerCase().split('\r\n'), lines), `${lines.join(', ')} to arrive`);
  });
});

it('what was played is as much as we say', () => {
  expect(H2_CASES.length).toBeGreaterThan(140);
  expect(new Set(H2_CASES.map(({ name }) => name)).size).toBe(H2_CASES.length);
});
