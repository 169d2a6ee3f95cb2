// The rules of one route, compiled: does a request pass, and with which path.
import type { Route, RouteRule } from '../contract.ts';
import { type ConfirmAnswer, type ConfirmTest, compileConfirm } from './confirm.ts';
import { compileGlob, coversEveryPath, type Glob } from './glob.ts';
import { compilePathGlob, covers, type PathGlob, type PathReadings, type Reading } from './path.ts';
import { asLatin1, decodeQueryText, type QueryPart, splitTarget, type Target } from './target.ts';
import type { RequestView } from './types.ts';

interface CompiledRule {
  readonly methods: ReadonlySet<string> | null;
  readonly paths: readonly PathGlob[] | null;
  readonly query: readonly (readonly [string, Glob])[];
  readonly headers: readonly (readonly [string, Glob])[];
}

export interface CompiledRoute {
  readonly route: Route;
  readonly rules: readonly CompiledRule[];
  /** Some rule asks for nothing: no need to read path, query or headers. */
  readonly isOpen: boolean;
  /** null = what is allowed waits for nobody. */
  readonly confirm: ConfirmTest | null;
}

export type RouteAnswer =
  /** `path`: what is sent. */
  | { readonly kind: 'allowed'; readonly path: string }
  /** The path as written is allowed, another reading of it is not. */
  | { readonly kind: 'ambiguous'; readonly why: string }
  /** `nearMiss`: some rule covers the path, for other methods or conditions. */
  | { readonly kind: 'refused'; readonly nearMiss: boolean };

/** Headers by which an upstream may take another method or path than the request line says. */
const METHOD_OVERRIDES = new Set(['x-http-method-override', 'x-http-method', 'x-method-override']);
const PATH_OVERRIDES = new Set(['x-original-url', 'x-rewrite-url', 'x-original-uri', 'x-override-url']);

export function compileRoute(route: Route): CompiledRoute {
  const rules = route.rules.map(compileRule);
  const isOpen = rules.some(
    (rule) => rule.methods === null && rule.paths === null && rule.query.length === 0 && rule.headers.length === 0,
  );
  return { route, rules, isOpen, confirm: compileConfirm(route.id, route.rules) };
}

function compileRule(rule: RouteRule): CompiledRule {
  const paths = rule.paths === null || rule.paths.some(coversEveryPath) ? null : rule.paths.map(compilePathGlob);
  const globs = (wanted: Readonly<Record<string, string>>, lower: boolean) =>
    Object.entries(wanted).map(
      ([name, glob]) => [asLatin1(lower ? name.toLowerCase() : name), compileGlob(asLatin1(glob))] as const,
    );
  return {
    methods: rule.methods === null ? null : new Set(rule.methods),
    paths,
    query: globs(rule.query, false),
    headers: globs(rule.headers, true),
  };
}

/** `readings` is asked for at most once, and only when a path glob has to decide. */
export function askRoute(
  compiled: CompiledRoute,
  view: RequestView,
  target: Target,
  readings: () => PathReadings,
): RouteAnswer {
  if (compiled.isOpen) return { kind: 'allowed', path: target.path };
  const fitting = compiled.rules.filter((rule) => fitsQuery(rule, target) && fitsHeaders(rule, view));
  let isRestricted = false;
  for (const method of methodsOf(view, target)) {
    const candidates = fitting.filter((rule) => rule.methods === null || rule.methods.has(method));
    if (candidates.length === 0) return { kind: 'refused', nearMiss: coversPath(compiled.rules, target, readings) };
    if (candidates.some((rule) => rule.paths === null)) continue;
    isRestricted = true;
    const read = readings();
    if (read.kind === 'ambiguous') return read;
    const [literal, ...others] = read.readings;
    if (literal === undefined || !allows(candidates, literal)) {
      return { kind: 'refused', nearMiss: coversPath(compiled.rules, target, readings) };
    }
    if (!others.every((reading) => allows(candidates, reading))) {
      return { kind: 'ambiguous', why: 'the path can be read as one that no rule allows' };
    }
  }
  if (!isRestricted) return { kind: 'allowed', path: target.path };
  const override = pathOverrideOf(view);
  if (override !== null) return { kind: 'ambiguous', why: `the header ${override} may replace the path` };
  const read = readings();
  return read.kind === 'ambiguous' ? read : { kind: 'allowed', path: read.sent };
}

