import { describe, expect, it } from 'vitest';
import type { HeldEvent } from '../../../proxy/src/contract.ts';
import { parseWord } from '../../../src/control/control-line.ts';
import { heldText } from '../../../src/control/held-text.ts';
import { Questions } from '../../../src/control/watch-held.ts';

const held = (id: string, changes: Partial<HeldEvent> = {}): HeldEvent => ({
  event: 'held',
  id,
  record: 'r',
  host: 'api.example',
  port: 443,
  method: 'POST',
  path: '/a?q=',
  stage: 'dlp',
  rule: 'github-token',
  reason: 'github-token in body (allow.0)',
  findings: [],
  credential: null,
  waitsMs: 120_000,
  ...changes,
});

function conversation() {
  const told: unknown[] = [];
  const asked: string[] = [];
  const questions = new Questions(
    (word) => told.push(word),
    (text) => asked.push(text),
  );
  return { questions, told, asked };
}

describe('answers to held requests', () => {
  it('are about the oldest one that waits, one after the other', () => {
    const { questions, told } = conversation();
    for (const id of ['one', 'two', 'three']) questions.onEvent(held(id));
    for (const line of ['y', ' N ', 'a']) questions.onAnswer(line);
    expect(told).toEqual([
      { do: 'approve', id: 'one' },
      { do: 'deny', id: 'two' },
      { do: 'approve', id: 'three', always: true },
    ]);
  });

  it('are none when they are something else', () => {
    const { questions, told, asked } = conversation();
    questions.onEvent(held('one'));
    for (const line of ['', 'yes please', 'Y!', '1']) questions.onAnswer(line);
    expect(told).toEqual([]);
    expect(asked.at(-1)).toContain('one');
  });

  it('never reach a request that took the place of the one they were typed for', () => {
    const { questions, told } = conversation();
    questions.onEvent(held('one'));
    questions.onEvent(held('two'));
    questions.onEvent({ event: 'released', id: 'one', by: 'timeout' });
    questions.onAnswer('y');
    expect(told).toEqual([]);
    questions.onAnswer('y');
    expect(told).toEqual([{ do: 'approve', id: 'two' }]);
  });
});

it('what an agent chose cannot move the terminal', () => {
  expect(heldText(held('one', { path: '/\u001b[2J\r\n' }))).not.toMatch(/[\x00-\x1f]/);
  expect(heldText(held('one', { credential: 'TOKEN' }))).toContain('with the credential TOKEN');
});

it('nothing but approve and deny is passed on to the proxy', () => {
  for (const line of ['{"do":"stop"}', '{"do":"approve"}', '{"do":"approve","id":1}', 'null', '[]', 'approve', '']) {
    expect(parseWord(line)).toBeNull();
  }
  expect(parseWord('{"do":"approve","id":"x","always":"yes","more":1}')).toEqual({
    do: 'approve',
    id: 'x',
    always: false,
  });
});
