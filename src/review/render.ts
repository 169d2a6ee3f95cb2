// Groups and records as lines for a person. Everything that came from an agent is made printable here.
import type { AuditRecord, Decision } from '../../proxy/src/contract.ts';
import type { Style } from '../report/output.ts';
import { printable } from '../report/printable.ts';
import { tableLines } from '../report/table.ts';
import { type Fix, fixFor } from './fix.ts';
import { detectorsOf, type Group, isRefusal } from './group.ts';

/** Colours a text, or returns it as it is. */
export type Paint = (style: Style, text: string) => string;

const SHAPES_SHOWN = 4;
const PLACES_SHOWN = 3;

/** What passed: one table row a group. */
export function passedLines(groups: readonly Group[]): string[] {
  const hasUsage = groups.some(({ usage }) => usage !== null);
  const rows = groups.map((group) => [
    group.verdict,
    countText(group),
    clock(group.lastTs),
    hostAndPort(group),
    group.rule,
    group.injected.join(', ') || '-',
    [...group.detectors].join(', ') || '-',
    group.bytesOut.toString(),
    group.bytesIn.toString(),
    ...(hasUsage ? usageCells(group) : []),
  ]);
  return tableLines(
    [
      { title: 'VERDICT' },
      { title: 'COUNT', align: 'right' },
      { title: 'LAST' },
      { title: 'HOST' },
      { title: 'RULE' },
      { title: 'INJECTED' },
      { title: 'FOUND' },
      { title: 'SENT', align: 'right' },
      { title: 'RECEIVED', align: 'right' },
      ...(hasUsage ? USAGE_COLUMNS : []),
    ],
    rows,
  );
}

const USAGE_COLUMNS = (['TOKENS IN', 'TOKENS OUT', 'USD'] as const).map(
  (title) => ({ title, align: 'right' }) as const,
);

/** `~`: some of it is an estimate. */
function usageCells({ usage }: Group): string[] {
  if (usage === null) return ['-', '-', '-'];
  const about = usage.estimated ? '~' : '';
  const { input_tokens, output_tokens, cost_usd } = usage;
  return [
    `${about}${input_tokens}`,
    `${about}${output_tokens}`,
    cost_usd === null ? '-' : `${about}${Number(cost_usd.toFixed(4))}`,
  ];
}

/** What was refused, or allowed and not reached: a paragraph a group, with its fix. */
export function paragraphLines(groups: readonly Group[], paint: Paint): string[] {
  return groups.flatMap((group, index) => [...(index === 0 ? [] : ['']), ...paragraph(group, paint)]);
}

function paragraph(group: Group, paint: Paint): string[] {
  const headline = [
    isRefusal(group) ? paint('red', group.verdict) : paint('yellow', 'failed'),
    paint('bold', hostAndPort(group)),
    countText(group),
    `last ${clock(group.lastTs)}`,
    `${group.stage} ${printable(group.rule)}`,
    `id ${printable(group.lastId)}`,
  ].join('  ');
  return [
    headline,
    ...shapeLines(group),
    ...(group.reason === '' ? [] : [`    ${printable(group.reason)}`]),
    ...placeLines(group),
    ...fixLines(fixFor(group), paint),
  ];
}

function shapeLines({ shapes }: Group): string[] {
  const shown = shapes.filter(({ method, path }) => method !== '' || path !== '').slice(0, SHAPES_SHOWN);
  const lines = shown.map(
    ({ method, path, count }) => `    ${printable(`${method} ${path}`)}${count > 1 ? `  ${count}x` : ''}`,
  );
  return shapes.length > SHAPES_SHOWN ? [...lines, `    and ${shapes.length - SHAPES_SHOWN} more`] : lines;
}

function placeLines({ detectors, places }: Group): string[] {
  if (detectors.length === 0) return [];
  const more = places.length > PLACES_SHOWN ? ` and ${places.length - PLACES_SHOWN} more places` : '';
  const where = places.slice(0, PLACES_SHOWN).map(printable).join(', ');
  return [`    found ${detectors.map(printable).join(', ')} in ${where}${more}`];
}

/** Indented; YAML stands alone on its lines, ready to be copied. */
export function fixLines(fix: Fix, paint: Paint): string[] {
  switch (fix.do) {
    case 'add':
      return [
        `    to allow it, add under ${fix.where}:`,
        ...fix.lines.map((line) => `      ${paint('green', printable(line))}`),
        ...(fix.note === '' ? [] : [`    (${printable(fix.note)})`]),
      ];
    case 'remove':
      return [`    denied at ${fix.where}: ${printable(fix.note)}`];
    case 'nothing':
      return [`    no line to add: ${printable(fix.note)}`];
    default:
      return fix satisfies never;
  }
}

/** One line a record, for `--follow`. */
export function recordLine(record: AuditRecord, paint: Paint): string {
  const style = isRefusal(record) ? 'red' : record.verdict === 'allow' ? 'green' : 'yellow';
  const request =
    record.via === 'dns'
      ? `DNS ${record.method} ${record.host}`
      : `${record.method} ${record.host}${record.port === 443 ? '' : `:${record.port}`}${record.path}`;
  const parts = [
    clock(record.ts),
    paint(style, record.verdict.padEnd(6)),
    record.status === 0 ? '  -' : record.status.toString().padStart(3),
    printable(request),
  ];
  const detail = isRefusal(record) ? record.reason : '';
  const found = detectorsOf(record);
  const tail = [
    record.rule,
    ...(found.length > 0 ? [`found ${found.join(', ')}`] : []),
    ...(record.injected.length > 0 ? [`injected ${record.injected.join(', ')}`] : []),
    ...(record.kept === undefined ? [] : [`kept ${record.kept.join(', ')}`]),
    ...(detail === '' ? [] : [detail]),
    record.id,
  ];
  return [...parts, paint('dim', printable(tail.join('; ')))].join('  ');
}

/** The answer of `bottle why`. */
export function decisionLines(decision: Decision, request: string, fix: Fix | null, paint: Paint): string[] {
  const refused = isRefusal(decision);
  const verdict = refused
    ? paint('red', 'refused')
    : paint('green', decision.verdict === 'redact' ? 'redacted' : 'allowed');
  const fields: readonly (readonly [string, string])[] = [
    ['stage', decision.stage === 'none' ? '' : decision.stage],
    ['rule', decision.rule],
    ['reason', decision.reason],
    // Where our own line follows, the proxy's words for the agent would say it twice.
    ['fix', refused && (fix === null || fix.do === 'nothing') ? decision.fix : ''],
    ...decision.findings.map(
      ({ detector, where, length }) => ['found', `${detector} in ${where} (${length} characters)`] as const,
    ),
    ...decision.injected.map(
      (name, index) => ['injects', `${name} into ${decision.injectedInto[index] ?? 'the request'}`] as const,
    ),
  ];
  return [
    `${verdict}  ${printable(request)}`,
    ...fields.filter(([, text]) => text !== '').map(([title, text]) => `    ${title.padEnd(8)} ${printable(text)}`),
    ...(fix === null ? [] : fixLines(fix, paint)),
  ];
}

function countText({ count, lookups }: Group): string {
  if (count === 0) return `${lookups} DNS`;
  return lookups === 0 ? `${count}x` : `${count}x +${lookups} DNS`;
}

function hostAndPort({ host, port }: Group): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return printable(port === 0 || port === 443 ? shown : `${shown}:${port}`);
}

/** Local time of day. */
function clock(ts: string): string {
  const time = new Date(ts);
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => part.toString().padStart(2, '0'))
    .join(':');
}
