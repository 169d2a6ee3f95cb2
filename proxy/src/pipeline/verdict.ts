// What a match means on a route: refuse, rewrite, note or nothing; and the words of a refusal.
import type { Finding, Route, Stage } from '../contract.ts';
import { RULES_DEADLINE } from '../dlp/matching.ts';
import { SOURCE_DETECTOR } from '../dlp/source/source-index.ts';
import type { Match, Unjudged } from '../dlp/types.ts';
import { UNDECODABLE } from '../dlp/unpacking.ts';
import type { BodyJudgement, Held, HoldableJudgement, Refusal } from './types.ts';

export type Action = 'block' | 'redact' | 'hold' | 'log' | 'none';

/**
 * Exact kinds (a known secret, a placeholder out of place) are never only noted: they are rewritten on routes that redact and refused
 * everywhere else. Nothing silences them, and nobody is asked.
 */
export function actionOn(route: Route, match: Match): Action {
  const { onMatch, actions } = route.dlp;
  if (match.kind !== 'detector') return onMatch === 'redact' ? 'redact' : 'block';
  if (isExcepted(route, match.detector, match.fingerprint)) return 'none';
  const action = actions?.[match.detector] ?? onMatch;
  // A person could not tell what is in it either.
  if (match.detector === UNDECODABLE && action === 'hold') return 'block';
  // What was not searched to its end cannot be rewritten.
  return match.detector === RULES_DEADLINE && action === 'redact' ? 'block' : action;
}

/**
 * Content that could not be read is refused wherever a match would be: it cannot be rewritten, and a person could not tell whether a secret of
 * the spec is in it.
 */
export function actionOnUnjudged(route: Route, unjudged: Unjudged): 'block' | 'log' | 'none' {
  if (isExcepted(route, unjudged.kind, '')) return 'none';
  return route.dlp.onMatch === 'log' ? 'log' : 'block';
}

function isExcepted(route: Route, detector: string, fingerprint: string): boolean {
  const { except } = route.dlp;
  if (except.length === 0) return false;
  if (except.includes(detector)) return true;
  return fingerprint !== '' && (except.includes(fingerprint) || except.includes(`${detector}:${fingerprint}`));
}

/** Findings that one exchange reports: an agent could repeat a token a million times. */
export const MOST_FINDINGS = 64;
/** Longest place in a finding, in characters: keys of a body are an agent's own words. */
const LONGEST_PLACE = 160;

export interface Sorted {
  /** Every match but the excepted ones, once each. */
  readonly findings: readonly Finding[];
  /** Matches that refuse the request; the first names the refusal. */
  readonly blocking: readonly Match[];
  readonly redacting: readonly Match[];
  /** Matches that a person decides on. */
  readonly holding: readonly Match[];
}

/**
 * `canRedact`: false where a rewrite is impossible; what would be redacted is then refused. `canWait`: whether the caller asks a person;
 * what would be held is refused where nobody does.
 */
export function sortMatches(
  route: Route,
  matches: readonly Match[],
  canRedact: (match: Match) => boolean,
  canWait = false,
): Sorted {
  const findings = new Map<string, Finding>();
  const blocking: Match[] = [];
  const redacting: Match[] = [];
  const holding: Match[] = [];
  for (const match of matches) {
    const action = actionOn(route, match);
    if (action === 'none') continue;
    if (findings.size < MOST_FINDINGS) {
      findings.set(`${match.detector} ${match.where} ${match.fingerprint}`, findingOf(match));
    }
    if (action === 'hold' && canWait) holding.push(match);
    else if (action === 'block' || action === 'hold' || (action === 'redact' && (match.isFixed || !canRedact(match))))
      blocking.push(match);
    else if (action === 'redact') redacting.push(match);
  }
  return { findings: [...findings.values()], blocking, redacting, holding };
}

export function findingOf({ detector, where, length, fingerprint }: Match): Finding {
  return { detector, where: placeOf(where), length, fingerprint };
}

function placeOf(where: string): string {
  const plain = where.replace(/[\x00-\x1f\x7f]/g, '?');
  return plain.length > LONGEST_PLACE ? `${plain.slice(0, LONGEST_PLACE - 3)}...` : plain;
}

/** `lengthBytes`: of the content that could not be read. */
export function findingOfUnjudged(unjudged: Unjudged, where: string, lengthBytes: number): Finding {
  return { detector: unjudged.kind, where, length: lengthBytes, fingerprint: '' };
}

/** `hostsOf`: where a secret's placeholder may go. */
export function refuseMatches(
  route: Route,
  sorted: Pick<Sorted, 'blocking' | 'findings'>,
  hostsOf: (secret: string) => readonly string[],
  isAsked = false,
): Refusal {
  const first = loudest(sorted.blocking);
  const more = new Set(sorted.blocking.map(({ fingerprint }) => fingerprint)).size - 1;
  const stage: Stage = first.kind === 'placeholder' ? 'placeholder' : 'dlp';
  return {
    stage,
    rule: first.detector,
    reason: `${subject(first)} in ${placeOf(first.where)}${more > 0 ? ` and ${more} more` : ''} (${route.id})${isAsked || actionOn(route, first) !== 'hold' ? '' : CANNOT_WAIT}`,
    fix: fixOf(route, first, hostsOf(first.secret)),
    errorShape: route.errorShape,
    findings: sorted.findings,
  };
}

