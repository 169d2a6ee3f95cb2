// May this request pass by host, port, scheme, method, path, query and headers? Compiled once; knows nothing of secrets.
import type { ErrorShape, ProxyConfig, Route } from '../contract.ts';
import { createAddressJudge } from '../net/address-judge.ts';
import type { Confirm } from './confirm.ts';
import { indexHosts } from './host-index.ts';
import { type PathReadings, readPath } from './path.ts';
import { askConfirm, askRoute, type CompiledRoute, compileRoute } from './rules.ts';
import type { Target } from './target.ts';
import type { CapturedJudgement, RequestView } from './types.ts';

/** Here TLS and HTTP name the host by themselves, and refusals can be answered. */
const SNIFFED_PORTS = new Set([80, 443]);
/** Protocols that begin with neither TLS nor HTTP, many of them with the server's word: FTP, SSH, mail, Git, directories, databases, caches, desktops. */
const UNREAD_PORTS = new Set([
  ...[
    21, 22, 23, 25, 53, 110, 111, 119, 135, 139, 143, 389, 445, 514, 587, 873, 1433, 1521, 2049, 3306, 3389, 3690, 4369,
  ],
  ...[5432, 5672, 5900, 6379, 6667, 9042, 9092, 9418, 11211, 27017],
]);

export interface PolicyRefusal {
  readonly do: 'refuse';
  readonly rule: string;
  readonly reason: string;
  readonly fix: string;
  readonly errorShape: ErrorShape;
}

/** No rule allows it, and a person may all the same, on this route: the nearest one of its place, or one for a place that has none. */
export interface PolicyQuestion extends Omit<PolicyRefusal, 'do'> {
  readonly do: 'hold';
  readonly route: Route;
  readonly path: string;
}

type Admission = Extract<PolicyAnswer, { do: 'admit' }>;

export type PolicyAnswer =
  | PolicyQuestion
  | {
      readonly do: 'admit';
      readonly route: Route;
      /** What is sent. */
      readonly path: string;
      /** It waits for a person; null = it does not. */
      readonly confirm: Confirm | null;
    }
  | PolicyRefusal;

export interface Policy {
  /** `quote` makes a text of the agent fit for a message: no matched secrets, printable, short. */
  judge(view: RequestView, target: Target, quote: (text: string) => string): PolicyAnswer;
  /** Does the admitted route still allow the request when its target has changed? What to send, or null. */
  stillAllows(route: Route, view: RequestView, target: Target): Pick<Admission, 'path' | 'confirm'> | null;
  judgeHost(
    host: string,
    quote: (text: string) => string,
  ): { readonly route: Route | null; readonly rule: string; readonly reason: string };
  knowsHost(host: string, port: number): boolean;
  judgeTunnel(host: string, port: number): Route | null;
  judgeOpening(host: string, port: number, quote: (text: string) => string): PolicyRefusal | null;
  judgeCaptured(address: string | null, port: number): CapturedJudgement;
  /** Is the host written out in a route (no pattern)? Then its labels are the user's words, not the agent's. */
  namesHost(host: string): boolean;
}

