// The person's terminal while the agent has it: raw, resized along, and always given back as it was.
import { spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';

/** Private modes that a program switches on and a person would be left with: screens, mouse, focus, paste. */
const MODES = new Set(['47', '1000', '1002', '1003', '1004', '1005', '1006', '1015', '1047', '1049', '2004']);
const HIDDEN_CURSOR = '25';

export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

export interface Resizable {
  resize(size: { h: number; w: number }): Promise<unknown>;
}

/** Follows which modes the agent's output switched on, so that exactly those are switched off after it was killed. */
export class TerminalModes {
  readonly #on = new Set<string>();
  #tail = '';

  see(chunk: Buffer): void {
    const text = this.#tail + chunk.toString('latin1');
    for (const [, numbers = '', action] of text.matchAll(/\u001b\[\?([\d;]+)([hl])/g)) {
      for (const mode of numbers.split(';')) this.#note(mode, action === 'h');
    }
    // A sequence may be cut by the end of a chunk.
    this.#tail = /\u001b(?:\[(?:\?[\d;]*)?)?$/.exec(text)?.[0] ?? '';
  }

  /** What undoes them. */
  reset(): string {
    return [...this.#on].map((mode) => `\u001b[?${mode}${mode === HIDDEN_CURSOR ? 'h' : 'l'}`).join('');
  }

  #note(mode: string, on: boolean): void {
    const unusual = mode === HIDDEN_CURSOR ? !on : on && MODES.has(mode);
    if (unusual) this.#on.add(mode);
    else this.#on.delete(mode);
  }
}

/** Variables that describe the terminal itself. */
export function terminalEnv(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const name of ['TERM', 'COLORTERM']) {
    const value = env[name];
    if (value !== undefined && /^[\w.+-]{1,64}$/.test(value)) kept[name] = value;
  }
  return kept;
}

/** Puts the terminal into raw mode; the result gives it back, also when called twice. A crash of ours gives it back as well. */
export function takeTerminal({ stdin, stdout }: Terminal, modes: TerminalModes): () => void {
  stdin.setRawMode(true);
  leaveOutputAlone();
  let taken = true;
  const giveBack = () => {
    if (!taken) return;
    taken = false;
    process.off('exit', giveBack);
    stdin.setRawMode(false);
    stdin.pause();
    const reset = modes.reset();
    if (reset !== '') stdout.write(reset);
  };
  process.on('exit', giveBack);
  return giveBack;
}

/**
 * Node's raw mode still makes "\r\n" of every "\n", which a full-screen program uses to go down. Where there is no stty it stays
 * so. Giving back restores this as well, since Node keeps what was set before.
 */
function leaveOutputAlone(): void {
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
}

const SIZE_TRIES = 50;
const SIZE_WAIT_MS = 20;

/** Keeps the size of the container's terminal that of the person's. The result stops it. */
export function followSize(stdout: NodeJS.WriteStream, target: Resizable): () => void {
  let isFollowed = true;
  let isBusy = false;
  let isStale = false;
  // One call at a time, so that an older size never comes last. Engines answer a start before the program runs, and refuse to size
  // a terminal that is not there yet; they also refuse when it has ended, hence a bound.
  const resize = async () => {
    isStale = true;
    if (isBusy) return;
    isBusy = true;
    for (let left = SIZE_TRIES; isStale && left > 0 && isFollowed; left--) {
      isStale = false;
      try {
        await target.resize({ h: stdout.rows, w: stdout.columns });
      } catch {
        isStale = true;
        await setTimeout(SIZE_WAIT_MS);
      }
    }
    isBusy = false;
  };
  const onResize = () => void resize();
  onResize();
  stdout.on('resize', onResize);
  return () => {
    isFollowed = false;
    stdout.off('resize', onResize);
  };
}
