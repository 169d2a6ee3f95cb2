// What a proxy says of requests that wait for a person.
import type { HeldEvent, ReleasedEvent } from '../../../src/contract.ts';
import { type RunningProxy, until } from './proxy.ts';

export function held(proxy: RunningProxy): HeldEvent[] {
  return proxy.events().filter((event): event is HeldEvent => event.event === 'held');
}

export async function nthHeld(proxy: RunningProxy, count = 1): Promise<HeldEvent> {
  await until(() => held(proxy).length >= count, `${count} held requests`);
  return held(proxy)[count - 1]!;
}

export function released(proxy: RunningProxy): ReleasedEvent[] {
  return proxy.events().filter((event): event is ReleasedEvent => event.event === 'released');
}