export function createPolicy(config: Pick<ProxyConfig, 'routes' | 'deny' | 'dnsAnswer' | 'onDeny'>): Policy {
  const routes = indexHosts(config.routes.map(compileRoute), ({ route }) => route.host);
  const denied = indexHosts(config.deny, ({ host }) => host);

  const named = new Set(config.routes.map(({ host }) => host).filter((host) => !host.startsWith('*.')));

  function judge(view: RequestView, target: Target, quote: (text: string) => string): PolicyAnswer {
    const refuse = denied.find(view.host)[0];
    if (refuse !== undefined) return denial(refuse, quote(view.host));
    let read: PathReadings | null = null;
    const readings = (): PathReadings => {
      read ??= readPath(target.path);
      return read;
    };
    let ambiguity: string | null = null;
    let nearest: CompiledRoute | null = null;
    let isNear = false;
    const known = routes.find(view.host);
    for (const compiled of known) {
      const { route } = compiled;
      if (route.scheme !== view.scheme || !route.ports.includes(view.port)) continue;
      const answer = askRoute(compiled, view, target, readings);
      switch (answer.kind) {
        case 'allowed': {
          const asked = askConfirm(compiled, view, target, readings);
          if (asked?.do === 'ambiguous') return ambiguousPath(route, asked.why);
          return { do: 'admit', route, path: answer.path, confirm: asked?.do === 'ask' ? asked.confirm : null };
        }
        case 'ambiguous':
          ambiguity ??= answer.why;
          nearest ??= compiled;
          break;
        case 'refused':
          if (nearest === null || (answer.nearMiss && !isNear)) nearest = compiled;
          isNear ||= answer.nearMiss;
          break;
        default:
          return answer satisfies never;
      }
    }
    if (nearest === null) {
      const refusal = unknownPlace(view, known, quote(view.host));
      // What no address check would let through is not worth a question.
      const isReachable = addresses.judgeHost(STRANGER, view.host) === null;
      return isReachable ? orHold(refusal, strangerRoute(view, refusal.errorShape), readings()) : refusal;
    }
    if (ambiguity !== null) return ambiguousPath(nearest.route, ambiguity);
    const sent = readings();
    const refusal = noRule(view, nearest.route, quote(sent.kind === 'clear' ? sent.sent : target.path), quote);
    return orHold(refusal, nearest.route, sent);
  }

  function orHold(refusal: PolicyRefusal, route: Route, path: PathReadings): PolicyAnswer {
    if (config.onDeny !== 'hold' || path.kind !== 'clear' || TWO_WAYS.test(path.sent)) return refusal;
    return { ...refusal, do: 'hold', route, path: path.sent };
  }

  function judgeTunnel(host: string, port: number): Route | null {
    if (denied.find(host).length > 0) return null;
    const first = routes.find(host).find(({ route }) => route.ports.includes(port))?.route;
    return first !== undefined && isTunnel(first) ? first : null;
  }

  return {
    judge,
    stillAllows(route, view, target) {
      const compiled = routes.find(view.host).find((one) => one.route === route);
      if (compiled === undefined) return null;
      const readings = () => readPath(target.path);
      const answer = askRoute(compiled, view, target, readings);
      const asked = askConfirm(compiled, view, target, readings);
      if (answer.kind !== 'allowed' || asked?.do === 'ambiguous') return null;
      return { path: answer.path, confirm: asked?.do === 'ask' ? asked.confirm : null };
    },
    judgeHost(host, quote) {
      const refuse = denied.find(host)[0];
      if (refuse !== undefined) {
        return { route: null, rule: refuse.id, reason: `${quote(host)} is denied by ${refuse.id}` };
      }
      const first = routes.find(host)[0];
      if (first !== undefined) return { route: first.route, rule: first.route.id, reason: '' };
      return { route: null, rule: 'default', reason: `${quote(host)} is not in the allow list` };
    },
    judgeTunnel,
    judgeOpening(host, port, quote) {
      const here = config.routes.filter(({ ports }) => ports.includes(port));
      const isRaw = here.length === 0 ? UNREAD_PORTS.has(port) : here.every(({ scheme }) => scheme === 'tcp');
      if (!isRaw) return null;
      const refuse = denied.find(host)[0];
      if (refuse !== undefined) return denial(refuse, quote(host));
      const known = routes.find(host);
      if (known.some(({ route }) => route.ports.includes(port))) return null;
      const name = quote(host);
      return {
        do: 'refuse',
        rule: 'default',
        reason:
          known.length > 0 ? `port ${port} of ${name} is not in the allow list` : `${name} is not in the allow list`,
        fix: `add { host: "${name}", port: ${port}, scheme: tcp } to egress.allow if this is meant`,
        errorShape: 'plain',
      };
    },
    judgeCaptured(address, port) {
      if (SNIFFED_PORTS.has(port)) return { do: 'sniff' };
      const here = config.routes.filter(({ ports }) => ports.includes(port));
      if (here.length === 0 || here.some(({ scheme }) => scheme !== 'tcp')) return { do: 'sniff' };
      const isOurs = address === null || address === config.dnsAnswer;
      const hosts = isOurs ? [...new Set(here.map(({ host }) => host))] : [address];
      const [host] = hosts;
      const route = host === undefined ? null : judgeTunnel(host, port);
      if (route !== null && hosts.length === 1) return { do: 'tunnel', route, host: host! };
      return isOurs && hosts.length > 1
        ? {
            do: 'refuse',
            reason: `${hosts.length} hosts are allowed on port ${port}, and nothing tells which of them is meant`,
            fix: 'connect through the proxy with CONNECT or SOCKS5, which name the host',
          }
        : { do: 'refuse', reason: `${host} is not in the allow list`, fix: 'connect to a host that is, by its name' };
    },
    namesHost: (host) => named.has(host),
    knowsHost: (host, port) =>
      denied.find(host).length === 0 && routes.find(host).some(({ route }) => route.ports.includes(port)),
  };
}

