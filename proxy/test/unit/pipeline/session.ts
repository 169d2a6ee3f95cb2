// A pipeline as a session has it: real scanner, fresh secrets, routes as the test wants them.
import { randomBytes } from 'node:crypto';
import { DEFAULT_LIMITS, type ProxyConfig, type Route, type RouteRule } from '../../../src/contract.ts';
import { fingerprintKeyOf } from '../../../src/dlp/fingerprint.ts';
import { createScanner } from '../../../src/dlp/scanner.ts';
import { createPipeline } from '../../../src/pipeline/pipeline.ts';
import type { Admitted, HeadJudgement, Injected, Pipeline, Refusal, RequestView } from '../../../src/pipeline/types.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function randomText(length: number): string {
  return Array.from(randomBytes(length), (byte) => LETTERS[byte % LETTERS.length]).join('');
}

/** Shaped like a GitHub token, made on the spot. */
export function githubToken(): string {
  return `ghp_${randomText(36)}`;
}

export const ANY_RULE: RouteRule = { methods: null, paths: null, query: {}, headers: {} };

export function rule(methods: readonly string[] | null, ...paths: readonly string[]): RouteRule {
  return { ...ANY_RULE, methods, paths: paths.length === 0 ? null : paths };
}

export function route(id: string, host: string, more: Partial<Route> = {}): Route {
  return {
    id,
    host,
    ports: [443],
    scheme: 'https',
    rules: [ANY_RULE],
    auth: null,
    placeholder: null,
    dlp: { onMatch: 'block', except: [] },
    allowPrivate: false,
    errorShape: 'plain',
    quota: null,
    ...more,
  };
}

export interface TestSession {
  readonly config: ProxyConfig;
  readonly pipeline: Pipeline;
  readonly value: string;
  readonly placeholder: string;
  judge(request: Partial<RequestView> & { readonly headers?: Readonly<Record<string, string>> }): HeadJudgement;
  admit(request: Parameters<TestSession['judge']>[0]): Admitted;
  refuse(request: Parameters<TestSession['judge']>[0]): Refusal;
  /** What would leave, with credentials. */
  inject(admitted: Admitted): Injected;
}

/** One secret, `TOKEN`, in `value`; what the agent sees of it in `placeholder`. */
export function session(routes: readonly Route[], more: Partial<ProxyConfig> = {}): TestSession {
  const value = `vk-${randomText(32)}`;
  const placeholder = `bottle-${randomText(24)}`;
  const config: ProxyConfig = {
    contractVersion: 1,
    session: 'test',
    listen: { explicit: null, relaySocket: null, transparent: null, dns: null },
    dnsAnswer: '127.0.0.1',
    routes,
    deny: [],
    secrets: [{ name: 'TOKEN', value, placeholder }],
    dlp: { detectors: null, source: '' },
    upstream: { roots: '', map: {}, refuse: [] },
    quota: null,
    auditPath: '',
    limits: DEFAULT_LIMITS,
    ...more,
  };
  const scanner = createScanner({
    secrets: config.secrets,
    detectors: null,
    fingerprintKey: fingerprintKeyOf(config.dlp.fingerprintKey),
    decodedBytes: 1 << 24,
  });
  const pipeline = createPipeline(config, scanner);
  const judge: TestSession['judge'] = (request) => pipeline.judgeHead(view(request));
  return {
    config,
    pipeline,
    value,
    placeholder,
    judge,
    admit(request) {
      const judged = judge(request);
      if (judged.do === 'refuse') throw new Error(`refused: ${judged.refusal.reason}`);
      if (judged.do === 'hold') throw new Error(`held: ${judged.held.refusal.reason}`);
      return judged.admitted;
    },
    refuse(request) {
      const judged = judge(request);
      if (judged.do !== 'refuse') throw new Error(`admitted by ${judged.admitted.rule}: ${judged.admitted.target}`);
      return judged.refusal;
    },
    inject(admitted) {
      const moment = { now: new Date(), nonce: '0'.repeat(32) };
      const sending = { method: 'GET', host: admitted.route.host, body: { kind: 'none' }, ...moment } as const;
      const placed = pipeline.inject(admitted, sending);
      if (placed.do === 'refuse') throw new Error(`refused: ${placed.refusal.reason}`);
      return placed.injected;
    },
  };
}

export function view(
  request: Partial<RequestView> & { readonly headers?: Readonly<Record<string, string>> },
): RequestView {
  const { headers = {}, ...given } = request;
  const host = given.host ?? 'api.example';
  return {
    via: 'connect',
    scheme: 'https',
    host,
    port: 443,
    method: 'GET',
    target: '/',
    rawHeaders: ['Host', host, ...Object.entries(headers).flat()],
    ...given,
  };
}

/** Values of a field among raw headers, any case. */
export function valuesOf(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name.toLowerCase());
}
