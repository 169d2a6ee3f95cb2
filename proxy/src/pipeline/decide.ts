// The same decision without a network, for `bottle why`: what the request would meet, were it sent.
import type { DecideRequest, Decision, Finding, Stage } from '../contract.ts';
import { fingerprintKeyOf } from '../dlp/fingerprint.ts';
import { createAddressJudge } from '../net/address-judge.ts';
import { createPipeline } from './pipeline.ts';
import { scannerOf } from './scanner-of.ts';
import type { Refusal, RequestView } from './types.ts';
import { joinHeld } from './verdict.ts';

export function decide(request: DecideRequest): Decision {
  const { config } = request;
  const scanner = scannerOf(config, fingerprintKeyOf(config.dlp.fingerprintKey));
  const pipeline = createPipeline(config, scanner);
  const view = viewOf(request);
  if (view === null) {
    return blocked({
      stage: 'protocol',
      rule: 'bad-target',
      reason: 'the URL is not an absolute http, https, ws or wss URL',
      fix: 'write it as https://host/path',
      findings: [],
    });
  }
  const tunnel = pipeline.judgeTunnel(view.host, view.port);
  if (tunnel !== null && view.scheme === 'https') {
    const address = createAddressJudge(config.upstream.refuse).judgeHost(tunnel, view.host);
    if (address !== null) return blocked({ ...address, stage: 'address', findings: [] });
    const reason = `allowed by ${tunnel.id}, as a tunnel that is not inspected`;
    const { id: rule } = tunnel;
    return { verdict: 'allow', stage: 'none', rule, reason, fix: '', findings: [], injected: [], injectedInto: [] };
  }
  const head = pipeline.judgeHead(view);
  if (head.do === 'refuse') return blocked(head.refusal);
  const { admitted } = head;

  const body = pipeline.judgeBody(admitted, Buffer.from(request.body, 'utf8'));
  if (body.do === 'refuse') return blocked(body.refusal);
  const passed = body.do === 'hold' ? body.passed : body;
  const findings = [...admitted.findings, ...passed.findings];

  // What net does before it looks a name up; where the name resolves to is not known here.
  const address = createAddressJudge(config.upstream.refuse).judgeHost(admitted.route, view.host);
  if (address !== null) return blocked({ ...address, stage: 'address', findings });

  const held = joinHeld(head.do === 'hold' ? head.held : null, body.do === 'hold' ? body.held : null);
  if (held !== null) return { ...blocked({ ...held.refusal, findings }), verdict: 'hold' };

  const placed = pipeline.inject(admitted, null);
  if (placed.do === 'refuse') return blocked(placed.refusal);
  const { injected, injectedInto } = placed.injected;
  const isRedacted = admitted.verdict === 'redact' || passed.redacted;
  const first = findings[0];
  return {
    verdict: isRedacted ? 'redact' : 'allow',
    stage: isRedacted ? 'dlp' : 'none',
    rule: admitted.rule,
    reason:
      first === undefined ? `allowed by ${admitted.rule}` : `${first.detector} in ${first.where} (${admitted.rule})`,
    fix: '',
    findings,
    injected,
    injectedInto,
  };
}

function blocked(
  refusal: Pick<Refusal, 'rule' | 'reason' | 'fix'> & { readonly stage: Stage; readonly findings: readonly Finding[] },
): Decision {
  const { stage, rule, reason, fix, findings } = refusal;
  return { verdict: 'block', stage, rule, reason, fix, findings, injected: [], injectedInto: [] };
}

/** As a client would send it; null when the URL is none. The path stays as written: a URL parser would resolve what we must judge. */
function viewOf({ url, method, headers }: DecideRequest): RequestView | null {
  const parts =
    /^(https?|wss?):\/\/(?:([^/?#@]*)@)?(\[[^\]/?#]*\]|[^:/?#@]*)(?::(\d{1,5}))?([/?][^#]*)?(?:#.*)?$/is.exec(
      url.toWellFormed(),
    );
  if (parts === null) return null;
  const [, protocol = '', userinfo, hostText = '', portText, rest = '/'] = parts;
  const scheme = /s$/i.test(protocol) ? 'https' : 'http';
  const host = hostOf(hostText);
  const port = portText === undefined ? (scheme === 'https' ? 443 : 80) : Number(portText);
  if (host === null || port < 1 || port > 65_535) return null;
  const fields = headers.flatMap(([name, value]) => [name, Buffer.from(value, 'utf8').toString('latin1')]);
  if (fields.some((text) => /[\r\n\0]/.test(text))) return null;
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const rawHeaders = [...fields];
  if (!names.has('host')) rawHeaders.unshift('Host', portText === undefined ? hostText : `${hostText}:${portText}`);
  if (userinfo !== undefined && !names.has('authorization')) {
    rawHeaders.push('Authorization', `Basic ${Buffer.from(decodeUserinfo(userinfo), 'utf8').toString('base64')}`);
  }
  const target = (rest.startsWith('?') ? `/${rest}` : rest).replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  return { via: 'connect', scheme, host, port, method, target, rawHeaders };
}

function hostOf(text: string): string | null {
  const host = text
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  if (host === '') return null;
  if (/^[\x21-\x7e]+$/.test(host)) return host;
  try {
    return new URL(`http://${host}/`).hostname;
  } catch {
    // Not a name in any script: no URL.
    return null;
  }
}

function decodeUserinfo(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Broken escapes are sent as they are.
    return text;
  }
}
