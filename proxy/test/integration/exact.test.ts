// What policy does not change is byte-exact: random legal messages through the proxy, cut at random places, several on a connection, compared on
// both sides with what a reading of RFC 9110 and 9112 says must arrive. BOTTLE_SEED repeats a run.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import {
  type Arrived,
  Dice,
  type PlannedRequest,
  type PlannedResponse,
  planRequest,
  planResponse,
  readMessage,
  textOf,
} from './harness/messages.ts';
import type { RunningProxy } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import type { UpstreamPeer } from './harness/upstream.ts';

const SEED = Number(process.env.BOTTLE_SEED ?? Date.now() % 1_000_000);
const CONNECTIONS = Number(process.env.BOTTLE_EXACT_CONNECTIONS ?? 60);

interface Exchange {
  readonly request: PlannedRequest;
  readonly response: PlannedResponse;
  /** As the upstream got it. */
  arrived: Arrived | null;
}

let proxy: RunningProxy;
const exchanges = new Map<number, Exchange>();
const problems: string[] = [];

beforeAll(async () => {
  // Random text may look like anything: what is found is told and changes nothing.
  ({ proxy } = await rawSetting(serve, { route: { dlp: { onMatch: 'log', except: [] } } }));
});
afterAll(endSettings);

/** Answers each request with the response that was planned for it. */
function serve(peer: UpstreamPeer): void {
  let at = 0;
  let answeredEarly = -1;
  peer.socket.on('data', () => {
    try {
      for (;;) {
        const text = peer.received().slice(at);
        const id = /^[^ ]+ [^ ]*[?]id=(\d+)&[^ ]* HTTP/.exec(text)?.[1];
        const exchange = exchanges.get(Number(id));
        if (exchange === undefined) {
          if (text.includes('\r\n\r\n')) problems.push(`an unknown request: ${JSON.stringify(text.slice(0, 200))}`);
          return;
        }
        const { response, request } = exchange;
        if (response.isEarly && answeredEarly !== request.id && text.includes('\r\n\r\n')) {
          answeredEarly = request.id;
          answer(peer, exchange);
        }
        const arrived = readMessage(text, null, false);
        if (arrived === null) return;
        if (exchange.arrived !== null) problems.push(`request ${request.id} came twice`);
        exchange.arrived = arrived;
        at += arrived.length;
        if (answeredEarly !== request.id) answer(peer, exchange);
      }
    } catch (error) {
      problems.push(String(error));
      peer.socket.destroy();
    }
  });
}

function answer(peer: UpstreamPeer, { request, response }: Exchange): void {
  for (const piece of new Dice(SEED + request.id).pieces(response.wire)) peer.socket.write(piece, 'latin1');
  // What is early may be read before the rest of the request came.
  if (response.endsConnection) peer.socket.end();
}

