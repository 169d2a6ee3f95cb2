// What each kind of injection costs: the same request through the same proxy to the same origin, in turns, beside a route without a credential.
import { loadavg } from 'node:os';
import { configOf, launchBottle, routeTo } from '../contestants.ts';
import { type Machine, ORIGIN } from '../machine.ts';
import type { Measured } from '../process.ts';
import { type InjectionReport, summariseInjection, type Taken } from '../report/injection.ts';
import { type Kind, kindsWith } from './kinds.ts';
import { startOrigin } from './origin.ts';
import { type Case, hostOf, takeTurn } from './turn.ts';

export interface InjectionOptions {
  readonly rounds: number;
  /** Of a kind in a round; of the dearer ones a part. */
  readonly requests: number;
  /** Turns that do not count. */
  readonly warmUps: number;
  /** Core list; null = anywhere. */
  readonly cores: string | null;
  /** Kinds whose name holds it, and what they are compared with. */
  readonly only: readonly string[];
  readonly tell: (what: string) => void;
}

/** Of requests with a large body, and of WebSockets. */
const FEWER = 3;

export async function benchInjection(machine: Machine, options: InjectionOptions): Promise<InjectionReport> {
  const { rounds, requests, warmUps, tell } = options;
  const loadBefore = loadavg()[0] ?? 0;
  const kinds = chosen(kindsWith({ ...machine, name: ORIGIN }), options.only);
  const origin = await startOrigin(machine);
  const proxies: Measured[] = [];
  const start = async (some: readonly Kind[]): Promise<Measured> => {
    const proxy = await launchBottle(configFor(machine, origin.port, some), options.cores);
    proxies.push(proxy);
    return proxy;
  };
  try {
    const shared = await start(kinds.filter(({ isAlone }) => isAlone !== true));
    const cases: Case[] = [];
    for (const kind of kinds) {
      const proxy = kind.isAlone === true ? await start([kind]) : shared;
      for (const bytes of kind.sizes) cases.push({ kind, bytes, proxy, origin });
    }
    const taken = new Map<Case, Taken>(cases.map((one) => [one, { ...one, turns: [] }]));
    for (let round = -warmUps; round < rounds; round++) {
      // Whoever was first is last next time.
      for (const one of round % 2 === 0 ? cases : [...cases].reverse()) {
        tell(`${round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`}: ${one.kind.name}`);
        const turn = await takeTurn(one, countOf(one, requests));
        if (round >= 0) taken.get(one)!.turns.push(turn);
      }
    }
    const load = [loadBefore, loadavg()[0] ?? 0] as const;
    return summariseInjection([...taken.values()], { rounds, requests, load, machineCores: machine.cores });
  } finally {
    tell('');
    for (const proxy of proxies) await proxy.stop();
    origin.close();
  }
}

function countOf({ kind, bytes }: Case, requests: number): number {
  if (kind.isAlone === true) return 1;
  const isDear = bytes > Math.min(...kind.sizes) || kind.message !== undefined;
  return Math.ceil(requests / (isDear ? FEWER : 1));
}

function chosen(kinds: readonly Kind[], only: readonly string[]): readonly Kind[] {
  const wanted = new Set(kinds.filter(({ name }) => only.some((text) => name.includes(text))));
  const bases = new Set([...wanted].map(({ than }) => than));
  return kinds.filter((kind) => wanted.has(kind) || bases.has(kind.name));
}

function configFor(machine: Machine, originPort: number, kinds: readonly Kind[]) {
  const secrets = new Map(kinds.flatMap((kind) => kind.secrets).map((secret) => [secret.name, secret]));
  return configOf(machine, originPort, {
    hosts: kinds.map(hostOf),
    routes: kinds.map((kind) => routeTo(originPort, { id: kind.name, host: hostOf(kind), ...kind.route })),
    secrets: [...secrets.values()],
  });
}
