// A held request in words, for a terminal. Pure.
import type { HeldEvent, ReleasedEvent } from '../../proxy/src/contract.ts';
import { printable } from '../report/printable.ts';

export function heldText(event: HeldEvent): string {
  const { id, host, port, method, path, reason, credential, waitsMs, confirm } = event;
  const place = `${host}${port === 443 ? '' : `:${port}`}${path}`;
  const added = credential === null ? '' : `, with the credential ${credential}`;
  const covers = confirm === 'session' ? `; a yes covers every ${method} of that rule on ${host} in this session` : '';
  return printable(`${id}  ${method} ${place}${added}: ${reason}${covers} (waits ${waitsMs / 1000} s)`);
}

export function releasedText({ id, by }: ReleasedEvent): string {
  const how = { person: 'decided', timeout: 'refused: nobody decided in time', client: 'over: its client has gone' };
  return printable(`${id}  ${how[by]}`);
}
