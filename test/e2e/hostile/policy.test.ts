// What policy must stop, judged by the bytes at the upstream: hosts, ports, methods, readings of a path, names that disagree.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, openHost, openPlain, openTunnel, request, secure, send } from './raw-client.ts';
import { type Rig, startRig } from './rig.ts';

const credential = `cred-${randomBytes(20).toString('hex')}`;
const SPEC = `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
egress:
  allow:
    - host: open.example
    - host: narrow.example
      rules: ["GET /repos/acme/**", "POST /repos/acme/*/issues", "GET /public/*"]
      auth: { type: bearer, secret: TOKEN }
    - host: "*.wild.example"
    - { host: ported.example, port: 8443 }
    - { host: plain.example, scheme: http, rules: ["GET /ok"] }
    - host: 10.1.2.3
    - host: "fd00::5"
    - host: 169.254.169.254
    - { host: 10.9.9.9, allow_private: true }
    - host: localhost
    - host: asked.example
      rules: [{ methods: [GET], paths: [/q], query: { mode: "safe*" }, headers: { x-kind: "reader" } }]
    - host: segments.example
      rules: ["GET /a/*/c", "GET /files/*.txt", "GET /caf%C3%A9/**"]
    - host: both.example
    - host: xn--bcher-kva.example
  deny: [denied.wild.example, "*.deep.wild.example", both.example]
`;
const names = ['open', 'narrow', 'asked', 'segments', 'both', 'xn--bcher-kva', 'unlisted', 'evil'];
const HOSTS = [
  ...names.map((name) => `${name}.example:443`),
  ...['a.wild', 'a.b.wild', 'wild', 'denied.wild', 'x.deep.wild', 'deep.wild', 'evilwild'].map(
    (n) => `${n}.example:443`,
  ),
  ...['narrow.example:8443', 'ported.example:8443', 'ported.example:443', 'open.example:80', 'open.example:8443'],
  ...['10.1.2.3:443', '[fd00::5]:443', '169.254.169.254:443', '10.9.9.9:443', 'localhost:443'],
  ...['127.0.0.1:443', '192.168.1.1:443', '[::1]:443', '[::ffff:10.1.2.3]:443', '0.0.0.0:443', '100.64.0.1:443'],
];

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({
    spec: SPEC,
    env: { HOSTILE_TOKEN: credential },
    hosts: HOSTS,
    plainHosts: ['plain.example:80', 'open.example:80', 'evil.example:80'],
  });
});
afterAll(() => rig.stop());

/** Runs one case; gives its answer, what arrived and the records it left. */
async function attempt(act: () => Promise<Answer>) {
  rig.arrived();
  const before = rig.records().length;
  const answer = await act();
  return { answer, arrived: rig.arrived(), records: rig.records().slice(before) };
}

async function refused(act: () => Promise<Answer>) {
  const seen = await attempt(act);
  expect(seen.arrived).toBe('');
  expect(seen.records).toHaveLength(1);
  expect(seen.records[0]).toMatchObject({ verdict: 'block', status: seen.answer.status });
  expect(seen.answer.blockedBy).toBe(`${seen.records[0]?.stage} ${seen.records[0]?.rule} ${seen.records[0]?.id}`);
  return seen;
}

