// The order of the checks: readable as the specification. Pure: no sockets, and the clock is given.
import { type Finding, HELD_COOKIES, type ProxyConfig, type Route } from '../contract.ts';
import type { BodyMeta, Match, Scanner, Unjudged } from '../dlp/types.ts';
import { bodyMetaOf, createBodyJudge, hasDigest, isIdentity, WEBSOCKET_META } from './body-scan.ts';
import { createCleanHeadTest, isStandardMethod, textsOf } from './clean-head.ts';
import type { Confirm } from './confirm.ts';
import { CookieGuard } from './cookie-guard.ts';
import { EnvelopeStream, envelopesOf, withoutRewriting } from './envelopes.ts';
import { createExpiries, type Expiries, expiryClock } from './expiry.ts';
import { createForeignCredentials } from './foreign-credentials.ts';
import { createGitGate } from './git/git-gate.ts';
import { createGraphqlGate } from './graphql-gate.ts';
import { type Head, rewriteHead, scanHead } from './head-scan.ts';
import { type CookieHolder, createCookieHolder } from './held-cookies.ts';
import { injectWithCookies } from './inject.ts';
import { swapMessage, withoutLegalMessage } from './opening-messages.ts';
import { indexPlaces, isOwnHeader, withoutLegalBody, withoutLegalPath } from './places.ts';
import { createPolicy, type PolicyQuestion } from './policy.ts';
import { recordPathOf, redactPieces } from './record-path.ts';
import { createResponseGuards } from './response-guard.ts';
import { checkHead } from './sanity.ts';
import { NotSigned } from './sign/agent-signature.ts';
import { joinTarget, splitTarget } from './target.ts';
import { createTrail, type Leaving, newTrailMemory, type TrailMemory } from './trail.ts';
import { leavingLabels, leavingOf, piecesOfBody } from './trail-pieces.ts';
import type {
  Admitted,
  BodyStream,
  HeadJudgement,
  Held,
  HoldableJudgement,
  NameJudgement,
  Pipeline,
  Refusal,
  RequestView,
} from './types.ts';
import {
  findingOf,
  holdMatches,
  joinHeld,
  MOST_FINDINGS,
  refuseMatches,
  sortMatches,
  withoutWaiting,
} from './verdict.ts';