/** A secret in several places, and a ping, are nothing that could wait by itself. */
const CANNOT_WAIT = ', where nothing can wait for a person';

/** What a person is asked about the matches in `sorted.holding`. */
export function holdMatches(
  route: Route,
  sorted: Pick<Sorted, 'holding' | 'findings'>,
  hostsOf: (secret: string) => readonly string[],
): Held {
  const { holding, findings } = sorted;
  return {
    refusal: refuseMatches(route, { blocking: holding, findings }, hostsOf, true),
    keys: [...new Set(holding.map(({ detector, fingerprint }) => `${detector}:${fingerprint}`))],
  };
}

/** Longest words of a question about several things, in characters. */
const LONGEST_QUESTION = 600;
const AND_MORE = '; and more';

/** One question for both. */
export function joinHeld(first: Held | null, second: Held | null): Held | null {
  if (first === null || second === null) return first ?? second;
  const { refusal } = first;
  const both = `${refusal.reason}; ${second.refusal.reason}`;
  const isFull = both.length > LONGEST_QUESTION;
  const reason = !isFull ? both : refusal.reason.endsWith(AND_MORE) ? refusal.reason : `${refusal.reason}${AND_MORE}`;
  const findings = [...new Set([...refusal.findings, ...second.refusal.findings])].slice(0, MOST_FINDINGS);
  const confirm = first.confirm ?? second.confirm;
  const keys = [...first.keys, ...second.keys];
  return { refusal: { ...refusal, reason, findings }, keys, ...(confirm === undefined ? {} : { confirm }) };
}

/** What a person must say first; null = nothing. */
export function heldOf(judged: { readonly do: 'pass' } | { readonly do: 'hold'; readonly held: Held }): Held | null {
  return judged.do === 'hold' ? judged.held : null;
}

/** What may leave, at once or later. */
export function passedOf(judged: Exclude<HoldableJudgement, { do: 'refuse' }>): Passed {
  return judged.do === 'hold' ? judged.passed : judged;
}

type Passed = Extract<BodyJudgement, { do: 'pass' }>;

/** The same judgement where nothing can wait. */
export function withoutWaiting(judged: HoldableJudgement): BodyJudgement {
  if (judged.do !== 'hold') return judged;
  const { refusal } = judged.held;
  return { do: 'refuse', refusal: { ...refusal, reason: `${refusal.reason}${CANNOT_WAIT}` } };
}

/** A placeholder on its way to a place it is not bound to, or a canary, is the loudest alarm: it names the refusal. */
function loudest(matches: readonly Match[]): Match {
  const [first] = matches;
  return matches.find(({ kind }) => kind === 'placeholder') ?? matches.find(({ kind }) => kind === 'canary') ?? first!;
}

function subject(match: Match): string {
  switch (match.kind) {
    case 'known-secret':
      return `the value of secret ${match.secret}`;
    case 'placeholder':
      return `the placeholder of secret ${match.secret}`;
    case 'canary':
      return `the canary ${match.secret}, which nothing uses`;
    case 'detector':
      return match.detector === UNDECODABLE ? 'what cannot be searched for secrets' : match.detector;
    default:
      return match.kind satisfies never;
  }
}

function fixOf(route: Route, match: Match, boundHosts: readonly string[]): string {
  const hint = route.errorShape === 'plain' ? '' : ', or take it out of the conversation (a new session forgets it)';
  const bound = boundHosts.length === 0 ? 'no host' : boundHosts.join(', ');
  switch (match.kind) {
    case 'known-secret':
      return `bottle adds this secret by itself to requests for ${bound}; send it nowhere else${hint}`;
    case 'placeholder':
      // No name of a spec holds a dot.
      if (boundHosts.length === 0 && match.secret.includes('.')) {
        return `its token came so long ago that it is forgotten: ask for a new one${hint}`;
      }
      return boundHosts.length === 0
        ? `no egress.allow entry uses ${match.secret}: add auth or placeholder to the one it is meant for${hint}`
        : `it belongs to ${bound} alone, in the place that its auth names${hint}`;
    case 'canary':
      return `somebody collects secrets here: look at what the agent ran and read before this${hint}`;
    case 'detector':
      if (match.detector === SOURCE_DETECTOR.id) {
        return `if the workspace's source may go there: source: allowed on the egress.allow entry for ${route.host}${hint}`;
      }
      if (match.detector === UNDECODABLE) {
        return `send it unpacked and unencrypted, or dlp: { except: [${UNDECODABLE}] } on the egress.allow entry for ${route.host}${hint}`;
      }
      return `use the secret through secrets and auth; if it is none: dlp: { except: [${match.detector}] } on the egress.allow entry for ${route.host}${hint}`;
    default:
      return match.kind satisfies never;
  }
}

export function refuseUnjudged(route: Route, unjudged: Unjudged, where: string, findings: readonly Finding[]): Refusal {
  const what =
    unjudged.kind === 'undecodable' ? `cannot be decoded (${unjudged.detail})` : 'decodes to more than the limit';
  return {
    stage: 'dlp',
    rule: unjudged.kind,
    reason: `the ${where} ${what} and so cannot be searched for secrets (${route.id})`,
    fix: `send it uncompressed${unjudged.kind === 'over_budget' ? ' or in smaller pieces' : ''}, or dlp: { except: [${unjudged.kind}] } on the egress.allow entry for ${route.host}`,
    errorShape: route.errorShape,
    findings,
  };
}