/** Does what is allowed wait for a person? */
export function askConfirm(
  { confirm }: CompiledRoute,
  view: RequestView,
  target: Target,
  readings: () => PathReadings,
): ConfirmAnswer | null {
  if (confirm === null) return null;
  return confirm(view, target, methodsOf(view, target), pathOverrideOf(view), readings);
}

function allows(rules: readonly CompiledRule[], reading: Reading): boolean {
  return rules.some((rule) => rule.paths === null || rule.paths.some((glob) => covers(glob, reading)));
}

function coversPath(rules: readonly CompiledRule[], target: Target, readings: () => PathReadings): boolean {
  if (target.path === '*') return false;
  const read = readings();
  if (read.kind === 'ambiguous') return false;
  return allows(
    rules.filter((rule) => rule.paths !== null),
    read.readings[0]!,
  );
}

/** The method, and every other one that an upstream may take in its place. */
function methodsOf(view: RequestView, target: Target): readonly string[] {
  let methods: string[] | null = null;
  for (let i = 0; i < view.rawHeaders.length; i += 2) {
    const name = view.rawHeaders[i]!;
    // Cheap test first: all these names begin with x.
    if ((name.charCodeAt(0) | 0x20) === 0x78 && METHOD_OVERRIDES.has(dashed(name))) {
      methods ??= [view.method];
      methods.push(view.rawHeaders[i + 1]!.trim().toUpperCase());
    }
  }
  if (target.query !== null) {
    for (const { name, value } of parametersOf(target.query)) {
      if (value !== null && name.length >= 7 && decodeQueryText(name) === '_method') {
        methods ??= [view.method];
        methods.push(decodeQueryText(value).trim().toUpperCase());
      }
    }
  }
  return methods ?? [view.method];
}

/** CGI-like servers read an underscore in a field's name as a dash. */
const dashed = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/** Every parameter that some server finds: a semicolon separates them for a few. */
function parametersOf(query: readonly QueryPart[]): readonly QueryPart[] {
  if (!query.some(({ name, value }) => name.includes(';') || value?.includes(';'))) return query;
  return query.flatMap((part) => {
    const text = part.value === null ? part.name : `${part.name}=${part.value}`;
    if (!text.includes(';')) return [part];
    return [part, ...(splitTarget(`?${text.replaceAll(';', '&')}`).query ?? [])];
  });
}

/** The field by which an upstream may take another path than the request line says; null = there is none. */
export function pathOverrideOf(view: Pick<RequestView, 'rawHeaders'>): string | null {
  return firstHeader(view, PATH_OVERRIDES);
}

function firstHeader(view: Pick<RequestView, 'rawHeaders'>, names: ReadonlySet<string>): string | null {
  for (let i = 0; i < view.rawHeaders.length; i += 2) {
    const name = view.rawHeaders[i]!;
    if ((name.charCodeAt(0) | 0x20) === 0x78 && names.has(dashed(name))) return name.toLowerCase();
  }
  return null;
}

/** A field that comes twice must fit each time: the upstream may take either. */
function fitsQuery(rule: CompiledRule, target: Target): boolean {
  for (const [wanted, glob] of rule.query) {
    const values = parametersOf(target.query ?? [])
      .filter(({ name }) => decodeQueryText(name) === wanted)
      .map(({ value }) => decodeQueryText(value ?? ''));
    if (values.length === 0 || !values.every(glob)) return false;
  }
  return true;
}

function fitsHeaders(rule: CompiledRule, view: RequestView): boolean {
  for (const [wanted, glob] of rule.headers) {
    let isPresent = false;
    for (let i = 0; i < view.rawHeaders.length; i += 2) {
      if (view.rawHeaders[i]!.toLowerCase() !== wanted) continue;
      if (!glob(view.rawHeaders[i + 1]!.trim())) return false;
      isPresent = true;
    }
    if (!isPresent) return false;
  }
  return true;
}
