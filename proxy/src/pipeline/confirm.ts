// Which requests of a route wait for a person although its rules allow them (`confirm`). Read widely: where a server may take a request for
// one that asks, it asks. Letters of paths and methods count in either case, a slash at the end not at all.
import type { RouteRule } from '../contract.ts';
import { compileGlob, coversEveryPath, type Glob } from './glob.ts';
import { compilePathGlob, covers, type PathGlob, type PathReadings, type Reading } from './path.ts';
import { asLatin1, decodeQueryText, type Target } from './target.ts';
import type { RequestView } from './types.ts';

export interface Confirm {
  readonly kind: 'each' | 'session';
  /** What one approval covers with `session`: this rule of the route, and this method with all that may replace it. */
  readonly key: string;
  /** The request's own, then those that an upstream may take in its place; of these only words. */
  readonly methods: readonly string[];
}

export type ConfirmAnswer =
  | { readonly do: 'pass' }
  | { readonly do: 'ask'; readonly confirm: Confirm }
  | { readonly do: 'ambiguous'; readonly why: string };

/** Of an allowed request. `methods`: every one that an upstream may take it for; `override`: a header that may replace its path. */
export type ConfirmTest = (
  view: RequestView,
  target: Target,
  methods: readonly string[],
  override: string | null,
  readings: () => PathReadings,
) => ConfirmAnswer;

interface AskingRule {
  readonly kind: Confirm['kind'];
  readonly index: number;
  readonly methods: ReadonlySet<string> | null;
  readonly paths: readonly PathGlob[] | null;
  readonly query: readonly (readonly [string, Glob])[];
  readonly headers: readonly (readonly [string, Glob])[];
}

const PASS: ConfirmAnswer = { do: 'pass' };

/** null when no rule asks. */
export function compileConfirm(routeId: string, rules: readonly RouteRule[]): ConfirmTest | null {
  const asking = rules.flatMap((rule, index) =>
    rule.confirm === undefined ? [] : [compile(rule, rule.confirm, index)],
  );
  if (asking.length === 0) return null;
  return (view, target, methods, override, readings) => {
    const upper = methods.map((method) => method.toUpperCase());
    let found: AskingRule | null = null;
    for (const rule of asking) {
      if (rule.methods !== null && !upper.some((method) => rule.methods!.has(method))) continue;
      if (!mayFit(rule, view, target)) continue;
      if (rule.paths !== null) {
        if (override !== null) return { do: 'ambiguous', why: `the header ${override} may replace the path` };
        const read = readings();
        if (read.kind === 'ambiguous') return { do: 'ambiguous', why: read.why };
        if (!read.readings.some((reading) => isCovered(rule.paths!, reading))) continue;
      }
      if (found === null || rule.kind === 'each') found = rule;
      if (found.kind === 'each') break;
    }
    if (found === null) return PASS;
    // What else an upstream may take it for is part of what was approved.
    const [, ...others] = upper;
    const key = `confirm ${routeId} ${found.index} ${[view.method, ...others].join(' ')}`;
    const said = [view.method, ...others.filter((method) => /^[A-Z]{1,16}$/.test(method))];
    return { do: 'ask', confirm: { kind: found.kind, key, methods: [...new Set(said)] } };
  };
}

function compile({ methods, paths, query, headers }: RouteRule, kind: Confirm['kind'], index: number): AskingRule {
  const globs = (wanted: Readonly<Record<string, string>>) =>
    Object.entries(wanted).map(([name, glob]) => [asLatin1(name).toLowerCase(), loose(asLatin1(glob))] as const);
  return {
    ...{ kind, index, query: globs(query), headers: globs(headers) },
    methods: methods === null ? null : new Set(methods),
    paths:
      paths === null || paths.some(coversEveryPath)
        ? null
        : paths.map((path) => {
            const { literal, decoded } = compilePathGlob(lowerPath(path));
            return { literal, decoded };
          }),
  };
}

function loose(pattern: string): Glob {
  const glob = compileGlob(pattern.toLowerCase());
  return (text) => glob(text.toLowerCase());
}

/** Escapes stay in the case that readings have them in. */
const lowerPath = (path: string): string => path.toLowerCase().replace(/%[0-9a-f]{2}/g, (octet) => octet.toUpperCase());

function isCovered(globs: readonly PathGlob[], { text, isDecoded }: Reading): boolean {
  const lower = isDecoded ? text.toLowerCase() : lowerPath(text);
  const texts = lower.length > 1 && lower.endsWith('/') ? [lower, lower.replace(/\/+$/, '')] : [lower, `${lower}/`];
  return texts.some((one) => globs.some((glob) => covers(glob, { text: one, isDecoded })));
}

/** A field that comes twice fits when one of the two does: the upstream may take either. */
function mayFit(rule: AskingRule, view: RequestView, target: Target): boolean {
  const parameters = rule.query.length === 0 ? [] : (target.query ?? []);
  const hasQuery = rule.query.every(([wanted, glob]) =>
    parameters.some(
      ({ name, value }) => decodeQueryText(name).toLowerCase() === wanted && glob(decodeQueryText(value ?? '')),
    ),
  );
  if (!hasQuery) return false;
  return rule.headers.every(([wanted, glob]) => {
    for (let i = 0; i < view.rawHeaders.length; i += 2) {
      if (view.rawHeaders[i]!.toLowerCase() === wanted && glob(view.rawHeaders[i + 1]!.trim())) return true;
    }
    return false;
  });
}
