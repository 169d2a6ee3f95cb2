// Routes whose requests must be GraphQL: every way in which such a request may carry an operation is judged, and every other way is closed.
import type { ProxyConfig, Route } from '../contract.ts';
import type { BodyMeta } from '../dlp/types.ts';
import { isIdentity } from './body-scan.ts';
import { compileGraphqlRule, documentsOfBody, type GraphqlJudge } from './graphql.ts';
import { decodeQueryText, type Target } from './target.ts';
import type { BodyStream, Refusal } from './types.ts';

export interface GraphqlGate {
  /** An operation may stand in the query, whatever the method is. */
  judgeTarget(route: Route, target: Target): Refusal | null;
  judgeBody(route: Route, body: Buffer, meta: BodyMeta): Refusal | null;
  /** What cannot be judged whole: a body too large for that, calls in envelopes, WebSocket messages. */
  refuseStream(route: Route): BodyStream | null;
}

export function createGraphqlGate(config: Pick<ProxyConfig, 'routes'>): GraphqlGate {
  const judges = new Map<Route, GraphqlJudge>();
  for (const route of config.routes) {
    if (route.graphql !== undefined) judges.set(route, compileGraphqlRule(route.graphql));
  }
  return {
    judgeTarget(route, { query }) {
      const judge = judges.get(route);
      if (judge === undefined || query === null) return null;
      const documents = query
        .filter(({ name }) => decodeQueryText(name) === 'query')
        .map(({ value }) => Buffer.from(decodeQueryText(value ?? ''), 'latin1').toString('utf8'));
      const why = documents.length === 0 ? null : judge(documents);
      return why === null ? null : refuse(route, why);
    },
    judgeBody(route, body, meta) {
      const judge = judges.get(route);
      if (judge === undefined) return null;
      const why = isIdentity(meta) ? judge(documentsOfBody(meta.contentType, body)) : 'its body is compressed';
      return why === null ? null : refuse(route, why);
    },
    refuseStream(route) {
      if (!judges.has(route)) return null;
      const refusal = refuse(route, 'its operation cannot be judged before it leaves');
      const step = () => ({ do: 'refuse', refusal }) as const;
      return {
        ...{ push: step, settle: step, end: step },
        ...{ findings: [], redacted: false, mayChangeLength: false },
      };
    },
  };
}

function refuse(route: Route, why: string): Refusal {
  return {
    ...{ stage: 'policy', rule: 'graphql', reason: `${why} (${route.id})`, errorShape: route.errorShape, findings: [] },
    fix: `add its field to graphql of the egress.allow entry for ${route.host} (${route.id})`,
  };
}
