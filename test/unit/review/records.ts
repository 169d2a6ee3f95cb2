// Audit records for tests: a whole log with a right hash chain from a few words each.
import type { AuditRecord } from '../../../proxy/src/contract.ts';
import { chainHash } from '../../../src/review/record-line.ts';

let count = 0;

export function record(parts: Partial<AuditRecord> = {}): AuditRecord {
  count++;
  return {
    v: 1,
    ts: new Date(Date.UTC(2031, 4, 1, 12, 0, 0, count)).toISOString(),
    id: `id${count.toString().padStart(10, '0')}`,
    session: 'web-shop-0a1b2c',
    via: 'connect',
    host: 'api.example',
    port: 443,
    method: 'GET',
    path: '/',
    status: 200,
    verdict: 'allow',
    stage: 'none',
    rule: 'allow.0',
    reason: '',
    findings: [],
    injected: [],
    bytes_out: 0,
    bytes_in: 0,
    ms: 1,
    prev: '',
    ...parts,
  };
}

/** As the proxy's sink writes them: each line's `prev` is the hash of the line before. */
export function logText(records: readonly AuditRecord[]): string {
  let prev = '';
  return records
    .map((one) => {
      const line = JSON.stringify({ ...one, prev });
      prev = chainHash(line);
      return `${line}\n`;
    })
    .join('');
}

export function finding(detector: string, where = 'body') {
  return { detector, where, length: 40, fingerprint: '0123456789abcdef' };
}
