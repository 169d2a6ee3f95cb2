import { expect, test } from 'vitest';
import { judgeProbe } from '../../../src/session/live-values.ts';

const fine = { ok: true, checks: [{ check: 'tcp 192.0.2.1:80', ok: true, detail: 'refused', ms: 1 }] };

test('a proof without an open way lets the agent start', () => {
  expect(() => judgeProbe(fine, [])).not.toThrow();
});

test('a check that failed refuses the start, and is named', () => {
  const report = { ok: false, checks: [{ check: 'tcp 192.0.2.1:80', ok: false, detail: 'it answered', ms: 1 }] };
  expect(() => judgeProbe(report, [])).toThrow('tcp 192.0.2.1:80 (it answered)');
});

test('a report that is not fine refuses the start, also without a reason', () => {
  expect(() => judgeProbe({ ok: false, checks: [] }, [])).toThrow('way out');
});

test('a connection that arrived here refuses the start, whatever the report says', () => {
  expect(() => judgeProbe(fine, ['10.0.0.3', '10.0.0.3'])).toThrow('reached from 10.0.0.3');
});
