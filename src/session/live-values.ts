// What exists only while one session runs: placeholders, the sidecar's configuration, the certificate, and what our containers report.
import type { FirstEvent, ProbeReport, ProxyConfig, RelayEvent } from '../../proxy/src/contract.ts';
import type { LiveValues } from '../engine/perform-step.ts';
import type { Role, TrustFile } from '../plan/plan.ts';
import { BottleError } from '../report/bottle-error.ts';
import { printable } from '../report/printable.ts';
import { claimOf, type PlaceholderReference } from '../spec/placeholder-text.ts';
import type { ProbeListener } from './probe-listener.ts';
import { encodeTruststore } from './truststore.ts';

export interface LiveFacts {
  readonly placeholders: ReadonlyMap<string, string>;
  /** Holds the secrets' values: called once, when the sidecar is there to take it. */
  readonly makeConfig: () => ProxyConfig;
  readonly listener: ProbeListener;
}

export class SessionValues implements LiveValues {
  readonly #facts: LiveFacts;
  #certificate: string | undefined;

  constructor(facts: LiveFacts) {
    this.#facts = facts;
  }

  placeholder(secret: string): string {
    const value = this.#facts.placeholders.get(secret);
    if (value === undefined) throw new Error(`no placeholder for ${secret}`);
    return value;
  }

  reference({ secret, claim }: PlaceholderReference): string {
    const placeholder = this.placeholder(secret);
    const value = claim === null ? placeholder : claimOf(placeholder, claim);
    if (value !== null) return value;
    throw new BottleError({
      what: `the token of the secret ${secret} says no ${claim}`,
      why: 'a file of agent.files asks for it',
      fix: 'look at where the secret comes from; log in again where that is a login',
    });
  }

  configLine(): string {
    return JSON.stringify(this.#facts.makeConfig());
  }

  onFirstLine(role: Exclude<Role, 'agent'>, line: string): void {
    switch (role) {
      case 'proxy': {
        const event = parseLine<FirstEvent>(role, line, 'event');
        if (event.event === 'fatal') throw new BottleError({ what: event.what, why: event.why, fix: event.fix });
        this.#certificate = event.ca;
        return;
      }
      case 'relay': {
        const event = parseLine<RelayEvent>(role, line, 'event');
        if (event.event === 'fatal') throw new BottleError({ what: event.what, why: event.why, fix: event.fix });
        judgeProbe(event.probe, this.#facts.listener.visitors);
        return;
      }
      case 'probe':
        judgeProbe(parseLine<ProbeReport>(role, line, 'checks'), this.#facts.listener.visitors);
        return;
      default:
        role satisfies never;
    }
  }

  trustFile(content: TrustFile['content']): Buffer {
    if (this.#certificate === undefined) throw new Error('the sidecar has given no certificate yet');
    return content === 'certificate'
      ? Buffer.from(this.#certificate)
      : encodeTruststore([{ alias: 'bottle', pem: this.#certificate }], new Date());
  }
}

/** A way out that answered refuses the start: nothing else would notice it. */
export function judgeProbe(report: ProbeReport, visitors: readonly string[]): void {
  const open = report.checks.filter((check) => !check.ok).map(({ check, detail }) => `${check} (${detail})`);
  if (visitors.length > 0)
    open.push(`a listener of this machine was reached from ${[...new Set(visitors)].join(', ')}`);
  if (report.ok && open.length === 0) return;
  throw new BottleError({
    what: 'the self-probe found a way out past the proxy, so the agent was not started',
    why: printable(open.length === 0 ? 'it reported a breach without a name' : open.join('; ')),
    fix: 'run "bottle verify" for the whole list, and look at the engine\'s network settings',
  });
}

function parseLine<T>(role: string, line: string, key: string): T {
  try {
    const value: unknown = JSON.parse(line);
    // The other side of the contract, from the same version of the same repository.
    if (typeof value === 'object' && value !== null && key in value) return value as T;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new BottleError({
    what: `the ${role} did not become ready`,
    why: `it said ${JSON.stringify(printable(line).slice(0, 200))} where its readiness was due`,
    fix: 'set BOTTLE_DEBUG=1 and report it',
  });
}