/** Compiles the configuration once. Throws ProxyFailure when a part of it cannot be enforced (unsafe credential, unknown secret). */
export function createPipeline(
  config: ProxyConfig,
  scanner: Scanner,
  now: () => number = () => performance.now(),
  memory: TrailMemory = newTrailMemory(),
  expiries: Expiries = createExpiries(expiryClock()),
  today: () => number = Date.now,
): Pipeline {
  const policy = createPolicy(config);
  const places = indexPlaces(config);
  const cookies = createCookieHolder(config);
  const guards = createResponseGuards({
    valueOf: places.valueOf,
    fingerprintOf: (secret) =>
      scanner.scanText('', places.valueOf(secret)).find((match) => match.secret === secret)?.fingerprint ?? '',
  });
  const bodies = createBodyJudge(scanner, places.hostsOf);
  const isCleanHead = createCleanHeadTest(scanner);
  const graphql = createGraphqlGate(config);
  const pushes = createGitGate(config);
  const foreignCredentials = createForeignCredentials(scanner);
  const trail = createTrail(
    scanner,
    config.secrets.flatMap(({ value, placeholder }) => [value, placeholder]).filter((text) => text !== ''),
    now,
    memory,
  );
  /** Requests whose target holds no match as it came: their records need no second search. */
  const cleanTargets = new WeakSet<RequestView>();
  const quote = (text: string): string => printable(redactPieces(scanner, text));

  function judgeHead(view: RequestView): HeadJudgement {
    // 1. Protocol: what no upstream should be asked to interpret.
    const flaw = checkHead(view);
    if (flaw !== null) return refuse({ ...flaw, stage: 'protocol', errorShape: 'plain', findings: [] });

    // 2. Policy: host, port, scheme, method, path, query, headers. Deny wins; the first route that allows decides.
    const received = splitTarget(view.target);
    const answer = policy.judge(view, received, quote);
    if (answer.do === 'refuse') {
      const { rule, reason, fix, errorShape } = answer;
      return refuse({ stage: 'policy', rule, reason, fix, errorShape, findings: findingsOfRefused(view) });
    }
    const { route } = answer;
    const over = expiries.refusal(route);
    if (over !== null) return refuse({ ...over, findings: findingsOfRefused(view) });
    const misplaced = graphql.judgeTarget(route, received);
    if (misplaced !== null) return refuse({ ...misplaced, findings: findingsOfRefused(view) });
    const own = places.of(route);
    const target = { path: withoutLegalPath(own, answer.path), query: received.query };
    const isHostOpen = route.host !== view.host || answer.do === 'hold';
    const kept = cookies === null || route.cookies === undefined ? null : openCookies(view, answer.path, cookies);
    const head: Head = { view: kept?.view ?? view, target, places: own, isHostOpen };
    const held = answer.do === 'hold' ? heldByPolicy(view, answer) : heldBySpec(answer);
    // What is taken off is no reason to refuse, and worth a line in the record.
    const foreign = uniqueFindings(foreignCredentials(head));
    const plain = {
      route,
      rule: route.id,
      target: joinTarget(target),
      rawHeaders: head.view.rawHeaders,
      ...kept?.admitted,
    };

    // 3. DLP and placeholders on everything of the head that would leave.
    const texts = textsOf(head);
    if (isCleanHead(texts)) {
      if (target.path === received.path) cleanTargets.add(view);
      const late = completes(route, leavingOf(head, texts));
      return late !== null ? refuse(late) : admit({ ...plain, findings: foreign, verdict: 'allow' }, held);
    }
    const found = scanHead(scanner, head);
    const spots = new Map(found.map(({ match, spot }) => [match, spot]));
    const sorted = sortMatches(
      route,
      found.map(({ match }) => match),
      (match) => spots.get(match)?.in !== 'fixed',
      true,
    );
    if (sorted.blocking.length > 0) return refuse(refuseMatches(route, sorted, places.hostsOf));
    const asked = sorted.holding.length === 0 ? held : joinHeld(held, holdMatches(route, sorted, places.hostsOf));
    const findings = [...sorted.findings, ...foreign];
    if (sorted.redacting.length === 0) return admit({ ...plain, findings, verdict: 'allow' }, asked);

    // 4. A rewritten head must still be one that the route allows.
    const chosen = new Set<Match>(sorted.redacting);
    const rewritten = rewriteHead(
      scanner,
      head,
      found.filter(({ match }) => chosen.has(match)),
    );
    const again = splitTarget(rewritten.target);
    const still = policy.stillAllows(route, { ...view, ...rewritten }, again);
    if (still === null) return refuse(refuseMatches(route, { ...sorted, blocking: sorted.redacting }, places.hostsOf));
    const sent = joinTarget({ path: still.path, query: again.query });
    const askedAgain = asked?.confirm === undefined ? heldBySpec({ route, confirm: still.confirm }) : null;
    return admit({ ...plain, ...rewritten, target: sent, findings, verdict: 'redact' }, joinHeld(asked, askedAgain));
  }

  /** Cookies that were sealed for this place are no text of the agent: they are set aside, and put back last. */
  function openCookies(view: RequestView, path: string, holder: CookieHolder) {
    const place = { host: view.host, isSecure: view.scheme === 'https', path };
    const taken = holder.take(view.rawHeaders, place, today());
    return {
      view: taken === null ? view : { ...view, rawHeaders: taken.rawHeaders },
      admitted: { cookies: { place, opened: taken?.cookies ?? [] } },
    };
  }

  /** What a request refused by policy would have carried: a placeholder on its way to a foreign host is worth a record. */
  function findingsOfRefused(view: RequestView) {
    const head: Head = { view, target: splitTarget(view.target), places: NO_PLACES, isHostOpen: true };
    return isCleanHead(textsOf(head)) ? [] : uniqueFindings(scanHead(scanner, head).map(({ match }) => match));
  }

  /** What would complete a secret that left in pieces before. It stands in no one place: nothing can be rewritten. */
  function completes(route: Route, leaving: readonly Leaving[]): Refusal | null {
    const matches = trail.note(leaving);
    if (matches.length === 0) return null;
    const sorted = sortMatches(route, matches, () => false);
    if (sorted.blocking.length === 0) return null;
    return { ...refuseMatches(route, sorted, places.hostsOf), rule: 'across-requests' };
  }

  /** A body or message that nothing was found in may still be a piece. */
  function withTrail(route: Route, where: string, body: Buffer, judged: HoldableJudgement): HoldableJudgement {
    if (judged.do !== 'pass' || judged.redacted || judged.findings.length > 0) return judged;
    const text = body.toString('latin1', 0, TRAIL_BYTES);
    const refusal = completes(route, piecesOfBody(`${route.host} ${where}`, text));
    return refusal === null ? judged : { do: 'refuse', refusal };
  }

  function judgeName(name: string): NameJudgement {
    const host = name.toLowerCase().replace(/\.$/, '');
    const listed = policy.judgeHost(host, quote);
    const labels = name.replace(/\.$/, '').split('.');
    const matches = [...scanner.scanText('host', labels.join('.')), ...scanner.scanJoined('host', labels)];
    const { route, rule, reason } = listed;
    if (route === null) {
      const findings = uniqueFindings(matches);
      return { verdict: 'block', stage: 'policy', rule, reason, findings };
    }
    // The labels under a pattern are the agent's own choice: a name that carries something is no name.
    const { blocking, redacting, findings } = sortMatches(route, policy.namesHost(host) ? [] : matches, () => false);
    const first = blocking.find(({ kind }) => kind === 'placeholder') ?? blocking[0] ?? redacting[0];
    const leaving = policy.namesHost(host) ? [] : leavingLabels(labels);
    const late = first === undefined && leaving.length > 0 ? completes(route, leaving) : null;
    if (late !== null) return { verdict: 'block', ...late };
    if (first === undefined) return { verdict: 'allow', stage: 'none', rule, reason: '', findings };
    const stage = first.kind === 'placeholder' ? 'placeholder' : 'dlp';
    return { verdict: 'block', stage, rule: first.detector, reason: `${first.detector} in the name`, findings };
  }

  const judgeMessage = ({ route }: Admitted, payload: Buffer): HoldableJudgement =>
    refusedBy(graphql.refuseStream(route)) ??
    withTrail(route, 'message', payload, bodies.judge(route, 'message', payload, WEBSOCKET_META));

  /** The placeholder may stand in it: `openMessage` puts the value there. */
  const judgeOpeningMessage = ({ route }: Admitted, payload: Buffer): HoldableJudgement => {
    const rest = withoutLegalMessage(places.of(route), payload);
    return (
      refusedBy(graphql.refuseStream(route)) ??
      withTrail(route, 'message', rest, bodies.judge(route, 'message', rest, WEBSOCKET_META))
    );
  };

  const unchangeable = new WeakMap<Route, Route>();

  function streamEnvelopes(admitted: Admitted): BodyStream | null {
    // Nothing that a request says of its body keeps a push from being read as one.
    if (pushes.isJudged(admitted)) return null;
    const { route, rawHeaders } = admitted;
    const envelopes = envelopesOf((lowerName) => fieldOf(rawHeaders, lowerName));
    if (envelopes === null) return null;
    const closed = graphql.refuseStream(route);
    if (closed !== null) return closed;
    const strict = unchangeable.get(route) ?? withoutRewriting(route);
    unchangeable.set(route, strict);
    const judges = {
      judge: (payload: Buffer, meta: BodyMeta) =>
        withTrail(strict, 'message', payload, bodies.judge(strict, 'message', payload, meta)),
      stream: () => bodies.stream(strict, 'message', WEBSOCKET_META),
      unread: (unjudged: Unjudged) => bodies.judgeUnread(strict, 'message', unjudged, NOTHING),
    };
    return new EnvelopeStream(envelopes, judges, config.limits.holdBytes);
  }

  return {
    warm: () => {
      // Any question compiles the scanner.
      scanner.mayBegin('');
      trail.warm();
    },
    judgeHead,
    judgeBody: (admitted, body) => {
      const meta = bodyMetaOf(admitted);
      const refusal = graphql.judgeBody(admitted.route, body, meta) ?? pushes.judgeBody(admitted, body, meta);
      if (refusal !== null) return { do: 'refuse', refusal };
      const rest = isIdentity(meta) ? withoutLegalBody(places.of(admitted.route), body) : body;
      return withTrail(admitted.route, 'body', rest, bodies.judge(admitted.route, 'body', rest, meta));
    },
    streamBody: (admitted) => {
      const meta = bodyMetaOf(admitted);
      const closed = graphql.refuseStream(admitted.route);
      return closed ?? pushes.stream(admitted, meta, bodies.stream(admitted.route, 'body', meta, hasDigest(admitted)));
    },
    streamEnvelopes,
    judgeMessage,
    mayOpen: ({ route }) => places.of(route).swaps.some(({ inMessage }) => inMessage),
    judgeOpeningMessage,
    openMessage: ({ route }, judged) => swapMessage(places.of(route), judged),
    judgeControl: (admitted, payload) => withoutWaiting(judgeMessage(admitted, payload)),
    streamMessage: (admitted) =>
      graphql.refuseStream(admitted.route) ?? bodies.stream(admitted.route, 'message', WEBSOCKET_META),
    judgeUnread: (admitted, unjudged, payload) => bodies.judgeUnread(admitted.route, 'message', unjudged, payload),
    judgeTrailers: ({ route }, rawTrailers) => {
      const own = places.of(route);
      return bodies.judgeTrailers(route, rawTrailers, (name) => isOwnHeader(own, name));
    },
    // 5. Injection comes last: no real credential is ever in what the checks above read.
    inject: (admitted, sending) => {
      try {
        return { do: 'send', injected: injectWithCookies(places.of(admitted.route), admitted, sending) };
      } catch (error) {
        if (!(error instanceof NotSigned)) throw error;
        return { do: 'refuse', refusal: refuseSignature(admitted, error) };
      }
    },
    refuseSignature,
    guardResponse: (admitted, injected) => {
      const inner = guards.of(places.of(admitted.route), injected);
      if (cookies === null || admitted.cookies === undefined) return inner;
      const guardFor = (values: readonly string[]) => guards.forValues(values, HELD_COOKIES);
      return new CookieGuard({ holder: cookies, from: admitted.cookies.place, inner, guardFor, now: today });
    },
    guardTokens: (guard, tokens) => guards.add(guard, tokens),
    judgeName,
    knowsHost: policy.knowsHost,
    judgeTunnel: policy.judgeTunnel,
    judgeOpening: (host, port) => {
      const refusal = policy.judgeOpening(host, port, quote);
      if (refusal === null) return null;
      const { rule, reason, fix, errorShape } = refusal;
      return {
        stage: 'policy',
        rule,
        reason,
        fix,
        errorShape,
        findings: policy.namesHost(host) ? [] : judgeName(host).findings,
      };
    },
    judgeCaptured: policy.judgeCaptured,
    recordPath: (view) => recordPathOf(view, cleanTargets.has(view) ? null : scanner),
    recordText: (text) => (isStandardMethod(text) || policy.namesHost(text) ? text : quote(text)),
  };
}

