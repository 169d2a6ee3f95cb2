// An exchange that asks a person: one question at a time, and what becomes of it when one of the ends does not wait for the answer.
import type { Admitted, Held, Refusal } from '../pipeline/types.ts';
import { approvedOutcome, leftOutcome, unapproved } from './approval.ts';
import type { ExchangeAccount } from './exchange-account.ts';
import type { Outcome } from './record.ts';
import type { Services } from './services.ts';
import type { Wait } from './waiting-room.ts';

export class Asking {
  private readonly services: Services;
  private readonly account: ExchangeAccount;
  private readonly admitted: Admitted;
  private wait: { readonly held: Held; readonly room: Wait } | null = null;

  constructor(services: Services, account: ExchangeAccount, admitted: Admitted) {
    this.services = services;
    this.account = account;
    this.admitted = admitted;
  }

  get isWaiting(): boolean {
    return this.wait !== null;
  }

  /** Null = it may leave. Whoever was left in the meantime (`leave`) ignores what it says. */
  async ask(held: Held): Promise<Refusal | null> {
    const { services, account, admitted } = this;
    account.addFindings(held.refusal.findings);
    const room = services.waiting.ask(account.question(held, admitted));
    this.wait = { held, room };
    const answer = await room.answer;
    this.wait = null;
    if (answer !== 'approved' && answer !== 'always') return unapproved(held, answer, services.waiting.timeoutMs);
    account.approve(approvedOutcome(held, answer));
    return null;
  }

  /** Nothing moved for longer than the idle limit; null = nothing waits. */
  timedOut(): Refusal | null {
    const { wait, services } = this;
    return wait === null ? null : unapproved(wait.held, 'timeout', services.waiting.timeoutMs);
  }

  /** One of the two ends went away; null = nothing waits. */
  left(by: 'client' | 'upstream'): Outcome | null {
    return this.wait === null ? null : leftOutcome(this.wait.held, by);
  }

  /** The exchange is over. Fine to call twice. */
  leave(): void {
    this.wait?.room.leave();
  }
}
