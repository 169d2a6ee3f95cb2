// What `bottle why` does: compiles the spec with invented secrets, asks the proxy's decision, prints it.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { makePlaceholders } from '../../proxy/src/contract.ts';
import { compileProxyConfig } from '../plan/proxy-config.ts';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { paint, printLine } from '../report/output.ts';
import { safeJson } from '../report/printable.ts';
import { fixForDecision } from '../review/decision-fix.ts';
import { isRefusal } from '../review/group.ts';
import { decisionLines } from '../review/render.ts';
import { withCookieKey } from '../session/cookie-key.ts';
import { readHostAddresses } from '../session/host-addresses.ts';
import { loadSpec } from '../spec/load.ts';
import { askDecision } from './decide.ts';
import { parseHeader, parseMethod, parseUrl } from './request-text.ts';

export interface WhyOptions {
  readonly header: readonly string[];
  readonly body?: string;
  readonly json?: true;
}

export async function explainRequest(
  spec: string,
  methodText: string,
  urlText: string,
  options: WhyOptions,
): Promise<void> {
  const method = parseMethod(methodText);
  const place = parseUrl(urlText);
  const headers = options.header.map(parseHeader);
  const bottle = loadSpec(spec);
  const body = await readBody(options.body);
  const names = Object.keys(bottle.secrets);
  const placeholders = makePlaceholders(names.map((name) => [name, '']));
  const config = compileProxyConfig(bottle, {
    session: 'why',
    listen: { explicit: null, relaySocket: null, transparent: null, dns: null },
    dnsAnswer: '127.0.0.1',
    // Nothing is sent, so no real value is needed; these are random, so that no request holds them by chance.
    secrets: withCookieKey(
      bottle,
      names.map((name) => ({
        name,
        value: randomBytes(24).toString('hex'),
        placeholder: placeholders.get(name) ?? '',
      })),
    ),
    upstream: { roots: '', map: {}, refuse: readHostAddresses().own },
    auditPath: '',
    // The workspace is not read for a question.
    source: '',
  });
  const decision = await askDecision({ config, method, url: place.url, headers, body });
  const fix = fixForDecision(decision, { method, ...place });
  if (options.json) printLine(safeJson({ ...decision, spec_change: fix }));
  else printLine(decisionLines(decision, `${method} ${place.url}`, fix, paint).join('\n'));
  process.exitCode = isRefusal(decision) ? EXIT.no : EXIT.fine;
}

async function readBody(option: string | undefined): Promise<string> {
  if (option === undefined) return '';
  if (option === '-') return readAll(process.stdin);
  if (!option.startsWith('@')) return option;
  const file = option.slice(1);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new BottleError({
      what: `cannot read the body from ${file}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'give --body TEXT, --body @FILE, or --body - for stdin',
      exitCode: EXIT.input,
      cause: error,
    });
  }
}