describe('a host that is not allowed', () => {
  test.each([
    ['an unlisted name', 'unlisted.example', 443],
    ['the apex of a wildcard', 'wild.example', 443],
    ['a name that only ends like a wildcard', 'evilwild.example', 443],
    ['a denied name below an allowed wildcard', 'denied.wild.example', 443],
    ['the same in capitals', 'DENIED.Wild.Example', 443],
    ['the same with a dot at its end', 'denied.wild.example.', 443],
    ['a name below a denied wildcard', 'x.deep.wild.example', 443],
    ['a name that is allowed and denied', 'both.example', 443],
    ['an allowed name on another port', 'narrow.example', 8443],
    ['the usual port of a name allowed on another', 'ported.example', 443],
    ['the port of plain HTTP of an https route', 'open.example', 80],
    ['TLS to a route of plain HTTP', 'plain.example', 80],
  ])('%s', async (_, host, port) => {
    await refused(() => send(rig, host, request('GET /', port === 443 ? host : `${host}:${port}`), { port }));
  });

  test.each([
    ['a private literal that is in the list and in the map', '10.1.2.3'],
    ['the metadata address that is in the list and in the map', '169.254.169.254'],
    ['a private literal that is in the map alone', '192.168.1.1'],
    ['loopback', '127.0.0.1'],
    ['nowhere', '0.0.0.0'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['a unique local IPv6 address that is in the list and in the map', '[fd00::5]'],
    ['IPv6 loopback', '[::1]'],
    ['the private address inside an IPv6 one', '[::ffff:10.1.2.3]'],
    ['the same in hex', '[::ffff:a01:203]'],
    ['NAT64 of the private address', '[64:ff9b::a01:203]'],
    ['6to4 of the private address', '[2002:a01:203::1]'],
    ['localhost, though it is in the list and in the map', 'localhost'],
  ])('%s', async (_, host) => {
    await refused(() => send(rig, host, request('GET /', host)));
  });

  test.each([
    ['decimal', '167838211'],
    ['hex', '0x0a010203'],
    ['octal parts', '012.01.02.03'],
    ['hex parts', '0xa.0x1.0x2.0x3'],
    ['two parts', '10.66051'],
    ['three parts', '10.1.515'],
    ['leading zeros', '010.001.002.003'],
    ['a dot at its end', '10.1.2.3.'],
    ['decimal of the metadata address', '2852039166'],
    ['full-width digits', '１０.1.2.3'],
    ['ideographic full stops', '10。1。2。3'],
    ['a zone', '[fe80::1%25eth0]'],
    ['brackets around IPv4', '[10.1.2.3]'],
    ['a percent-encoded dot', '10%2e1.2.3'],
  ])('an IP address in the spelling "%s" reaches nothing', async (_, host) => {
    const seen = await attempt(async () => {
      const client = await openPlain(rig);
      client.send(Buffer.from(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`, 'utf8'));
      const answer = await client.answer();
      if (answer.status !== 200) {
        client.close();
        return answer;
      }
      for (const event of ['data', 'end', 'close']) client.socket.removeAllListeners(event);
      const inside = await secure(rig, client.socket, null);
      inside.send(request('GET /', host));
      const inner = await inside.answer();
      inside.close();
      return inner;
    });
    expect(seen.arrived).toBe('');
    expect(seen.answer.status).toBeGreaterThanOrEqual(400);
    expect(seen.records).toHaveLength(1);
    expect(seen.records[0]).toMatchObject({ verdict: 'block' });
  });
});

describe('a host that is allowed', () => {
  test.each([
    ['as written', 'open.example', 'open.example', 443],
    ['in capitals', 'OPEN.Example', 'OPEN.Example', 443],
    ['with a dot at its end', 'open.example.', 'open.example', 443],
    ['below a wildcard', 'a.wild.example', 'a.wild.example', 443],
    ['far below a wildcard', 'a.b.wild.example', 'a.b.wild.example', 443],
    ['below a wildcard, the apex of a denied one', 'deep.wild.example', 'deep.wild.example', 443],
    ['on its own port', 'ported.example', 'ported.example:8443', 8443],
    ['a private literal with allow_private', '10.9.9.9', '10.9.9.9', 443],
    ['an international name in its ASCII form', 'xn--bcher-kva.example', 'xn--bcher-kva.example', 443],
  ])('%s', async (_, host, sentHost, port) => {
    const seen = await attempt(() =>
      send(rig, host, request('GET /x?a=1', port === 443 ? host : `${host}:${port}`, ['X-Odd:  v']), { port }),
    );
    expect(seen.answer).toMatchObject({ status: 200, body: 'ok' });
    expect(seen.arrived).toBe(`GET /x?a=1 HTTP/1.1\r\nHost: ${sentHost}\r\nX-Odd: v\r\n\r\n`);
    expect(seen.records).toHaveLength(1);
    expect(seen.records[0]).toMatchObject({ verdict: 'allow', status: 200 });
  });
});

describe('a path that is not allowed on narrow.example', () => {
  test.each([
    'GET /',
    'GET /repos/acme',
    'GET /repos/acmeevil/x',
    'GET /repos/other/x',
    'GET /repos/acme/../other/x',
    'GET /repos/acme/x/../../other/x',
    'GET /repos/acme/..',
    'GET /repos/acme/%2e%2e/other/x',
    'GET /repos/acme/%2E./other/x',
    'GET /repos/acme/.%2e/other/x',
    'GET /repos/acme/..%2fother/x',
    'GET /repos/acme/..%2Fother/x',
    'GET /repos/acme/%2e%2e%2fother/x',
    'GET /repos/acme/..%5cother/x',
    'GET /repos/acme/..\\other/x',
    'GET /repos/acme/%252e%252e/other/x',
    'GET /repos/acme/%252e%252e%252fother/x',
    'GET /repos/acme/..%252fother/x',
    'GET /repos/acme/%25252e%25252e%25252fother/x',
    'GET /repos/acme/..;/other/x',
    'GET /repos/acme/..;a=b/other/x',
    'GET /repos/acme/x/..;/..;/other/x',
    'GET /repos/acme/%2e%2e;/other/x',
    'GET /repos/acme/..%3b/other/x',
    'GET /repos/acme/%c0%ae%c0%ae/other/x',
    'GET /repos/acme/%c0%ae%c0%ae%c0%afother/x',
    'GET /repos/acme/%e0%80%ae%e0%80%ae/other/x',
    'GET /repos/acme/%uff0e%uff0e/other/x',
    'GET /repos/acme/%u002e%u002e/other/x',
    'GET /repos/acme/%ef%bc%8e%ef%bc%8e/other/x',
    'GET /repos/acme/..%c0%afother/x',
    'GET /repos/acme/..%ef%bc%8fother/x',
    'GET /repos/acme/..%00/other/x',
    'GET /repos/acme/..%0a/other/x',
    'GET /repos/acme/..%09/other/x',
    'GET /repos/acme/.%0d./other/x',
    'GET /repos/acme/.%09./other/x',
    'GET /repos/acme/%2e%2e%20/other/x',
    'GET /repos/acme/x%2f..%2f..%2fother',
    'GET /repos%2facme%2fx',
    'GET /repos/%61cme/..%2f..%2fadmin',
    'GET //repos/acme/../../admin',
    'GET /repos//acme/../other',
    'GET /./repos/acme/./../other',
    'GET /repos/acme/%5c..%5c..%5cadmin',
    'GET /repos/acme/..%5c..%5c..%5cadmin',
    'GET /REPOS/acme/x',
    'GET /repos/Acme/x',
    'GET /repos/acme/%2e%2e/%2e%2e/admin?x=/repos/acme/y',
    'GET /admin?/repos/acme/x',
    'GET /admin;/repos/acme/x',
    'GET /admin%3f/repos/acme/x',
    'GET /admin%23/../repos/other/x',
    'GET /public/a/b',
    'GET /public/a%2fb',
    'GET /public/a%252fb',
    'GET /public/..%2fadmin',
    'POST /repos/acme/x',
    'POST /repos/acme/x/issues/1',
    'POST /repos/acme/x/y/issues',
    'POST /repos/acme/x%2fy/issues',
    'DELETE /repos/acme/x',
    'PUT /repos/acme/x/issues',
    'HEAD /repos/acme/x',
    'OPTIONS /repos/acme/x',
    'OPTIONS *',
    'get /repos/acme/x',
    'Get /repos/acme/x',
    'GETX /repos/acme/x',
    'TRACE /repos/acme/x',
    'PRI *',
    'PROPFIND /repos/acme/x',
  ])('%s', async (line) => {
    const { arrived } = await refused(() => send(rig, 'narrow.example', request(line, 'narrow.example')));
    expect(arrived).not.toContain(credential);
  });

  test.each([
    ['X-HTTP-Method-Override', 'DELETE'],
    ['X-HTTP-Method', 'PUT'],
    ['X-Method-Override', 'PATCH'],
    ['x-http-method-override', 'delete'],
    ['X-Original-URL', '/admin'],
    ['X-Rewrite-URL', '/admin'],
    ['X_HTTP_Method_Override', 'DELETE'],
    ['X-Original-Url', 'https://narrow.example/admin'],
  ])('an allowed path that the field "%s: %s" turns into another request', async (name, value) => {
    const line = 'POST /repos/acme/x/issues';
    const seen = await attempt(() =>
      send(rig, 'narrow.example', request(line, 'narrow.example', [`${name}: ${value}`], '{}')),
    );
    // Refused, or harmless because the field did not arrive.
    expect(seen.arrived).not.toContain(value);
    expect(seen.records).toHaveLength(1);
  });

  test('a method override in the query or the form of an allowed POST', async () => {
    for (const [target, body] of [
      ['/repos/acme/x/issues?_method=DELETE', '{}'],
      ['/repos/acme/x/issues', '_method=DELETE'],
    ] as const) {
      const seen = await attempt(() =>
        send(
          rig,
          'narrow.example',
          request(`POST ${target}`, 'narrow.example', ['Content-Type: application/x-www-form-urlencoded'], body),
        ),
      );
      expect(seen.records).toHaveLength(1);
    }
  });
});

describe('a path that is allowed', () => {
  test.each([
    ['GET /repos/acme/x', '/repos/acme/x'],
    ['GET /repos/acme/a/b/c?q=%2F..%2F&r=../..', '/repos/acme/a/b/c?q=%2F..%2F&r=../..'],
    ['GET /repos/acme/caf%C3%A9', '/repos/acme/caf%C3%A9'],
    ['GET /repos/acme/a%20b', '/repos/acme/a%20b'],
    ["GET /repos/acme/x:y@z$&'()*+,=", "/repos/acme/x:y@z$&'()*+,="],
    ['GET /repos/acme/%7Euser', '/repos/acme/~user'],
    ['GET /repos/acme/x/./y', '/repos/acme/x/y'],
    ['GET /repos/acme/x/../y', '/repos/acme/y'],
    ['GET /public/a', '/public/a'],
    ['POST /repos/acme/x/issues', '/repos/acme/x/issues'],
  ])('%s', async (line, target) => {
    const seen = await attempt(() => send(rig, 'narrow.example', request(line, 'narrow.example')));
    expect(seen.answer.status).toBe(200);
    expect(seen.arrived.split('\r\n')[0]).toBe(`${line.split(' ')[0]} ${target} HTTP/1.1`);
    expect(seen.arrived).toContain(`Authorization: Bearer ${credential}\r\n`);
  });

  test.each(['GET /a/b/c', 'GET /files/x.txt', 'GET /caf%C3%A9/menu', 'GET /caf%c3%a9/menu'])(
    '%s on a host with segments',
    async (line) => {
      const seen = await attempt(() => send(rig, 'segments.example', request(line, 'segments.example')));
      expect(seen.answer.status).toBe(200);
    },
  );

  test.each([
    'GET /a/b/x/c',
    'GET /a/b%2fx/c',
    'GET /a/c',
    'GET /a//c',
    'GET /files/x.txt/y',
    'GET /files/x/y.txt',
    'GET /files/..%2fy.txt',
    'GET /files/x.txt%00.exe',
    'GET /files/x.exe%00.txt',
    'GET /files/x.exe;.txt',
    'GET /files/x.exe%3b.txt',
    'GET /cafe/menu',
  ])('%s is not', async (line) => {
    await refused(() => send(rig, 'segments.example', request(line, 'segments.example')));
  });
});

describe('conditions on query and fields', () => {
  test.each([
    ['GET /q?mode=safe1', ['X-Kind: reader'], 200],
    ['GET /q?other=1&mode=safe', ['x-kind: reader'], 200],
    ['GET /q?mode=unsafe', ['X-Kind: reader'], 403],
    ['GET /q?mode=safe&mode=evil', ['X-Kind: reader'], 403],
    ['GET /q?mode=evil&mode=safe', ['X-Kind: reader'], 403],
    ['GET /q?mode=safe&%6dode=evil', ['X-Kind: reader'], 403],
    ['GET /q?mode=safe&Mode=evil', ['X-Kind: reader'], null],
    ['GET /q?mode=safe;mode=evil', ['X-Kind: reader'], 403],
    ['GET /q', ['X-Kind: reader'], 403],
    ['GET /q?mode=safe', [], 403],
    ['GET /q?mode=safe', ['X-Kind: writer'], 403],
    ['GET /q?mode=safe', ['X-Kind: reader', 'X-Kind: writer'], 403],
    ['GET /q?mode=safe', ['X-Kind: reader, writer'], 403],
    ['GET /q?mode=safe', ['X-Kind: reader', 'Connection: X-Kind'], 403],
  ] as const)('%s with %j', async (line, fields, status) => {
    const seen = await attempt(() => send(rig, 'asked.example', request(line, 'asked.example', fields)));
    if (status !== null) expect(seen.answer.status).toBe(status);
    expect(seen.arrived === '').toBe(seen.answer.status !== 200);
  });
});

describe('names that disagree', () => {
  const lines = (...all: readonly string[]): string => [...all, '', ''].join('\r\n');

  test.each([
    ['Host names an unlisted host', lines('GET / HTTP/1.1', 'Host: evil.example')],
    ['Host names another allowed host', lines('GET /x HTTP/1.1', 'Host: narrow.example')],
    ['Host names another port', lines('GET / HTTP/1.1', 'Host: open.example:8443')],
    ['Host names port 80', lines('GET / HTTP/1.1', 'Host: open.example:80')],
    ['two Host fields', lines('GET / HTTP/1.1', 'Host: open.example', 'Host: evil.example')],
    ['two equal Host fields', lines('GET / HTTP/1.1', 'Host: open.example', 'Host: open.example')],
    ['a list in Host', lines('GET / HTTP/1.1', 'Host: open.example, evil.example')],
    ['userinfo in Host', lines('GET / HTTP/1.1', 'Host: open.example@evil.example')],
    ['a path in Host', lines('GET / HTTP/1.1', 'Host: open.example/evil.example')],
    ['a space in Host', lines('GET / HTTP/1.1', 'Host: open.example evil.example')],
    ['an empty Host', lines('GET / HTTP/1.1', 'Host:')],
    ['no Host', lines('GET / HTTP/1.1', 'X: y')],
    ['a folded Host', lines('GET / HTTP/1.1', 'Host: open.example', ' evil.example')],
    ['a space before the colon of a second Host', lines('GET / HTTP/1.1', 'Host: open.example', 'Host : evil.example')],
    ['an absolute target with another host', lines('GET https://evil.example/ HTTP/1.1', 'Host: open.example')],
    ['an absolute target, both other', lines('GET https://evil.example/ HTTP/1.1', 'Host: evil.example')],
    ['an absolute target with plain HTTP', lines('GET http://open.example/ HTTP/1.1', 'Host: open.example')],
    ['userinfo in an absolute target', lines('GET https://u:p@open.example/ HTTP/1.1', 'Host: open.example')],
    [
      'a backslash in an absolute target',
      lines('GET https://open.example\\@evil.example/ HTTP/1.1', 'Host: open.example'),
    ],
    ['a scheme that is none of ours', lines('GET ftp://open.example/ HTTP/1.1', 'Host: open.example')],
    ['an authority as target', lines('GET open.example:443 HTTP/1.1', 'Host: open.example')],
    ['a target without slash', lines('GET @evil.example/ HTTP/1.1', 'Host: open.example')],
    ['CONNECT inside the tunnel', lines('CONNECT evil.example:443 HTTP/1.1', 'Host: evil.example:443')],
    [
      'CONNECT inside the tunnel to the same host',
      lines('CONNECT open.example:443 HTTP/1.1', 'Host: open.example:443'),
    ],
  ])('%s', async (_, text) => {
    await refused(() => send(rig, 'open.example', text));
  });

  test.each([
    ['TLS names an unlisted host', 'open.example', 'evil.example', 'open.example'],
    ['TLS names another allowed host', 'open.example', 'narrow.example', 'narrow.example'],
    ['the CONNECT names an unlisted host, TLS and Host an allowed one', 'evil.example', 'open.example', 'open.example'],
    ['TLS names a private address behind an allowed CONNECT', 'open.example', 'localhost', 'localhost'],
  ])('%s', async (_, connected, serverName, host) => {
    await refused(() => send(rig, connected, request('GET /', host), { serverName }));
  });

  test('no name in TLS: the name of the CONNECT is judged', async () => {
    await refused(() => send(rig, 'evil.example', request('GET /', 'evil.example'), { serverName: null }));
    const seen = await attempt(() => send(rig, 'open.example', request('GET /', 'open.example'), { serverName: null }));
    expect(seen.answer.status).toBe(200);
  });

  test.each([
    [
      'two Host fields',
      'CONNECT open.example:443 HTTP/1.1\r\nHost: open.example:443\r\nHost: evil.example:443\r\n\r\n',
    ],
    ['another Host', 'CONNECT open.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n'],
    ['userinfo', 'CONNECT u@open.example:443 HTTP/1.1\r\nHost: open.example:443\r\n\r\n'],
    ['a URL', 'CONNECT https://open.example:443/ HTTP/1.1\r\nHost: open.example:443\r\n\r\n'],
    ['no port', 'CONNECT open.example HTTP/1.1\r\nHost: open.example\r\n\r\n'],
    ['port 0', 'CONNECT open.example:0 HTTP/1.1\r\nHost: open.example:0\r\n\r\n'],
    ['port 65979', 'CONNECT open.example:65979 HTTP/1.1\r\nHost: open.example:65979\r\n\r\n'],
    ['a port with a plus sign', 'CONNECT open.example:+443 HTTP/1.1\r\nHost: open.example:443\r\n\r\n'],
    ['a body', 'CONNECT open.example:443 HTTP/1.1\r\nHost: open.example:443\r\nContent-Length: 5\r\n\r\nhello'],
    ['an origin-form request to the proxy itself', 'GET / HTTP/1.1\r\nHost: open.example\r\n\r\n'],
    ['an absolute https URL to an unlisted host', 'GET https://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n'],
    ['an absolute http URL to an https route', 'GET http://open.example/ HTTP/1.1\r\nHost: open.example\r\n\r\n'],
    ['an absolute http URL to an unlisted host', 'GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n'],
    ['an absolute URL with another Host', 'GET http://plain.example/ok HTTP/1.1\r\nHost: evil.example\r\n\r\n'],
    ['a path without rule on plain HTTP', 'GET http://plain.example/no HTTP/1.1\r\nHost: plain.example\r\n\r\n'],
  ])('to the proxy itself: %s', async (_, text) => {
    await refused(async () => {
      const client = await openPlain(rig);
      client.send(text);
      const answer = await client.answer();
      client.close();
      return answer;
    });
  });

  test('a plain request to an allowed http route passes, and a second one on the same connection is judged anew', async () => {
    const client = await openPlain(rig);
    rig.arrived();
    client.send('GET http://plain.example/ok HTTP/1.1\r\nHost: plain.example\r\n\r\n');
    expect((await client.answer()).status).toBe(200);
    client.send('GET http://evil.example/ok HTTP/1.1\r\nHost: evil.example\r\n\r\n');
    expect((await client.answer()).status).toBe(403);
    client.close();
    expect(rig.arrived()).toBe('GET /ok HTTP/1.1\r\nHost: plain.example\r\n\r\n');
  });

  test('an absolute target inside TLS arrives as a path', async () => {
    const text = 'GET https://open.example:443/a?b HTTP/1.1\r\nHost: open.example\r\n\r\n';
    const seen = await attempt(() => send(rig, 'open.example', text));
    expect(seen.arrived.startsWith('GET /a?b HTTP/1.1\r\nHost: open.example\r\n')).toBe(true);
  });

  test('TLS on the port of the proxy itself, and garbage, reach nothing', async () => {
    rig.arrived();
    for (const bytes of [randomBytes(64), Buffer.from([0x16, 3, 1, 0, 5]), Buffer.from('SSH-2.0-x\r\n')]) {
      const tunnel = await openTunnel(rig, 'open.example:443');
      tunnel.on('error', () => {});
      tunnel.end(bytes);
      await new Promise((resolve) => tunnel.once('close', resolve).resume());
    }
    expect(rig.arrived()).toBe('');
  });

  test('requests on one connection are judged one by one, and a refusal ends no other', async () => {
    rig.arrived();
    const client = await openHost(rig, 'narrow.example');
    for (const [path, status] of [
      ['/repos/acme/1', 200],
      ['/admin', 403],
      ['/repos/acme/2', 200],
      ['/repos/acme/..%2f..%2fadmin', 403],
    ] as const) {
      client.send(request(`GET ${path}`, 'narrow.example'));
      expect((await client.answer()).status).toBe(status);
    }
    client.close();
    expect(rig.arrived().match(/^GET .*$/gm)).toEqual(
      ['GET /repos/acme/1 HTTP/1.1', 'GET /repos/acme/2 HTTP/1.1'].map((l) => `${l}`),
    );
  });
});

test('nothing of all this named the credential in the log or made the proxy complain', () => {
  expect(JSON.stringify(rig.records())).not.toContain(credential);
  expect(rig.stderr()).toBe('');
});