/** Sends the requests of one connection in pieces and reads their answers, in order. */
async function converse(planned: readonly Exchange[], dice: Dice): Promise<void> {
  const client = await connectHost(proxy, HOST);
  let isEnded = false;
  client.socket.once('end', () => {
    isEnded = true;
  });
  const heard = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!condition() && !isEnded) return;
        client.socket.off('data', look).off('end', look).off('close', look);
        resolve();
      };
      client.socket.on('data', look).on('end', look).on('close', look);
      look();
    });
  let sent = '';
  const send = async (text: string): Promise<void> => {
    for (const piece of dice.pieces(text)) {
      client.send(piece);
      if (dice.chance(30)) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  let at = 0;
  const read = async ({ request, response }: Exchange): Promise<void> => {
    let arrived: Arrived | null = null;
    const interims: string[] = [];
    await heard(() => {
      for (;;) {
        const text = client.received().slice(at);
        const interim = /^HTTP\/1\.1 1[^\r]*\r\n(?:[^\r]+\r\n)*\r\n/.exec(text)?.[0];
        if (interim === undefined) {
          arrived = readMessage(text, request.method, isEnded);
          return arrived !== null;
        }
        if (!interim.startsWith('HTTP/1.1 100 ')) interims.push(interim);
        at += interim.length;
      }
    });
    // The end may have come with the last bytes.
    arrived ??= readMessage(client.received().slice(at), request.method, true);
    const got = arrived as Arrived | null;
    if (got === null) throw new Error(`no answer to ${request.wire}; ${client.received().slice(at)}`);
    at += got.length;
    const closed = got.fields.at(-1)?.join(': ') === 'Connection: close';
    const fields = got.fields.slice(0, closed ? -1 : undefined);
    const isChunked = got.framing === 'chunked';
    const was = response.fields.some(([name]) => name === 'Transfer-Encoding');
    const expected = response.fields.filter(
      ([name]) =>
        name !== 'Transfer-Encoding' || isChunked || request.method === 'HEAD' || response.firstLine.includes(' 304 '),
    );
    expect(got.firstLine + textOf(fields)).toBe(
      response.firstLine + textOf(isChunked && !was ? [...expected, ['Transfer-Encoding', 'chunked']] : expected),
    );
    expect(got.body).toBe(response.body);
    expect(textOf(got.trailers)).toBe(textOf(response.trailers));
    expect(interims).toEqual(response.interims);
    if (request.isHttp10) expect(isChunked).toBe(false);
    if (request.closes) expect(closed).toBe(true);
  };
  const reading = (async () => {
    for (const exchange of planned) {
      await read(exchange);
      // An answer that came before its request was whole may cost the connection: the rest is then unanswered.
      if (isEnded && exchange !== planned.at(-1)) return;
    }
  })();
  for (const { request } of planned) {
    if (request.waitsAt > 0) {
      const from = client.received().length;
      await send(sent + request.wire.slice(0, request.waitsAt));
      sent = '';
      await heard(() => client.received().indexOf('HTTP/1.1 100 Continue\r\n\r\n', from) >= 0);
      await send(request.wire.slice(request.waitsAt));
    } else if (dice.chance(50)) sent += request.wire;
    else {
      await send(sent + request.wire);
      sent = '';
    }
    if (isEnded) break;
  }
  await send(sent);
  await reading;
  client.close();
}

describe(`random messages (BOTTLE_SEED=${SEED})`, () => {
  it('arrive as they were sent, both ways, whatever the pieces', async () => {
    let id = 0;
    const conversations = Array.from({ length: CONNECTIONS }, (_, number) => {
      const dice = new Dice(SEED * 1000 + number);
      const size = 1 + dice.roll(6);
      return {
        dice,
        planned: Array.from({ length: size }, (_, index) => {
          const request = planRequest(dice, id++, HOST, index === size - 1);
          const exchange: Exchange = { request, response: planResponse(dice, request), arrived: null };
          exchanges.set(request.id, exchange);
          return exchange;
        }),
      };
    });
    for (let n = 0; n < conversations.length; n += 6) {
      await Promise.all(conversations.slice(n, n + 6).map(({ planned, dice }) => converse(planned, dice)));
    }
    expect(problems).toEqual([]);
    let whole = 0;
    for (const { request, response, arrived } of exchanges.values()) {
      if (arrived === null) {
        // Only a request that was answered before its end may be unfinished there.
        expect(response.isEarly, `${request.wire.slice(0, 100)} did not arrive`).toBe(true);
        continue;
      }
      whole++;
      expect(arrived.firstLine + textOf(arrived.fields)).toBe(request.firstLine + textOf(request.fields));
      expect(arrived.body).toBe(request.body);
      expect(textOf(arrived.trailers)).toBe(textOf(request.trailers));
    }
    expect(whole).toBeGreaterThan(exchanges.size * 0.7);
    const records = await proxy.recorded(exchanges.size);
    expect(records).toHaveLength(exchanges.size);
    expect(records.filter(({ verdict, stage }) => verdict !== 'allow' || stage !== 'none')).toEqual([]);
  });
});
