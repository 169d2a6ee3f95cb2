// Names whose addresses are chosen by an attacker: the address that was judged is the address that is dialled, and it is judged for what it leads to.
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDialer, type Dialer, DialRefused } from '../../src/net/dial.ts';
import { routeTo } from './harness/config.ts';
import { listenOn } from './harness/upstream.ts';

/** Everything that was ever dialled on this machine. */
const arrived: Socket[] = [];
let port = 0;
const server = createServer((socket) => {
  arrived.push(socket);
  socket.on('error', () => {});
  socket.end('hello');
});
beforeAll(async () => {
  port = await listenOn(server);
});
afterAll(() => void server.close());
beforeEach(() => void arrived.splice(0));

/** Nobody's (RFC 5737): dialled in vain. */
const PUBLIC = '192.0.2.1';
const NAME = 'rebind.example';

function dialer(answers: (asked: number) => readonly string[]): { readonly dialer: Dialer; asked(): number } {
  let asked = 0;
  const made = createDialer({
    upstream: { roots: '', map: {}, refuse: [] },
    connectTimeoutMs: 300,
    resolve: async () => answers(asked++),
  });
  return { dialer: made, asked: () => asked };
}

async function dial(from: Dialer, changes: Parameters<typeof routeTo>[1] = {}): Promise<DialRefused | Socket> {
  const route = routeTo(NAME, { scheme: 'http', ports: [port], ...changes });
  try {
    return await from.dial(route, NAME, port);
  } catch (error) {
    if (error instanceof DialRefused) return error;
    throw error;
  }
}

describe('a name that resolves to', () => {
  it.each([
    ['this machine', '127.0.0.1', 'private-address'],
    ['this machine, further up', '127.9.9.9', 'private-address'],
    ['any address', '0.0.0.0', 'private-address'],
    ['any address of IPv6', '::', 'private-address'],
    ['this machine by IPv6', '::1', 'private-address'],
    ['this machine, mapped', '::ffff:127.0.0.1', 'private-address'],
    ['this machine, mapped in hex', '::ffff:7f00:1', 'private-address'],
    ['this machine, compatible', '::127.0.0.1', 'private-address'],
    ['this machine, translated', '::ffff:0:127.0.0.1', 'private-address'],
    ['this machine by NAT64', '64:ff9b::7f00:1', 'private-address'],
    ['a local NAT64 prefix', '64:ff9b:1::7f00:1', 'private-address'],
    ['this machine by 6to4', '2002:7f00:1::', 'private-address'],
    ['a private client by Teredo', '2001:0:c000:201::f5ff:fffe', 'private-address'],
    ['a private network', '10.0.0.1', 'private-address'],
    ['a private network by 6to4', '2002:a00:1::1', 'private-address'],
    ['a private network by NAT64', '64:ff9b::10.0.0.1', 'private-address'],
    ['a link', 'fe80::1', 'private-address'],
    ['a link with a zone', 'fe80::1%lo', 'private-address'],
    ['a site', 'fd00::1', 'private-address'],
    ['shared space', '100.64.0.1', 'private-address'],
    ['metadata', '169.254.169.254', 'metadata-address'],
    ['metadata, mapped', '::ffff:169.254.169.254', 'metadata-address'],
    ['metadata by NAT64', '64:ff9b::a9fe:a9fe', 'metadata-address'],
    ['metadata by 6to4', '2002:a9fe:a9fe::', 'metadata-address'],
    ['metadata by IPv6', 'fd00:ec2::254', 'metadata-address'],
    ['broadcast', '255.255.255.255', 'private-address'],
    ['a group', '224.0.0.1', 'private-address'],
  ])('%s (%s) is not dialled', async (_, address, rule) => {
    const { dialer: from } = dialer(() => [address]);
    expect(await dial(from)).toMatchObject({ stage: 'address', rule });
    expect(arrived).toHaveLength(0);
  });

  it.each([
    ['before', ['127.0.0.1', PUBLIC]],
    ['behind', [PUBLIC, '127.0.0.1', '::1', '::ffff:127.0.0.1']],
  ])('a good address with bad ones %s it: only the good one is dialled', async (_, addresses) => {
    const { dialer: from } = dialer(() => addresses);
    expect(await dial(from)).toMatchObject({ stage: 'upstream' });
    expect(arrived).toHaveLength(0);
  });
});

describe('a name whose answer changes', () => {
  it('between the judgement and the dial is asked for once: what was judged is dialled', async () => {
    const { dialer: from, asked } = dialer((n) => (n === 0 ? [PUBLIC] : ['127.0.0.1']));
    expect(await dial(from)).toMatchObject({ stage: 'upstream' });
    expect(asked()).toBe(1);
    expect(arrived).toHaveLength(0);
  });

  it('after a while is judged anew', async () => {
    const { dialer: from, asked } = dialer((n) => (n === 0 ? [PUBLIC] : ['127.0.0.1']));
    await dial(from);
    from.close();
    expect(await dial(from)).toMatchObject({ stage: 'address', rule: 'private-address' });
    expect(asked()).toBe(2);
    expect(arrived).toHaveLength(0);
  });
});

it('the listener of this test can be reached: with allow_private it is', async () => {
  const { dialer: from } = dialer(() => ['127.0.0.1']);
  const socket = await dial(from, { allowPrivate: true });
  expect(socket).not.toBeInstanceOf(DialRefused);
  (socket as Socket).destroy();
  await expect.poll(() => arrived.length).toBe(1);
  const { dialer: metadata } = dialer(() => ['169.254.169.254']);
  expect(await dial(metadata, { allowPrivate: true })).toMatchObject({ rule: 'metadata-address' });
});
