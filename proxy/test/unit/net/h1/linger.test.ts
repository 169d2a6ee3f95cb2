import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Deadlines } from '../../../../src/net/deadlines.ts';
import { linger } from '../../../../src/net/h1/linger.ts';

it.each(['closed before', 'is just closing', 'closes later'])(
  'a connection that %s is remembered by no clock',
  async (when) => {
    const deadlines = new Deadlines();
    const socket = new Socket();
    const closed = once(socket, 'close');
    if (when === 'is just closing') socket.once('close', () => linger(socket, deadlines, false));
    if (when === 'closes later') linger(socket, deadlines, false);
    socket.destroy();
    await closed;
    if (when === 'closed before') linger(socket, deadlines, false);
    expect(Reflect.get(deadlines, 'members')).toHaveProperty('size', 0);
    deadlines.close();
  },
);
