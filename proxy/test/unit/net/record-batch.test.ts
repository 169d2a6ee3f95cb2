import { describe, expect, it } from 'vitest';
import { AuditFailure } from '../../../src/audit/failure.ts';
import type { AuditSink } from '../../../src/audit/sink.ts';
import { draftRecord, NO_TRAFFIC, RecordStart } from '../../../src/net/record.ts';
import { RecordBatch } from '../../../src/net/record-batch.ts';
import type { RecordDraft } from '../../../src/pipeline/types.ts';

function draft(id: string): RecordDraft {
  const subject = { via: 'connect', host: 'a.example', port: 443, method: 'GET', path: '/' } as const;
  const outcome = { verdict: 'allow', stage: 'none', rule: 'allow.0', reason: '' } as const;
  return draftRecord('test', new RecordStart(id), subject, outcome, NO_TRAFFIC);
}

/** A disk that keeps what it is given, or throws. */
function disk(failure: Error | null): { sink: AuditSink; writes: string[][] } {
  const writes: string[][] = [];
  const appendAll = (drafts: readonly RecordDraft[]): void => {
    if (failure !== null) throw failure;
    writes.push(drafts.map(({ id }) => id));
  };
  return { writes, sink: { assertWritable: () => {}, append: (one) => appendAll([one]), appendAll, close: () => {} } };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('records of one turn of the event loop', () => {
  it('are written with one call, in order, before anybody is told', async () => {
    const { sink, writes } = disk(null);
    const batch = new RecordBatch(sink, () => {});
    const told: string[] = [];
    for (const id of ['a', 'b', 'c'])
      batch.add(draft(id), (isWritten) => told.push(`${id} ${isWritten} ${writes.length}`));
    expect(told).toEqual([]);
    await turn();
    expect(writes).toEqual([['a', 'b', 'c']]);
    expect(told).toEqual(['a true 1', 'b true 1', 'c true 1']);
    batch.add(draft('d'), () => {});
    await turn();
    expect(writes).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it.each([
    ['the disk', new AuditFailure({ what: 'no record', why: 'the disk is full', fix: 'free space' }), 0],
    ['a bug', new TypeError('x'), 1],
  ])('are none of them written when %s fails, and everybody hears it', async (_what, failure, reported) => {
    const bugs: unknown[] = [];
    const batch = new RecordBatch(disk(failure).sink, (error) => bugs.push(error));
    const told: boolean[] = [];
    batch.add(draft('a'), (isWritten) => told.push(isWritten));
    batch.add(draft('b'), (isWritten) => told.push(isWritten));
    await turn();
    expect(told).toEqual([false, false]);
    expect(bugs).toHaveLength(reported);
  });

  it('end their exchanges one by one: a bug in one of them costs no other', async () => {
    const bugs: unknown[] = [];
    const batch = new RecordBatch(disk(null).sink, (error) => bugs.push(error));
    const told: boolean[] = [];
    batch.add(draft('a'), () => {
      throw new Error('x');
    });
    batch.add(draft('b'), (isWritten) => told.push(isWritten));
    await turn();
    expect(told).toEqual([true]);
    expect(bugs).toHaveLength(1);
  });
});
