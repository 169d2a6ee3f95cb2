// The thread that rules run in. Says over shared memory when an answer lies in the port: the other side sleeps until then.
import { type MessagePort, workerData } from 'node:worker_threads';
import type { ThirdPartyRule } from '../../contract.ts';
import { RuleSet } from './run-rules.ts';
import { ANSWERED, type RuleAnswer, type RuleQuestion } from './runner.ts';

// What runner.ts gives.
const { rules, port, signal } = workerData as {
  readonly rules: readonly ThirdPartyRule[];
  readonly port: MessagePort;
  readonly signal: Int32Array<SharedArrayBuffer>;
};

function answer(made: RuleAnswer): void {
  port.postMessage(made);
  Atomics.store(signal, 0, ANSWERED);
  Atomics.notify(signal, 0);
}

const set = new RuleSet(rules);
port.on('message', ({ id, text, indexes }: RuleQuestion) => answer({ id, hits: set.run(text, indexes) }));
answer({ id: 0, hits: [] });
