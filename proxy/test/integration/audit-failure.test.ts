import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { AuditFailure } from '../../src/audit/failure.ts';
import type { AuditSink } from '../../src/audit/sink.ts';
import { createAuthority } from '../../src/ca/authority.ts';
import { SharedCount } from '../../src/cores/shared-count.ts';
import { createScanner } from '../../src/dlp/scanner.ts';
import { Deadlines } from '../../src/net/deadlines.ts';
import { createDialer } from '../../src/net/dial.ts';
import { Endings } from '../../src/net/endings.ts';
import { HoldBudget } from '../../src/net/hold-budget.ts';
import { listen } from '../../src/net/listener.ts';
import { newQuotaMemory, Quotas } from '../../src/net/quotas.ts';
import { RecordBatch } from '../../src/net/record-batch.ts';
import type { Services } from '../../src/net/services.ts';
import { UpstreamPool } from '../../src/net/upstream-pool.ts';
import { WaitingRoom } from '../../src/net/waiting-room.ts';
import { createExpiries, expiryClock } from '../../src/pipeline/expiry.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { connectHost } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { answering, rawUpstream, testAuthority, type Upstream } from './harness/upstream.ts';

afterEach(endSettings);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const POST = `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 3\r\n\r\nabc`;

describe('a log that cannot be written', () => {
  it('from the beginning keeps the proxy from starting', async () => {
    await expect(rawSetting(answering(OK), { auditPath: '/dev/full' })).rejects.toThrow(/did not start/);
  });

  it('refuses every further request: the upstream sees nothing', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK));
    const client = await connectHost(proxy, HOST);
    client.send(POST);
    await client.waitFor(OK);

    rmSync(proxy.auditPath);
    mkdirSync(proxy.auditPath);
    // The proxy looks at its file at most every few milliseconds: until then a request may still pass, recorded in the open file.
    let answers = 1;
    while (!client.received().includes('x-bottle-block: audit')) {
      client.send(POST);
      answers++;
      const heads = (): number => client.received().split('HTTP/1.1 ').length - 1;
      await until(() => heads() === answers, 'an answer');
    }
    const seen = (): string => upstream.peers.map((peer) => peer.received()).join('');
    const seenAtRefusal = seen();
    expect(seenAtRefusal.split('abc').length - 1).toBe(client.received().split(OK).length - 1);

    const next = await connectHost(proxy, HOST);
    next.send(POST.repeat(3));
    await until(() => next.received().split('x-bottle-block: audit').length - 1 === 3, 'three refusals');
    expect(seen()).toBe(seenAtRefusal);
  });

  it('at the end of an answer breaks the connection: the last bytes do not come', async () => {
    const { proxy, upstream, breakLog } = await brittleSetting();
    const client = await connectHost(proxy, HOST);
    client.send(POST);
    const peer = await upstream.peer(0);
    await peer.waitFor('abc');
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
    await client.waitFor('ab');
    breakLog();
    peer.send('cd');
    expect(await client.ended()).toMatch(/ab$/);
  });
});

/** The same proxy in this process, with a log whose disk fails when it is told to. */
async function brittleSetting(): Promise<{
  proxy: Pick<RunningProxy, 'port' | 'ca'>;
  upstream: Upstream;
  breakLog: () => void;
}> {
  const roots = testAuthority();
  const upstream = await rawUpstream(roots, () => {});
  later(() => upstream.close());
  const map = { [`${HOST}:443`]: upstream.address };
  const config = testConfig('', { routes: [routeTo(HOST)], roots: roots.certificatePem, map });
  const { session, limits } = config;
  let isBroken = false;
  const audit: AuditSink = {
    assertWritable: () => {},
    append: () => audit.appendAll([]),
    appendAll: () => {
      if (isBroken) throw new AuditFailure({ what: 'no record', why: 'the disk failed', fix: 'mend it' });
    },
    close: () => {},
  };
  const scannerConfig = { secrets: [], detectors: null, fingerprintKey: randomBytes(32), decodedBytes: 1024 };
  const dialer = createDialer({ upstream: config.upstream, connectTimeoutMs: limits.connectTimeoutMs });
  const reportBug = (error: unknown): void => {
    throw error;
  };
  const services: Services = {
    session,
    limits,
    pipeline: createPipeline(config, createScanner(scannerConfig)),
    audit,
    onStale: () => null,
    tokens: { keep: () => Promise.reject(new Error('no answer here has a token')) },
    records: new RecordBatch(audit, reportBug),
    authority: createAuthority({ session }),
    pool: new UpstreamPool(dialer, limits),
    dialer,
    deadlines: new Deadlines(),
    endings: new Endings(createExpiries(expiryClock())),
    held: new HoldBudget(1024 * 1024),
    waiting: new WaitingRoom(1, new SharedCount(), { emit: () => {}, remember: () => {} }),
    connections: new SharedCount(),
    quotas: new Quotas(config, newQuotaMemory(config)),
    reportBug,
  };
  const listening = await listen(config, services, { kind: 'only' });
  later(async () => {
    await listening.close(0);
    services.pool.close();
  });
  return {
    proxy: { port: Number(listening.explicit!.split(':')[1]), ca: services.authority.certificatePem },
    upstream,
    breakLog: () => {
      isBroken = true;
    },
  };
}
