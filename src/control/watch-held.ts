// `bottle watch`: shows held requests as they come, and takes a person's answers, one request at a time.
import { createInterface } from 'node:readline';
import type { HeldEvent } from '../../proxy/src/contract.ts';
import { printLine, printNote } from '../report/output.ts';
import { connectControl } from './connect-control.ts';
import type { ControlEvent, PersonsWord } from './control-line.ts';
import { heldText, releasedText } from './held-text.ts';

export interface WatchOptions {
  readonly json?: true;
}

/** Until the session ends or the person has seen enough (Ctrl-C). */
export async function watchHeld(query: string | undefined, { json }: WatchOptions): Promise<void> {
  const control = await connectControl(query);
  const stop = (): void => control.close();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const isAsking = json !== true && process.stdin.isTTY === true;
  const questions = new Questions((word) => control.tell(word), isAsking ? printNote : () => {});
  const answers = isAsking ? createInterface({ input: process.stdin }) : null;
  answers?.on('line', (line) => questions.onAnswer(line));
  answers?.on('SIGINT', stop);
  try {
    for await (const event of control.events) {
      show(event, json === true);
      questions.onEvent(event);
    }
  } finally {
    answers?.close();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function show(event: ControlEvent, isJson: boolean): void {
  if (event.event !== 'held' && event.event !== 'released') return;
  printLine(isJson ? JSON.stringify(event) : event.event === 'held' ? heldText(event) : releasedText(event));
}

const WORDS: Readonly<Record<string, Omit<PersonsWord, 'id'>>> = {
  y: { do: 'approve' },
  n: { do: 'deny' },
  a: { do: 'approve', always: true },
};

/** Which request an answer is about. Pure but for what it is given. */
export class Questions {
  private readonly tell: (word: PersonsWord) => void;
  private readonly ask: (text: string) => void;
  private readonly open: HeldEvent[] = [];
  private asked: string | null = null;
  /** The question has changed by itself: an answer that is being typed may mean the one before. */
  private hasChanged = false;

  constructor(tell: (word: PersonsWord) => void, ask: (text: string) => void) {
    this.tell = tell;
    this.ask = ask;
  }

  onEvent(event: ControlEvent): void {
    if (event.event === 'held') this.open.push(event);
    else if (event.event === 'released') {
      const at = this.open.findIndex(({ id }) => id === event.id);
      if (at !== -1) this.open.splice(at, 1);
      if (this.asked === event.id) {
        this.asked = null;
        this.hasChanged = true;
      }
    }
    this.askNext();
  }

  onAnswer(line: string): void {
    const word = WORDS[line.trim().toLowerCase()];
    const id = this.asked;
    if (id === null) return;
    if (this.hasChanged || word === undefined) {
      const why = this.hasChanged ? 'the question has changed meanwhile' : 'y, n or a';
      this.hasChanged = false;
      this.asked = null;
      this.ask(why);
      this.askNext();
      return;
    }
    this.open.splice(0, 1);
    this.asked = null;
    this.tell({ ...word, id });
    this.askNext();
  }

  private askNext(): void {
    const next = this.open[0];
    if (next === undefined) this.hasChanged = false;
    if (next === undefined || this.asked !== null) return;
    this.asked = next.id;
    this.ask(`let ${next.id} pass? [y]es, [n]o, [a]lways`);
  }
}
