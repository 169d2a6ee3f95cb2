// Picks a /29 for an internal network that overlaps with nothing in use: the engine's own pools hold some thirty networks only. Pure.
import { BottleError } from '../report/bottle-error.ts';
import type { Subnet } from './facts.ts';

const SIZE = 8;
const POOL_START = toNumber('10.192.0.0');
/** 10.192.0.0/10, where few people have anything. */
const POOL_SLOTS = 2 ** 22 / SIZE;
const TRIES = 1000;

/** `random` gives an integer below its argument. */
export function pickSubnet(used: readonly string[], random: (below: number) => number): Subnet {
  const ranges = used.flatMap(toRange);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const base = POOL_START + random(POOL_SLOTS) * SIZE;
    if (ranges.some(({ first, last }) => base <= last && base + SIZE - 1 >= first)) continue;
    return {
      cidr: `${toText(base)}/29`,
      gateway: toText(base + 1),
      proxy: toText(base + 2),
      agent: toText(base + 3),
      probe: toText(base + 4),
    };
  }
  throw new BottleError({
    what: 'no free subnet for an internal network',
    why: '10.192.0.0/10 is taken by networks of this machine',
    fix: 'remove networks that are not used, or use agent.network: sealed',
  });
}

function toRange(cidr: string): { first: number; last: number }[] {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr);
  if (match === null) return []; // IPv6 does not overlap
  const size = 2 ** (32 - Number(match[2]));
  const first = Math.floor(toNumber(match[1] ?? '') / size) * size;
  return [{ first, last: first + size - 1 }];
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
