// Ends our side of a connection and reads on for a moment: a reset would take the answer out of the agent's hands.
import type { Socket } from 'node:net';
import type { Deadlines, Timed } from '../deadlines.ts';

/** After our last byte: how long the agent may take to read it before the connection is cut, in ms. */
const LINGER_MS = 5_000;

/** The socket is nobody else's from here on. */
export function linger(socket: Socket, deadlines: Deadlines, isInputEnded: boolean): void {
  // No event would take the limit back, and with it the connection would stay for ever.
  if (socket.closed) return;
  const limit: Timed = { deadline: deadlines.now + LINGER_MS, onDeadline: () => socket.destroy() };
  deadlines.add(limit);
  socket.on('close', () => deadlines.delete(limit));
  // `close` follows.
  socket.on('error', () => {});
  socket.on('end', () => socket.destroySoon());
  socket.end();
  socket.resume();
  if (isInputEnded) socket.destroySoon();
}
