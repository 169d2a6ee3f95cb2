// An audit record's text: key order, hash chain, characters that cannot break a line or a terminal. Pure but for newRecordId.
import { hash, randomFillSync } from 'node:crypto';
import type { AuditRecord } from '../contract.ts';
import type { RecordDraft } from '../pipeline/types.ts';

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 12;
const POOL_BYTES = ID_LENGTH * 256;

/** 12 characters of base32, lower case: 60 random bits. */
export const newRecordId: () => string = createIdSource();

function createIdSource(): () => string {
  const pool = Buffer.allocUnsafe(POOL_BYTES);
  let at = POOL_BYTES;
  return () => {
    if (at === POOL_BYTES) {
      randomFillSync(pool);
      at = 0;
    }
    let id = '';
    for (let i = 0; i < ID_LENGTH; i++) id += ID_ALPHABET[pool[at++]! & 31];
    return id;
  };
}

/** The record in the key order of AuditRecord. */
export function completeRecord(draft: RecordDraft, prev: string): AuditRecord {
  return {
    v: 1,
    ts: draft.ts,
    id: draft.id,
    session: draft.session,
    via: draft.via,
    host: draft.host,
    port: draft.port,
    method: draft.method,
    path: draft.path,
    status: draft.status,
    verdict: draft.verdict,
    stage: draft.stage,
    rule: draft.rule,
    reason: draft.reason,
    findings: draft.findings.map(({ detector, where, length, fingerprint }) => ({
      detector,
      where,
      length,
      fingerprint,
    })),
    injected: draft.injected,
    ...(draft.kept === undefined ? {} : { kept: draft.kept }),
    bytes_out: draft.bytes_out,
    bytes_in: draft.bytes_in,
    ...(draft.usage === undefined ? {} : { usage: draft.usage }),
    ms: draft.ms,
    prev,
  };
}

// JSON.stringify escapes C0 and lone surrogates by itself; DEL, C1, U+2028/9 and
// the bidirectional controls pass it and can move a terminal, split lines or show a name backwards.
const HOSTILE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** One line with its newline. */
export function formatRecord(draft: RecordDraft, prev: string): string {
  const json = JSON.stringify(completeRecord(draft, prev));
  return `${json.replace(HOSTILE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

/** What the next record's `prev` holds: SHA-256 of the line without its newline, first 32 hex digits. */
export function chainHash(line: string | Uint8Array): string {
  return hash('sha256', line, 'hex').slice(0, 32);
}
