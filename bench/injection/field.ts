// What each kind of injection costs: the same request through the same proxy to the same origin, in turns, beside a route without a credential.
import { loadavg } from 'node:os';
import { configOf, launchBottle, routeTo } from '../contestants.ts';
import { type Machine, ORIGIN } from '../machine.ts';
import type { Measured } from '../process.ts';
import { type InjectionReport, summariseInjection, type Taken } from '../report/injection.ts';
import { type Kind, kindsWith } from './kinds.ts';
import { startOrigin } from './origin.ts';
import { type Case, hostOf, openCase, type Ready } from './turn.ts';

export interface InjectionOptions {
  readonly rounds: number;
  /** Of a kind in a round: few, so that what else the machine does falls on all kinds alike. */
  readonly requests: number;
  /** Turns that do not count. */
  readonly warmUps: number;
  /** Core list; null = anywhere. */
  readonly cores: string | null;
  /** Kinds whose name holds it, and what they are compared with. */
  readonly only: readonly string[];
  readonly tell: (what: string) => void;
}

/** One in so many rounds has turns of WebSockets, and of what is on a proxy of its own. */
const RARE = 10;

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
    const taken: (Taken & { readonly ready: Ready })[] = [];
    for (const one of cases) taken.push({ ...one, ready: await openCase(one), turns: [] });
    for (let round = -warmUps; round < rounds; round++) {
      tell(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`);
      // Whoever was first is last next time.
      for (const one of round % 2 === 0 ? taken : [...taken].reverse()) {
        if (isDear(one) && round % RARE !== 0) continue;
        const turn = await one.ready.take(one.kind.isAlone === true ? 1 : requests);
        if (round >= 0) one.turns.push(turn);
      }
    }
    for (const { ready } of taken) ready.close();
    const load = [loadBefore, loadavg()[0] ?? 0] as const;
    return summariseInjection(taken, { rounds, requests, load, machineCores: machine.cores });
  } finally {
    tell('');
    for (const proxy of proxies) await proxy.stop();
    origin.close();
  }
}

const isDear = ({ kind }: Taken): boolean => kind.isAlone === true || kind.message !== undefined;

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
