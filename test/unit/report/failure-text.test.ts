import { expect, test } from 'vitest';
import { BottleError, EXIT } from '../../../src/report/bottle-error.ts';
import { failureText } from '../../../src/report/failure-text.ts';
import { SpecError } from '../../../src/report/spec-error.ts';

const failure = new BottleError({
  what: 'cannot reach Docker',
  why: 'no socket',
  fix: 'start Docker',
  cause: new Error('ENOENT'),
});

test('an expected failure is one line: what, why, fix', () => {
  expect(failureText(failure, false)).toEqual({
    lines: ['bottle: cannot reach Docker: no socket; start Docker'],
    exitCode: EXIT.failed,
  });
});

test('with debugging its stack and its cause follow', () => {
  const text = failureText(failure, true).lines.join('\n');
  expect(text).toContain('failure-text.test.ts');
  expect(text).toContain('caused by:');
  expect(text).toContain('ENOENT');
});

test('every problem of a spec is a line of its own that an editor can jump to', () => {
  const problem = { file: 'a.yaml', line: 3, col: 5, what: 'unknown key "hots"', why: '', fix: 'did you mean "host"?' };
  expect(failureText(new SpecError([problem, { ...problem, line: 9 }]), false)).toEqual({
    lines: [
      'a.yaml:3:5: unknown key "hots"; did you mean "host"?',
      'a.yaml:9:5: unknown key "hots"; did you mean "host"?',
    ],
    exitCode: EXIT.input,
  });
});

test('a bug says that it is one and how to see more', () => {
  expect(failureText(new TypeError('x is not a function'), false)).toEqual({
    lines: ['bottle: unexpected failure: x is not a function; set BOTTLE_DEBUG=1 to see where, and report it'],
    exitCode: EXIT.failed,
  });
});

test('foreign text in a failure cannot steer the terminal', () => {
  const evil = new BottleError({ what: 'bad\u001b[2J', why: 'a\nb', fix: 'c' });
  expect(failureText(evil, false).lines).toEqual(['bottle: bad: a b; c']);
});
