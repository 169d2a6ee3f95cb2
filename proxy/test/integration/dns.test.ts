import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditFailure } from '../../src/audit/failure.ts';
import { encodeQuery, readReply, TYPE_A } from '../../src/net/dns-message.ts';
import { createDnsResponder, type DnsServer, listenDns } from '../../src/net/dns-server.ts';
import { readFrames } from '../../src/net/dns-stream.ts';
import type { NameJudgement, RecordDraft } from '../../src/pipeline/types.ts';

let records: RecordDraft[];
let isLogBroken: boolean;
let server: DnsServer;
let resolver: Resolver;
let port: number;

const judgeName = (name: string): NameJudgement => {
  const isKnown = name === 'api.example';
  const finding = { detector: 'github-token', where: 'name', length: 40, fingerprint: '0'.repeat(16) };
  return {
    verdict: isKnown ? 'allow' : 'block',
    stage: isKnown ? 'none' : 'policy',
    rule: isKnown ? 'allow.0' : 'default',
    reason: isKnown ? '' : `${name} is not in the allow list`,
    findings: name.startsWith('leak-') ? [finding] : [],
  };
};

beforeEach(async () => {
  records = [];
  isLogBroken = false;
  const respond = createDnsResponder({
    session: 's-1',
    answer: '198.18.0.1',
    judgeName,
    record: (draft) => {
      if (isLogBroken) throw new AuditFailure({ what: 'w', why: 'y', fix: 'f' });
      records.push(draft);
    },
  });
  server = await listenDns('127.0.0.1:0', respond);
  port = Number(server.listening.split(':')[1]);
  resolver = new Resolver({ timeout: 20_000, tries: 1 });
  resolver.setServers([server.listening]);
});

afterEach(() => server.close());

describe('every name, allowed or not', () => {
  test.each(['api.example', 'evil.example', 'a.b.c.d.e.f'])('%s has our address', async (name) => {
    expect(await resolver.resolve4(name, { ttl: true })).toEqual([{ address: '198.18.0.1', ttl: 1 }]);
  });

  test('has no IPv6 address, no text, no service record that could carry a key', async () => {
    await expect(resolver.resolve6('api.example')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver.resolveTxt('api.example')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver.resolvePtr('1.0.18.198.in-addr.arpa')).rejects.toMatchObject({ code: 'ENODATA' });
    for (const type of [64, 65])
      expect(await askUdp(encodeQuery(1, 'api.example', type))).toMatchObject({ code: 0, answerCount: 0 });
  });

  test('is refused to those who ask for ANY or a zone', async () => {
    for (const type of [255, 252]) expect(await askUdp(encodeQuery(1, 'api.example', type))).toMatchObject({ code: 5 });
  });

  test('localhost stays local', async () => {
    expect(await resolver.resolve4('localhost')).toEqual(['127.0.0.1']);
    expect(await resolver.resolve6('x.localhost')).toEqual(['::1']);
  });
});

describe('records', () => {
  test('there is one for each query, with the verdict on the name', async () => {
    await resolver.resolve4('api.example');
    await resolver.resolveTxt('secret.evil.example').catch(() => {});
    expect(records).toMatchObject([
      {
        via: 'dns',
        session: 's-1',
        host: 'api.example',
        port: 53,
        method: 'A',
        path: '',
        status: 0,
        verdict: 'allow',
        rule: 'allow.0',
      },
      { via: 'dns', host: 'secret.evil.example', method: 'TXT', verdict: 'block', stage: 'policy', rule: 'default' },
    ]);
    expect(new Set(records.map((record) => record.id)).size).toBe(2);
  });

  test('a name in which something was found is not written down', async () => {
    await resolver.resolve4('leak-123.evil.example');
    expect(JSON.stringify(records)).not.toContain('123');
    expect(records).toMatchObject([{ host: '[github-token]', findings: [{ detector: 'github-token' }] }]);
  });

  test('what cannot be read is recorded as well', async () => {
    const broken = encodeQuery(5, 'x', TYPE_A).subarray(0, 14);
    expect(await askUdp(broken)).toMatchObject({ id: 5, code: 1 });
    expect(records).toMatchObject([{ host: '', verdict: 'block', stage: 'protocol', rule: 'malformed-dns' }]);
  });

  test('when they cannot be written, there is no answer but a failure', async () => {
    isLogBroken = true;
    await expect(resolver.resolve4('api.example')).rejects.toMatchObject({ code: 'ESERVFAIL' });
    isLogBroken = false;
    await expect(resolver.resolve4('api.example')).resolves.toEqual(['198.18.0.1']);
  });
});

describe('over TCP', () => {
  test('queries in one write, and one in single bytes, are answered in their order', async () => {
    const socket = connect(port, '127.0.0.1');
    const replies: number[] = [];
    readFrames(socket, (frame) => replies.push(readReply(frame)!.id));
    socket.write(Buffer.concat([1, 2, 3].map((id) => framed(encodeQuery(id, `x${id}.example`, TYPE_A)))));
    for (const byte of framed(encodeQuery(4, 'slow.example', TYPE_A))) socket.write(Buffer.from([byte]));
    await expect.poll(() => replies).toEqual([1, 2, 3, 4]);
    socket.destroy();
  });

  test('a message that gets no answer leaves an empty frame, so that the order stays', async () => {
    const socket = connect(port, '127.0.0.1');
    const lengths: number[] = [];
    readFrames(socket, (frame) => lengths.push(frame.length));
    socket.write(Buffer.concat([framed(Buffer.alloc(3)), framed(encodeQuery(1, 'x', TYPE_A))]));
    await expect.poll(() => lengths).toEqual([0, 35]);
    socket.destroy();
  });

  test('a client that asks and never reads does not make us grow', async () => {
    const socket = connect(port, '127.0.0.1');
    const many = Buffer.concat(Array.from({ length: 2_000 }, () => framed(encodeQuery(1, 'x'.repeat(60), TYPE_A))));
    let isOpen = true;
    for (let i = 0; i < 200 && isOpen; i++) isOpen = socket.write(many) || (await drained(socket));
    expect(isOpen).toBe(false);
    expect(records.length).toBeLessThan(200 * 2_000);
    socket.destroy();
  });
});

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** False when the other side stopped reading. */
async function drained(socket: ReturnType<typeof connect>): Promise<boolean> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), 1_000);
  try {
    await once(socket, 'drain', { signal: end.signal });
    return true;
  } catch (error) {
    if (end.signal.aborted) return false;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function askUdp(query: Buffer): Promise<ReturnType<typeof readReply>> {
  const socket = createSocket('udp4');
  socket.send(query, port, '127.0.0.1');
  const [reply] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return readReply(reply);
}
