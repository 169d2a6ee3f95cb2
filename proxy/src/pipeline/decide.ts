// The same decision without a network, for `bottle why`.
import type { DecideRequest, Decision } from '../contract.ts';

export function decide(_request: DecideRequest): Decision {
  throw new Error('decide is being built');
}
