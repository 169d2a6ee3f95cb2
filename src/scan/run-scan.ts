// What `bottle scan` does: searches files the way the proxy searches what an agent sends, and prints what it found.
import { isAbsolute, relative, resolve } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { DEFAULT_LIMITS, type DetectorText, type ScanFinding, type ScanRequest } from '../../proxy/src/contract.ts';
import { compileRoutes } from '../plan/proxy-config.ts';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { paint, printLine, printNote, printWarning } from '../report/output.ts';
import { printable, safeJson } from '../report/printable.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import { loadSpec } from '../spec/load.ts';
import { readFingerprintKey } from '../state/fingerprint-key.ts';
import { stateDir } from '../state/paths.ts';
import { loadHostTrust } from '../trust/host-trust.ts';
import { askScan } from './ask-scan.ts';
import { sarifLog } from './sarif.ts';

export interface ScanOptions {
  readonly spec?: string;
  readonly known?: true;
  readonly all?: true;
  readonly json?: true;
  readonly sarif?: true;
}

export async function runScan(targets: readonly string[], options: ScanOptions): Promise<void> {
  if (options.json && options.sarif)
    throw wrong('--json and --sarif were both given', 'there is one output', 'choose one');
  if (options.known && options.spec === undefined) {
    throw wrong(
      '--known was given without --spec',
      "it searches for the values of a spec's secrets",
      'add --spec FILE',
    );
  }
  const request: ScanRequest = {
    ...(await searchOf(options)),
    targets: targets.map((target) => (target === '-' ? target : resolve(target))),
    everything: options.all === true,
    decodedBytes: DEFAULT_LIMITS.decodedBytes,
  };
  const progress = new Progress();
  const findings: ScanFinding[] = [];
  let detectors: readonly DetectorText[] = [];
  let isWhole = true;
  for await (const event of askScan(request, targets.includes('-') ? process.stdin : null)) {
    switch (event.event) {
      case 'begin':
        detectors = event.detectors;
        progress.begin(event.files);
        break;
      case 'progress':
        progress.show(event.files, event.bytes);
        break;
      case 'finding':
        findings.push(event.finding);
        if (options.sarif) break;
        progress.clear();
        printLine(options.json ? safeJson(event.finding) : findingLine(event.finding));
        break;
      case 'unread':
        isWhole = false;
        progress.clear();
        printWarning(`${shownFile(event.file)} was not searched whole: ${printable(event.why)}`);
        break;
      case 'done':
        progress.clear();
        if (options.sarif) printLine(safeJson(sarifLog(findings, detectors, packageJson.version, sarifName), 2));
        printNote(summary(event.files, event.bytes, event.skipped, findings.length));
        break;
      case 'fatal':
        break;
      default:
        event satisfies never;
    }
  }
  // What was not read is not known to be clean.
  process.exitCode = findings.length > 0 || !isWhole ? EXIT.no : EXIT.fine;
}

async function searchOf(options: ScanOptions): Promise<Pick<ScanRequest, 'dlp' | 'secrets'>> {
  const fingerprintKey = readFingerprintKey(stateDir());
  if (options.spec === undefined) return { dlp: { detectors: null, source: '', fingerprintKey }, secrets: [] };
  const bottle = loadSpec(options.spec);
  const { dlp } = compileRoutes(bottle, { source: '', fingerprintKey });
  if (!options.known) return { dlp, secrets: [] };
  const surroundings = { env: process.env, specFile: bottle.file, roots: loadHostTrust(process.env) };
  const { secrets, warnings } = await resolveSecrets(bottle.secrets, surroundings);
  for (const warning of warnings) printWarning(warning);
  // There is no session, so there are no placeholders.
  return { dlp, secrets: [...secrets].map(([name, secret]) => ({ name, value: secret.reveal(), placeholder: '' })) };
}

function findingLine({ file, line, column, detector, where, length, fingerprint }: ScanFinding): string {
  const place = line === null ? shownFile(file) : `${shownFile(file)}:${line}:${column}`;
  const inside = where.replace(/^file(?: > | |$)/, '');
  const details = `${length} characters, ${fingerprint}`;
  return `${place}: ${paint('red', detector)}${inside === '' ? '' : ` in ${printable(inside)}`} (${details})`;
}

function summary(files: number, bytes: number, skipped: number, findings: number): string {
  const found = findings === 0 ? 'nothing found' : `${findings} ${findings === 1 ? 'finding' : 'findings'}`;
  const left = skipped === 0 ? '' : `, ${skipped} left out (links, .git, node_modules; --all takes the directories in)`;
  return `bottle: ${files} ${files === 1 ? 'file' : 'files'}, ${(bytes / 1e6).toFixed(1)} MB: ${found}${left}`;
}

function shownFile(file: string): string {
  return file === '-' ? 'stdin' : printable(relativeName(file));
}

function sarifName(file: string): string {
  return file === '-' ? 'stdin' : relativeName(file).replaceAll('\\', '/');
}

/** As short as it gets, absolute where it is not below the working directory. */
function relativeName(file: string): string {
  const name = relative(process.cwd(), file);
  return name === '' || name.startsWith('..') || isAbsolute(name) ? file : name;
}

/** One line on a terminal that rewrites itself; nothing elsewhere. */
class Progress {
  #files = 0;
  #isShown = false;

  begin(files: number): void {
    this.#files = files;
  }

  show(files: number, bytes: number): void {
    if (process.stderr.isTTY !== true) return;
    process.stderr.write(`\r${files} of ${this.#files} files, ${(bytes / 1e6).toFixed(0)} MB\x1b[K`);
    this.#isShown = true;
  }

  clear(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[K');
    this.#isShown = false;
  }
}

function wrong(what: string, why: string, fix: string): BottleError {
  return new BottleError({ what, why, fix, exitCode: EXIT.input });
}
