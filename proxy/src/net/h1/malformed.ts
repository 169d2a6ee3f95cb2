// What is wrong with a message or a connection: the name of the protocol rule that refuses it, and a clause for a person.

/** A refusal of stage `protocol`; a value, not an exception: hostile input is no exceptional case. */
export class Malformed {
  /** Stable name: `cl-te`, `bare-lf`, … */
  readonly rule: string;
  /** One clause without the offending bytes. */
  readonly reason: string;

  constructor(rule: string, reason: string) {
    this.rule = rule;
    this.reason = reason;
  }
}