function denial(entry: { readonly id: string; readonly host: string }, host: string): PolicyRefusal {
  return {
    do: 'refuse',
    rule: entry.id,
    reason: `${host} is denied by ${entry.id}`,
    fix: `remove "${entry.host}" from egress.deny if this is meant`,
    errorShape: 'plain',
  };
}

/** No route for this host, port and scheme. */
function unknownPlace(view: RequestView, known: readonly CompiledRoute[], host: string): PolicyRefusal {
  const refusal = { do: 'refuse', rule: 'default', errorShape: known[0]?.route.errorShape ?? 'plain' } as const;
  const usualPort = view.scheme === 'https' ? 443 : 80;
  const otherScheme = known.find(({ route }) => route.scheme !== view.scheme);
  const samePort = known.some(({ route }) => route.scheme === view.scheme);
  const extras = [
    ...(view.scheme === 'http' ? ['scheme: http'] : []),
    ...(view.port === usualPort ? [] : [`port: ${view.port}`]),
  ];
  const tunnel = known.find(({ route }) => isTunnel(route) && route.ports.includes(view.port))?.route;
  if (tunnel !== undefined) {
    return {
      ...refusal,
      rule: tunnel.id,
      reason: `${host} is allowed as a tunnel only, which nobody reads (${tunnel.scheme === 'tls' ? 'tls: passthrough' : 'scheme: tcp'})`,
      fix: tunnel.scheme === 'tls' ? 'use TLS inside of a CONNECT' : 'use a CONNECT',
    };
  }
  if (known.length > 0 && !samePort && otherScheme !== undefined && !isTunnel(otherScheme.route)) {
    return {
      ...refusal,
      rule: otherScheme.route.id,
      reason: `${host} is allowed over ${otherScheme.route.scheme} only`,
      fix: `use ${otherScheme.route.scheme}:// or add { ${[`host: "${host}"`, ...extras].join(', ')} } to egress.allow`,
    };
  }
  const reason =
    known.length > 0 ? `port ${view.port} of ${host} is not in the allow list` : `${host} is not in the allow list`;
  // What allow_private or nothing at all would open is said at once: one refusal instead of two.
  const address = addresses.judgeHost(STRANGER, view.host);
  if (address?.rule === 'metadata-address') {
    return {
      ...refusal,
      reason: `${host} is a cloud metadata service, and not in the allow list`,
      fix: 'nothing should allow it',
    };
  }
  if (address?.rule === 'private-address') extras.push('allow_private: true');
  const entry = extras.length === 0 ? `"${host}"` : `{ ${[`host: "${host}"`, ...extras].join(', ')} }`;
  return { ...refusal, reason, fix: `add ${entry} to egress.allow${address === null ? '' : ' if this is meant'}` };
}

export function isTunnel({ scheme }: Route): boolean {
  return scheme === 'tls' || scheme === 'tcp';
}

const addresses = createAddressJudge([]);
/** A path that servers may read in two ways is nothing that a person could judge: encoded slashes, dots and per cents, parameters. */
const TWO_WAYS = /%(?:2[ef5]|5c)|;/i;

/** A route of nothing: no credential, nothing private, the strictest search. */
const STRANGER: Route = {
  id: 'default',
  host: '',
  ports: [],
  scheme: 'https',
  rules: [],
  auth: null,
  placeholder: null,
  dlp: { onMatch: 'block', except: [] },
  allowPrivate: false,
  errorShape: 'plain',
  quota: null,
};

/** For a place that no route is about. */
function strangerRoute({ host, port, scheme }: RequestView, errorShape: ErrorShape): Route {
  return { ...STRANGER, id: 'on_deny', host, ports: [port], scheme, errorShape };
}

function ambiguousPath(route: Route, why: string): PolicyRefusal {
  return {
    do: 'refuse',
    rule: 'ambiguous-path',
    reason: `${why} (${route.id})`,
    fix: 'write the path plainly, without encoded slashes, dots or parameters, or allow every reading of it',
    errorShape: route.errorShape,
  };
}

function noRule(view: RequestView, route: Route, path: string, quote: (text: string) => string): PolicyRefusal {
  const line = `${quote(view.method)} ${path}`;
  const isOwn = !route.id.startsWith('use.');
  return {
    do: 'refuse',
    rule: route.id,
    reason: `no rule for ${quote(view.host)} allows ${line} (${route.id})`,
    fix: isOwn
      ? `add ${JSON.stringify(line)} to rules of the egress.allow entry for ${route.host} (${route.id})`
      : `add { host: "${quote(view.host)}", rules: [${JSON.stringify(line)}] } to egress.allow`,
    errorShape: route.errorShape,
  };
}
