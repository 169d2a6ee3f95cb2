// Joins what the agent reports with the audit log and with what the API received: one row a step. Pure.
import type { AuditRecord } from '../proxy/src/contract.ts';
import type { ReceivedRequest } from './service.ts';

/** One line of the agent's output. */
export interface Step {
  readonly step: string;
  /** `through`: must work; `stopped`: must not. */
  readonly want: 'through' | 'stopped';
  readonly outcome: 'through' | 'stopped';
  readonly detail: string;
  /** Id of the record, where the answer named it. */
  readonly id?: string;
  /** Where the answer could not name it: find the record by host. */
  readonly host?: string;
}

export interface Row {
  readonly step: string;
  readonly want: Step['want'];
  readonly outcome: Step['outcome'];
  readonly isRight: boolean;
  /** '' where nothing reached the proxy: refused in the agent's own namespace. */
  readonly id: string;
  readonly detail: string;
}

/** Steps that the agent must have reported for the demo to mean anything. */
const LEAST_STEPS = 11;

export function joinRows(
  steps: readonly Step[],
  records: readonly AuditRecord[],
  received: readonly ReceivedRequest[],
  secrets: readonly string[],
): readonly Row[] {
  const byId = new Map(records.map((record) => [record.id, record]));
  const rows = steps.map((step): Row => {
    const record = step.id === undefined ? records.find(({ host }) => host === step.host) : byId.get(step.id);
    // What the agent says is believed only where the log says the same.
    const needsNoRecord = step.id === undefined && step.host === undefined;
    const isConfirmed = needsNoRecord || record?.verdict === 'block';
    return {
      step: step.step,
      want: step.want,
      outcome: step.outcome,
      isRight: step.outcome === step.want && isConfirmed,
      id: record?.id ?? '',
      detail: shown(step, record),
    };
  });
  return [...rows, ...evidence(steps, received, secrets)];
}

function shown({ detail }: Step, record: AuditRecord | undefined): string {
  if (record?.verdict !== 'block') return detail;
  if (record.via === 'dns') return `answered by the proxy itself, forwarded to nobody: ${detail.replaceAll('"', '')}`;
  // Without our name, the way out and the id: the first is plain, the others are in the log and in the row.
  return detail.replace(/^bottle: (.*?);.*$/, '$1');
}

/** What the API really saw, whatever the agent says. */
function evidence(
  steps: readonly Step[],
  received: readonly ReceivedRequest[],
  secrets: readonly string[],
): readonly Row[] {
  const known = received.filter(({ authorized }) => authorized).length;
  const leaked = received.filter((request) =>
    secrets.some((secret) => JSON.stringify(request).includes(secret)),
  ).length;
  const fact = (step: string, want: Step['want'], isRight: boolean, detail: string): Row => {
    const other = want === 'through' ? 'stopped' : 'through';
    return { step, want, outcome: isRight ? want : other, isRight, id: '', detail };
  };
  return [
    fact('the API knew the user by a token it got', 'through', known > 0, `${known} authorized requests`),
    fact('stolen data at the API', 'stopped', leaked === 0, `${leaked} of ${received.length} requests held any`),
    fact('the agent tried everything', 'through', steps.length >= LEAST_STEPS, `${steps.length} steps reported`),
  ];
}
