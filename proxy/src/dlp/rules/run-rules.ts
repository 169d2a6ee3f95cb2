// Tries rules of gitleaks' kind on a text, in an engine whose time grows with the text and not with the cunning of who wrote it. Pure.
import { RE2JS } from 're2js';
import type { RuleAllowlist, ThirdPartyRule } from '../../contract.ts';

export interface RuleHit {
  readonly id: string;
  /** Of the secret, in characters of the text. */
  readonly start: number;
  readonly end: number;
}

interface CompiledAllowlist extends Omit<RuleAllowlist, 'regexes'> {
  readonly regexes: readonly RE2JS[];
}

interface Compiled {
  readonly rule: ThirdPartyRule;
  readonly regex: RE2JS;
  readonly allowlists: readonly CompiledAllowlist[];
}

/** Findings of one rule in one text: an agent could repeat a token a million times. */
const MOST_HITS = 64;

export class RuleSet {
  readonly #rules: readonly Compiled[];
  readonly #byId: ReadonlyMap<string, Compiled>;

  /** Throws what RE2JS throws: a configuration was checked before. */
  constructor(rules: readonly ThirdPartyRule[]) {
    this.#rules = rules.map((rule) => ({
      rule,
      regex: RE2JS.compile(rule.regex),
      allowlists: rule.allowlists.map((list) => ({ ...list, regexes: list.regexes.map((one) => RE2JS.compile(one)) })),
    }));
    this.#byId = new Map(this.#rules.map((one) => [one.rule.id, one]));
  }

  /** `indexes`: the rules that a keyword speaks for. */
  run(text: string, indexes: readonly number[]): readonly RuleHit[] {
    const found = new Map<Compiled, readonly RuleHit[]>();
    const hitsOf = (one: Compiled): readonly RuleHit[] => {
      let hits = found.get(one);
      if (hits === undefined) {
        hits = search(one, text);
        found.set(one, hits);
      }
      return hits;
    };
    return indexes.flatMap((index) => {
      const one = this.#rules[index]!;
      if (one.rule.skipReport) return [];
      return hitsOf(one).filter((hit) =>
        one.rule.required.every(({ id, withinLines, withinColumns }) => {
          const other = this.#byId.get(id);
          return (
            other !== undefined && hitsOf(other).some((near) => isNear(text, hit, near, withinLines, withinColumns))
          );
        }),
      );
    });
  }
}

function search({ rule, regex, allowlists }: Compiled, text: string): readonly RuleHit[] {
  const hits: RuleHit[] = [];
  const matcher = regex.matcher(text);
  while (hits.length < MOST_HITS && matcher.find()) {
    const group = groupOf(matcher, rule.secretGroup);
    const start = matcher.start(group);
    const end = matcher.end(group);
    if (start < 0 || end <= start) continue;
    const secret = text.slice(start, end);
    if (rule.entropy > 0 && entropyOf(secret) <= rule.entropy) continue;
    const match = text.slice(matcher.start(0), matcher.end(0));
    if (allowlists.some((list) => isAllowed(list, { secret, match, line: lineOf(text, matcher.start(0), end) })))
      continue;
    hits.push({ id: rule.id, start, end });
  }
  return hits;
}

type Matcher = ReturnType<RE2JS['matcher']>;

function groupOf(matcher: Matcher, wanted: number): number {
  if (wanted > 0) return wanted;
  for (let group = 1; group <= matcher.groupCount(); group++) if ((matcher.group(group) ?? '') !== '') return group;
  return 0;
}

function isAllowed(list: CompiledAllowlist, of: Readonly<Record<RuleAllowlist['regexTarget'], string>>): boolean {
  const checks: boolean[] = [];
  if (list.regexes.length > 0) checks.push(list.regexes.some((regex) => regex.matcher(of[list.regexTarget]).find()));
  if (list.stopwords.length > 0) {
    const lower = of.secret.toLowerCase();
    checks.push(list.stopwords.some((word) => lower.includes(word)));
  }
  if (list.needsFile) checks.push(false);
  if (checks.length === 0) return false;
  return list.condition === 'AND' ? checks.every(Boolean) : checks.some(Boolean);
}

/** Bits a character. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

const LONGEST_LINE = 4096;

function lineOf(text: string, start: number, end: number): string {
  const first = text.lastIndexOf('\n', start) + 1;
  const next = text.indexOf('\n', end);
  return text.slice(Math.max(first, start - LONGEST_LINE), Math.min(next < 0 ? text.length : next, end + LONGEST_LINE));
}

function isNear(text: string, one: RuleHit, other: RuleHit, lines: number | null, columns: number | null): boolean {
  const [first, second] = one.start <= other.start ? [one, other] : [other, one];
  if (lines !== null) {
    let breaks = 0;
    for (let at = text.indexOf('\n', first.start); at >= 0 && at < second.start; at = text.indexOf('\n', at + 1)) {
      breaks++;
      if (breaks > lines) return false;
    }
  }
  const column = (at: number): number => at - text.lastIndexOf('\n', at - 1);
  return columns === null || Math.abs(column(one.start) - column(other.start)) <= columns;
}
