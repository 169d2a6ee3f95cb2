// Runs lint, types and the named test projects, all of them whatever fails, and ends with one line of counts:
// scripts/checks.ts PROJECT... [-- VITEST-ARG...]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface TestReport {
  readonly numTotalTests: number;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string }[];
}

const split = process.argv.indexOf('--');
const projects = process.argv.slice(2, split === -1 ? undefined : split);
const passedOn = split === -1 ? [] : process.argv.slice(split + 1);

/** The tokens of the search's tests are made from a seed: the same ones here each time, fresh ones with `BOTTLE_SEED=$RANDOM`. */
const ENVIRONMENT = { BOTTLE_SEED: '1', ...process.env };

const began = Date.now();
const work = mkdtempSync(join(tmpdir(), 'bottle-checks-'));
try {
  const lint = runs('biome', ['check', '--error-on-warnings']);
  const types = runs('tsc', ['-p', '.']);
  const report = join(work, 'tests.json');
  const tests = runs('vitest', [
    'run',
    ...projects.map((project) => `--project=${project}`),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...passedOn,
  ]);
  const seconds = ((Date.now() - began) / 1000).toFixed(0);
  console.log(
    `\nlint ${word(lint)}, types ${word(types)}, ${countTests(report)} (${projects.join(', ')}; ${seconds} s)`,
  );
  process.exitCode = lint && types && tests ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

function runs(command: string, args: readonly string[]): boolean {
  console.log(`\n$ ${command} ${args.filter((arg) => !arg.includes(work)).join(' ')}`);
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env: ENVIRONMENT }).status === 0;
}

function word(good: boolean): string {
  return good ? 'ok' : 'FAILED';
}

function countTests(file: string): string {
  let report: TestReport;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return `tests FAILED to run: ${error instanceof Error ? error.message : error}`;
  }
  const skipped = report.numTotalTests - report.numPassedTests - report.numFailedTests;
  const failedFiles = report.testResults.filter((file) => file.status !== 'passed').length;
  return [
    `${report.numPassedTests} tests passed`,
    `${report.numFailedTests} failed`,
    `${skipped} skipped`,
    `${report.testResults.length} files${failedFiles > 0 ? ` (${failedFiles} FAILED)` : ''}`,
  ].join(', ');
}