const NOTHING = Buffer.alloc(0);

function fieldOf(rawHeaders: readonly string[], lowerName: string): string {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === lowerName) return rawHeaders[i + 1]!.trim();
  }
  return '';
}

/** So much of a body is followed across requests, in bytes. */
const TRAIL_BYTES = 16 * 1024;

const NO_FINDINGS: readonly Finding[] = [];

const NO_PLACES: Head['places'] = {
  ...{ header: null, query: null, credential: '', secret: '', label: '', swaps: [], issued: [], signing: null },
  identity: [],
};

function uniqueFindings(matches: readonly Match[]): readonly Finding[] {
  if (matches.length === 0) return NO_FINDINGS;
  return [...new Map(matches.map((match) => [match.fingerprint + match.where, findingOf(match)])).values()].slice(
    0,
    MOST_FINDINGS,
  );
}

/** What a stream that refuses everything says of one message. */
function refusedBy(stream: BodyStream | null): HoldableJudgement | null {
  const step = stream?.end();
  return step?.do === 'refuse' ? step : null;
}

function refuseSignature({ route, findings }: Admitted, { message }: NotSigned): Refusal {
  const isAws = route.auth?.type === 'sigv4';
  const reason = `the ${isAws ? 'AWS ' : ''}request cannot be signed: ${message} (${route.id})`;
  const fix = isAws
    ? 'sign it with the placeholder keys that the session gives, for a service and region of the entry'
    : 'send less in one request, with a body that is whole at once, or raise egress.limits.hold_bytes';
  return { stage: 'policy', rule: 'signature', reason, fix, errorShape: route.errorShape, findings };
}

