// The fields of a request as they leave: what was judged, with what its body and its response need. Pure.
import type { AgentRequest } from './agent.ts';
import { fieldValue, withField } from './h1/fields.ts';
import { withReadableOffers } from './websocket/extension.ts';

export interface FieldChanges {
  /** The body's length, where it is another one than the agent's; in bytes. */
  readonly length: number | null;
  /** The response will be searched: ask for one that is not compressed. */
  readonly wantsIdentity: boolean;
}

export function fieldsForUpstream(
  request: AgentRequest,
  rawHeaders: readonly string[],
  changes: FieldChanges,
): readonly string[] {
  let fields = rawHeaders;
  if (changes.length !== null) fields = withField(fields, 'Content-Length', String(changes.length));
  // Who asks for nothing gets nothing compressed, and if it is, we read it all the same: no field is added.
  if (changes.wantsIdentity && fieldValue(fields, 'accept-encoding') !== null) {
    fields = withField(fields, 'Accept-Encoding', 'identity');
  }
  if (request.isWebSocket) fields = withReadableOffers(fields);
  const host = fieldValue(fields, 'host');
  // HTTP/1.0 may come without one.
  if (host === null) return ['Host', hostField(request), ...fields];
  const canonical = withoutFinalDot(host);
  return canonical === host ? fields : withField(fields, 'Host', canonical);
}

/** The Host field that `fieldsForUpstream` will give. */
export function hostForUpstream(request: AgentRequest, rawHeaders: readonly string[]): string {
  const host = fieldValue(rawHeaders, 'host');
  return host === null ? hostField(request) : withoutFinalDot(host);
}

/** A trailing dot names the same host, but not to every upstream's routing. */
function withoutFinalDot(host: string): string {
  return host.includes('.:') || host.endsWith('.') ? host.replace(/\.(?=:[0-9]+$|$)/, '') : host;
}

function hostField(request: AgentRequest): string {
  const host = request.host.includes(':') ? `[${request.host}]` : request.host;
  const isDefault = request.port === (request.scheme === 'https' ? 443 : 80);
  return isDefault ? host : `${host}:${request.port}`;
}
