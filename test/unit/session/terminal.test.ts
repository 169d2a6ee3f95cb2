import { expect, test } from 'vitest';
import { TerminalModes, terminalEnv } from '../../../src/session/terminal.ts';

const ESC = '\u001b';
const after = (...chunks: string[]) => {
  const modes = new TerminalModes();
  for (const chunk of chunks) modes.see(Buffer.from(chunk));
  return modes.reset();
};

test('after an agent that was killed, exactly what it switched on is switched off', () => {
  expect(after(`${ESC}[?1049h${ESC}[?1000;1006h${ESC}[?25l text`)).toBe(
    `${ESC}[?1049l${ESC}[?1000l${ESC}[?1006l${ESC}[?25h`,
  );
});

test('an agent that cleared up itself leaves nothing to do', () => {
  expect(after(`${ESC}[?1049h`, 'text', `${ESC}[?25l${ESC}[?25h${ESC}[?1049l`)).toBe('');
});

test('a sequence may be cut anywhere', () => {
  expect(after(ESC, '[', '?10', '49h')).toBe(`${ESC}[?1049l`);
});

test('modes that are no nuisance are left alone', () => {
  expect(after(`${ESC}[?1h${ESC}[?7h`)).toBe('');
});

test('only plain descriptions of the terminal are passed on', () => {
  expect(terminalEnv({ TERM: 'xterm-256color', COLORTERM: 'true color; x', HOME: '/h' })).toEqual({
    TERM: 'xterm-256color',
  });
});