function refuse(refusal: Refusal): HeadJudgement {
  return { do: 'refuse', refusal };
}

function admit(admitted: Admitted, held: Held | null): HeadJudgement {
  return held === null ? { do: 'admit', admitted } : { do: 'hold', held, admitted };
}

/** The spec wants a person to see it (`confirm`). */
function heldBySpec({ route, confirm }: { readonly route: Route; readonly confirm: Confirm | null }): Held | null {
  if (confirm === null) return null;
  const when = confirm.kind === 'each' ? 'each time' : 'once a session';
  const refusal: Refusal = {
    ...{ stage: 'policy', rule: 'confirm', errorShape: route.errorShape, findings: [] },
    reason: `${printable(confirm.methods.join(' or '))} waits for a person here, ${when} (${route.id})`,
    fix: `a person lets it pass with \`bottle watch\` or \`bottle approve\`; confirm of ${route.id} in the spec asks for that`,
  };
  return { refusal, keys: [], confirm };
}

/** Query values are as free as in a rule that names none. */
function heldByPolicy({ method, scheme, port }: RequestView, question: PolicyQuestion): Held {
  const { rule, reason, fix, errorShape, path } = question;
  return {
    refusal: { stage: 'policy', rule, reason, fix, errorShape, findings: [] },
    keys: [`${method} ${scheme} ${port} ${path}`],
  };
}

/** Fit for a message: no control characters, short. */
function printable(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > 160 ? `${clean.slice(0, 157)}...` : clean;
}
