// `bottle approve` and `bottle deny`: one word on one held request, and whether it was heard.
import type { ReleasedEvent } from '../../proxy/src/contract.ts';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { printable } from '../report/printable.ts';
import { connectControl } from './connect-control.ts';
import type { PersonsWord } from './control-line.ts';

/** Resolves when the request waits no longer because of this word. */
export async function decideHeld(query: string, word: PersonsWord): Promise<void> {
  const control = await connectControl(query);
  try {
    control.tell(word);
    for await (const event of control.events) {
      if ((event.event !== 'unknown' && event.event !== 'released') || event.id !== word.id) continue;
      if (event.event === 'released' && event.by === 'person') return;
      throw notHeld(word.id, event.event === 'released' ? GONE[event.by] : 'it was decided, or it was never there');
    }
    throw notHeld(word.id, 'the session ended');
  } finally {
    control.close();
  }
}

const GONE: Readonly<Record<ReleasedEvent['by'], string>> = {
  person: 'it was decided',
  timeout: 'nobody decided in time',
  client: 'its client has gone',
};

function notHeld(id: string, why: string): BottleError {
  return new BottleError({
    what: `no request ${printable(id)} waits`,
    why,
    fix: '"bottle watch" shows those that do',
    exitCode: EXIT.no,
  });
}
