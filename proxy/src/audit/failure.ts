// The audit log cannot be written: the exchange at hand is refused with stage `audit`.
import { ProxyFailure } from '../failure.ts';

export class AuditFailure extends ProxyFailure {
  override readonly name = 'AuditFailure';
}
