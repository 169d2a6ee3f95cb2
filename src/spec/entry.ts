// One allow entry, as written (a host, or the parts) -> as the proxy needs it. What is wrong is reported.

import type { GraphqlRule } from '../../proxy/src/contract.ts';
import { readAuth, readPlaceholder } from './auth.ts';
import type { AllowEntry } from './bottle.ts';
import { readClientCertificate } from './client-certificate.ts';
import { checkActions, checkExcept } from './detector-ids.ts';
import { readExpires } from './expires.ts';
import { readPush } from './git.ts';
import { parseHostPattern } from './host-pattern.ts';
import { readQuota } from './limits.ts';
import type { Report } from './report.ts';
import { readRules } from './rule.ts';
import type { FilledEntry, SpecDocument, SpecEntry } from './schema.ts';
import { TOKEN_FIELDS } from './schema-entry.ts';
import { checkUninspected } from './uninspected.ts';
import { shown } from './words.ts';

export interface EntrySurroundings {
  /** Those of `egress.limits`. */
  readonly prices?: NonNullable<SpecEntry['limits']>['prices'];
  /** Names of the spec's secrets. */
  readonly secrets: readonly string[];
  /** Of those, the ones that are asked for at a token endpoint. */
  readonly issued?: readonly string[];
  /** Ids of the rules of `dlp.rules`. */
  readonly ruleIds: readonly string[];
  /** For entries without a `dlp.on_match` of their own. */
  readonly onMatch: NonNullable<NonNullable<SpecDocument['dlp']>['on_match']>;
}

/** One way in which an entry is reached: http and https of one host are two routes to the proxy. */
interface Reach {
  readonly scheme: AllowEntry['scheme'];
  readonly ports: readonly number[];
}

function reachesOf({ scheme, port, ports, tls }: FilledEntry): readonly Reach[] {
  const all = ports ?? (port === undefined ? [] : [port]);
  if (scheme === 'tcp') return [{ scheme, ports: all }];
  if (tls === 'passthrough') return [{ scheme: 'tls', ports: all.length === 0 ? [443] : all }];
  if (all.length === 0) return scheme === 'http' ? [{ scheme, ports: [80] }] : [{ scheme: 'https', ports: [443] }];
  if (scheme !== undefined) return [{ scheme, ports: all }];
  const plain = all.filter((one) => one === 80);
  const secure = all.filter((one) => one !== 80);
  return [
    ...(secure.length === 0 ? [] : [{ scheme: 'https', ports: secure } as const]),
    ...(plain.length === 0 ? [] : [{ scheme: 'http', ports: plain } as const]),
  ];
}

/** One, or two where both http and https are meant; none when its host cannot be understood. */
export function readEntry(
  entry: FilledEntry,
  id: string,
  isText: boolean,
  around: EntrySurroundings,
  report: Report,
): readonly AllowEntry[] {
  const hostReport = isText ? report : report.below('host');
  const pattern = parseHostPattern(entry.host, hostReport.name(), 'allow');
  if (!pattern.ok) hostReport.problem(pattern.words);
  else if (pattern.isPrivate && !entry.allow_private) {
    // Listing it is no permission: the proxy refuses it, and tells the agent why.
    hostReport.warning({
      what: `${hostReport.name()} ${shown(entry.host)} is ${pattern.isAddress ? 'a private address' : 'this machine itself'}`,
      why: 'requests to it are refused, for an agent could reach the machine or its network through it',
      fix: isText
        ? `write { host: "${pattern.host}", allow_private: true } if that is what you want`
        : 'add `allow_private: true` if that is what you want',
    });
  }
  if (entry.port !== undefined && entry.ports !== undefined) {
    report.problemAtKey(
      { what: `${report.name()} has both port and ports`, why: 'only one of them could count', fix: 'keep ports' },
      ['port'],
    );
  }
  const rules = readRules(entry, report);
  const auth = readAuth(entry.auth, around, report.below('auth'));
  const placeholder = readPlaceholder(entry.placeholder, around.secrets, report.below('placeholder'));
  const reaches = reachesOf(entry);
  const clientCertificate = readClientCertificate(entry, reaches, around.secrets, report);
  const isPlain = reaches.some(({ scheme }) => scheme === 'http');
  if (isPlain && !entry.allow_private && (auth !== null || placeholder !== null || entry.tokens !== undefined)) {
    report.problemAtKey(
      {
        what: `${report.name()} sends a credential over http`,
        why: 'everybody on the way could read it',
        fix: `remove ${entry.scheme === 'http' ? '`scheme: http`' : 'port 80'}, or the credential`,
      },
      [auth !== null ? 'auth' : placeholder !== null ? 'placeholder' : 'tokens'],
    );
  }
  if (
    auth !== null &&
    placeholder !== null &&
    auth.secret !== placeholder.secret &&
    auth.type !== 'query' &&
    auth.type !== 'hmac' &&
    placeholder.in.includes('header')
  ) {
    report.problemAtKey(
      {
        what: `${report.name()} has auth and placeholder with two secrets`,
        why: 'both write header fields, and one would undo the other',
        fix: 'keep one of them',
      },
      ['placeholder'],
    );
  }
  if (entry.hold_request === false) {
    report.warning(
      {
        what: `${report.name()} ${shown(entry.host)} has \`hold_request: false\``,
        why: 'a secret that is sent in parts with pauses between them is stopped at the part that completes it, not before the first',
        fix: 'keep it only for a service that answers in the middle of requests',
      },
      ['hold_request'],
    );
  }
  checkUninspected(entry, pattern.ok ? pattern : null, report);
  checkExcept(entry.dlp.except ?? [], around.ruleIds, report.below('dlp', 'except'));
  checkActions(entry.dlp.actions ?? {}, around.ruleIds, report.below('dlp', 'actions'));
  // http and https of one entry use up the same.
  const quota = readQuota(entry.limits, `${id.replace(/\.http$/, '')}.limits`, report.below('limits'), around.prices);
  const until = readExpires(entry.expires, report.below('expires'));
  if (!pattern.ok) return [];
  return reaches.map(({ scheme, ports }, index) => ({
    id: index === 0 ? id : `${id}.${scheme}`,
    host: pattern.host,
    ports,
    scheme,
    rules,
    ...(entry.graphql === undefined ? {} : { graphql: readGraphql(entry.graphql) }),
    ...(entry.push === undefined ? {} : { push: readPush(entry.push) }),
    auth,
    ...(clientCertificate === null ? {} : { clientCertificate }),
    placeholder,
    ...(entry.tokens === undefined ? {} : { tokens: readTokens(entry.tokens) }),
    dlp: {
      onMatch: entry.dlp.on_match ?? around.onMatch,
      except: entry.dlp.except ?? [],
      actions: entry.dlp.actions ?? {},
    },
    allowPrivate: entry.allow_private,
    ...(entry.cookies === undefined ? {} : { cookies: entry.cookies }),
    ...(entry.hold_request === false ? { holdRequest: false as const } : {}),
    source: entry.source,
    errorShape: entry.error_shape,
    quota,
    ...(until === null ? {} : { expires: until }),
  }));
}

function readTokens(given: NonNullable<SpecEntry['tokens']>): NonNullable<AllowEntry['tokens']> {
  return { fields: given.fields ?? [...TOKEN_FIELDS], for: given.for ?? null };
}

function readGraphql(given: NonNullable<SpecEntry['graphql']>): GraphqlRule {
  return { query: given.query ?? ['*'], mutation: given.mutation ?? [], subscription: given.subscription ?? [] };
}
