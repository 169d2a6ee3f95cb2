// A tunnel in which no refusal could be told is refused at the CONNECT; all others are opened, and refused inside TLS, where clients show it.
import { afterEach, describe, expect, it } from 'vitest';
import { connectHost, connectProxy } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { type RunningProxy, startProxy } from './harness/proxy.ts';
import { later, undoAll } from './harness/undo.ts';
import { testAuthority } from './harness/upstream.ts';

afterEach(undoAll);

async function proxy(): Promise<RunningProxy> {
  const routes = [
    routeTo('api.example'),
    routeTo('odd.example', { ports: [25] }),
    routeTo('db.example', { scheme: 'tcp', ports: [7777] }),
  ];
  const running = await startProxy((directory) =>
    testConfig(directory, { routes, roots: testAuthority().certificatePem, map: {} }),
  );
  later(() => running.stop());
  return running;
}

const connectTo = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;

describe('a CONNECT', () => {
  it.each([
    ['to SSH of a host that is not allowed', 'evil.example:22', 'default'],
    ['to PostgreSQL of a host that is allowed elsewhere', 'api.example:5432', 'default'],
    ['to the port of a tcp route on another host', 'evil.example:7777', 'default'],
    ['to SSH of a host that is denied', 'denied.example:22', 'deny.0'],
    ['to SSH of an address', '192.0.2.7:22', 'default'],
  ])('%s is answered 403, with the reason and one record', async (_, authority, rule) => {
    const running = await proxy();
    const client = await connectProxy(running);
    client.send(connectTo(authority));
    const answer = await client.ended();
    const [record, ...others] = await running.recorded(1);
    expect(others).toEqual([]);
    const [host, port] = authority.split(':');
    expect(record).toMatchObject({ via: 'connect', host, port: Number(port), verdict: 'block', stage: 'policy', rule });
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain(`x-bottle-block: policy ${rule} ${record!.id}\r\n`);
    const body: unknown = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
    expect(body).toMatchObject({ blocked: true, id: record!.id });
  });

  it('by SOCKS to such a place is told that it is not allowed', async () => {
    const running = await proxy();
    const client = await connectProxy(running);
    const name = Buffer.from('evil.example');
    client.send(Buffer.from([5, 1, 0]));
    client.send(Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([0, 22])]));
    const answer = await client.ended();
    expect([...Buffer.from(answer, 'latin1').subarray(2, 4)]).toEqual([5, 2]);
    expect(await running.recorded(1)).toMatchObject([{ via: 'socks', port: 22, stage: 'policy' }]);
  });

  it.each([
    ['to HTTPS of a host that is not allowed', 'evil.example', 443],
    ['to HTTPS on another port', 'evil.example', 8443],
    ['to a port that an https route names as well', 'odd.example', 25],
  ])('%s is opened: the answer comes inside TLS', async (_, host, port) => {
    const running = await proxy();
    const client = await connectHost(running, host, port);
    client.send(`GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 [45]/);
    expect(await running.recorded(1)).toMatchObject([{ method: 'GET', host, port }]);
  });
});
