// Judges what a request carries after its head: whole bodies, streamed bodies, WebSocket messages, trailers.
import type { Finding, Route } from '../contract.ts';
import type { BodyMeta, Match, Scanner, StreamStep, Unjudged } from '../dlp/types.ts';
import { replaceSpans } from './head-scan.ts';
import type { Admitted, BodyJudgement, BodyStream, HoldableJudgement, Refusal, StreamJudgement } from './types.ts';
import {
  actionOn,
  actionOnUnjudged,
  findingOfUnjudged,
  holdMatches,
  MOST_FINDINGS,
  refuseMatches,
  refuseUnjudged,
  sortMatches,
} from './verdict.ts';

export interface BodyJudge {
  /** `where`: `body` or `message`. */
  judge(route: Route, where: string, body: Buffer, meta: BodyMeta): HoldableJudgement;
  /** `isSealed`: the head holds a digest of the body as it came, which would no longer be right. */
  stream(route: Route, where: string, meta: BodyMeta, isSealed?: boolean): BodyStream;
  judgeUnread(route: Route, where: string, unjudged: Unjudged, payload: Buffer): BodyJudgement;
  /** `isOwn`: a field of ours, which the agent cannot send behind the body either. */
  judgeTrailers(route: Route, rawTrailers: readonly string[], isOwn: (name: string) => boolean): HoldableJudgement;
}

const NOTHING = Buffer.alloc(0);
/** The head of a WebSocket request says nothing about its messages. */
export const WEBSOCKET_META: BodyMeta = { contentType: '', contentEncoding: '' };
/** Fields that frame, route or authenticate: RFC 9110 section 6.5.1 keeps them out of trailers. */
const NO_TRAILER =
  /^(authorization|cookie|set-cookie|host|content-.*|transfer-encoding|te|trailer|connection|keep-alive|upgrade|expect|range|if-.*|proxy-.*)$/;

export function createBodyJudge(scanner: Scanner, hostsOf: (secret: string) => readonly string[]): BodyJudge {
  const anywhere = (): boolean => true;

  function judge(route: Route, where: string, body: Buffer, meta: BodyMeta): HoldableJudgement {
    if (body.length === 0) return { do: 'pass', body, findings: [], redacted: false };
    const scan = scanner.scanBody(where, body, meta);
    if (scan.matches.length === 0 && scan.unjudged === null) return { do: 'pass', body, findings: [], redacted: false };
    const sorted = sortMatches(route, scan.matches, anywhere, true);
    const findings = [...sorted.findings];
    const unread = scan.unjudged === null ? 'none' : actionOnUnjudged(route, scan.unjudged);
    if (unread !== 'none') findings.push(findingOfUnjudged(scan.unjudged!, where, body.length));
    if (sorted.blocking.length > 0) {
      return { do: 'refuse', refusal: refuseMatches(route, { ...sorted, findings }, hostsOf) };
    }
    if (unread === 'block') return { do: 'refuse', refusal: refuseUnjudged(route, scan.unjudged!, where, findings) };
    const redacted = sorted.redacting.length > 0;
    const chosen = new Set(sorted.redacting);
    const sent = redacted ? scan.rewrite((match) => chosen.has(match)) : body;
    const passed = { do: 'pass', body: sent, findings, redacted } as const;
    if (sorted.holding.length === 0) return passed;
    return { do: 'hold', held: holdMatches(route, { ...sorted, findings }, hostsOf), passed };
  }

  function stream(route: Route, where: string, meta: BodyMeta, isSealed = false): BodyStream {
    // `aws-chunked` signs its chunks one by one.
    const mayRewrite = isIdentity(meta) || !(isSealed || meta.contentEncoding.includes('aws-chunked'));
    const redact = mayRewrite && redactsAny(route) ? (match: Match) => actionOn(route, match) === 'redact' : null;
    const scan = scanner.scanStream(where, meta, redact);
    // Compressed bytes that leave as they came: there a match cannot be rewritten, only stopped.
    const canRedact = redact !== null && (isIdentity(meta) || scan.isWrittenAnew);
    const findings: Finding[] = [];
    let redacted = false;
    let refusal: Refusal | null = null;
    let seenBytes = 0;

    function take(step: StreamStep): StreamJudgement {
      const sorted = sortMatches(route, step.matches, () => canRedact, true);
      findings.push(...sorted.findings.slice(0, Math.max(0, MOST_FINDINGS - findings.length)));
      const unread = step.unjudged === null ? 'none' : actionOnUnjudged(route, step.unjudged);
      if (unread !== 'none') findings.push(findingOfUnjudged(step.unjudged!, where, seenBytes));
      if (sorted.blocking.length > 0) refusal = refuseMatches(route, { ...sorted, findings }, hostsOf);
      else if (unread === 'block') refusal = refuseUnjudged(route, step.unjudged!, where, findings);
      else if (step.unjudged !== null && step.isBroken) {
        refusal = { ...refuseUnjudged(route, step.unjudged, where, findings), fix: 'send it uncompressed' };
      }
      if (refusal !== null) return { do: 'refuse', refusal };
      if (sorted.redacting.length > 0) redacted = true;
      if (sorted.holding.length === 0) return { do: 'pass', release: step.release };
      return { do: 'hold', held: holdMatches(route, sorted, hostsOf), release: step.release };
    }

    return {
      // Refused once is refused for good.
      push(chunk) {
        seenBytes += chunk.length;
        return refusal === null ? take(scan.push(chunk)) : { do: 'refuse', refusal };
      },
      settle: () => (refusal === null ? take(scan.settle()) : { do: 'refuse', refusal }),
      end: () => (refusal === null ? take(scan.end()) : { do: 'refuse', refusal }),
      findings,
      get redacted() {
        return redacted;
      },
      mayChangeLength: canRedact,
    };
  }

  function judgeUnread(route: Route, where: string, unjudged: Unjudged, payload: Buffer): BodyJudgement {
    const action = actionOnUnjudged(route, unjudged);
    const findings = action === 'none' ? [] : [findingOfUnjudged(unjudged, where, payload.length)];
    if (action === 'block') return { do: 'refuse', refusal: refuseUnjudged(route, unjudged, where, findings) };
    return { do: 'pass', body: payload, findings, redacted: false };
  }

  function judgeTrailers(
    route: Route,
    rawTrailers: readonly string[],
    isOwn: (name: string) => boolean,
  ): HoldableJudgement {
    const matches: Match[] = [];
    let redacted = false;
    let text = '';
    const values: string[] = [];
    for (let i = 0; i < rawTrailers.length; i += 2) {
      const name = rawTrailers[i]!;
      const value = rawTrailers[i + 1]!;
      const lower = name.toLowerCase();
      if (NO_TRAILER.test(lower) || isOwn(name)) return { do: 'refuse', refusal: forbiddenTrailer(route) };
      const inName = scanner.scanText('trailer name', name);
      const inValue = scanner.scanText('trailer', value);
      matches.push(...inName, ...inValue);
      values.push(value);
      const { redacting } = sortMatches(route, inValue, anywhere);
      if (redacting.length > 0) redacted = true;
      // A name cannot hold the replacement: a redacted match in it refuses below.
      if (inName.some((match) => actionOn(route, match) === 'redact')) {
        return {
          do: 'refuse',
          refusal: refuseMatches(
            route,
            sortMatches(route, inName, () => false),
            hostsOf,
          ),
        };
      }
      text += `${name}: ${replaceSpans(value, redacting, (match) => scanner.replacement(match))}\r\n`;
    }
    if (matches.length === 0 && values.length > 1) {
      const sorted = sortMatches(route, scanner.scanJoined('trailers', values), () => false);
      if (sorted.blocking.length > 0) return { do: 'refuse', refusal: refuseMatches(route, sorted, hostsOf) };
    }
    const sorted = sortMatches(route, matches, anywhere, true);
    if (sorted.blocking.length > 0) return { do: 'refuse', refusal: refuseMatches(route, sorted, hostsOf) };
    const body = text === '' ? NOTHING : Buffer.from(text, 'latin1');
    const passed = { do: 'pass', body, findings: sorted.findings, redacted } as const;
    if (sorted.holding.length === 0) return passed;
    return { do: 'hold', held: holdMatches(route, sorted, hostsOf), passed };
  }

  return { judge, stream, judgeUnread, judgeTrailers };
}

function forbiddenTrailer(route: Route): Refusal {
  return {
    stage: 'protocol',
    rule: 'forbidden-trailer',
    reason: 'a trailer names a field that belongs to the head of a request',
    fix: 'send it as a header',
    errorShape: route.errorShape,
    findings: [],
  };
}

export const isIdentity = ({ contentEncoding }: BodyMeta): boolean =>
  contentEncoding === '' || contentEncoding === 'identity';

const redactsAny = ({ dlp }: Route): boolean =>
  dlp.onMatch === 'redact' || (dlp.actions !== undefined && Object.values(dlp.actions).includes('redact'));

/** Of the bytes that are sent: RFC 1864, 3230 and 9530, and the signed ones of object stores. */
const DIGEST =
  /^(?:content-md5|(?:content-|repr-)?digest|x-amz-(?:content-sha256|checksum-.*)|x-goog-hash|x-ms-content-crc64)$/i;

export function hasDigest({ rawHeaders }: Pick<Admitted, 'rawHeaders'>): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) if (DIGEST.test(rawHeaders[i]!)) return true;
  return false;
}

/** The fields that say how a body is written. */
export function bodyMetaOf({ rawHeaders }: Pick<Admitted, 'rawHeaders'>): BodyMeta {
  let contentType = '';
  const encodings: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    // Both names have a length of their own among usual fields: no lower-casing for the others.
    if (name.length === 12 && name.toLowerCase() === 'content-type') contentType ||= rawHeaders[i + 1]!.trim();
    else if (name.length === 16 && name.toLowerCase() === 'content-encoding') encodings.push(rawHeaders[i + 1]!);
  }
  return { contentType, contentEncoding: encodings.join(',').trim().toLowerCase() };
}
