// A file of rules in gitleaks' TOML -> rules as the proxy runs them, or what is wrong with it, each with its line.
import { createRequire } from 'node:module';
import type { RuleAllowlist, ThirdPartyRule } from '../../proxy/src/contract.ts';
import { readNamedFile } from './named-file.ts';
import type { Report } from './report.ts';
import type { Surroundings } from './surroundings.ts';
import { shown } from './words.ts';

// Both only where a spec names a file of rules: together they take longer to load than all the rest.
const load = createRequire(import.meta.url);

type Table = Readonly<Record<string, unknown>>;

/** Says what is wrong at a line of the file. */
type Say = (line: number, what: string, why: string, fix: string) => void;

export function readRulesFile(
  file: string | undefined,
  around: Surroundings,
  report: Report,
): readonly ThirdPartyRule[] {
  if (file === undefined) return [];
  const text = readNamedFile(file, around, report);
  if (text === null) return [];
  const say: Say = (line, what, why, fix) => report.problem({ what: `${file}:${line}: ${what}`, why, fix });
  const warn: Say = (line, what, why, fix) => report.warning({ what: `${file}:${line}: ${what}`, why, fix });
  return parseRules(text, say, warn);
}

export function parseRules(text: string, say: Say, warn: Say): readonly ThirdPartyRule[] {
  const { parse, TomlError } = load('smol-toml') as typeof import('smol-toml');
  let root: Table;
  try {
    root = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    say(error.line, 'this is no TOML', error.message.split('\n')[0] ?? '', 'see https://toml.io');
    return [];
  }
  const lines = ruleLines(text);
  const dropped = readExtend(root, say, warn);
  const shared = allowlistsOf(root, 1, 'the file', say);
  const seen = new Set<string>();
  const rules: ThirdPartyRule[] = [];
  for (const [index, given] of tables(root.rules).entries()) {
    const line = lines[index] ?? 1;
    const id = given.id;
    if (typeof id !== 'string' || !/^[a-z0-9][a-z0-9_.-]*$/.test(id)) {
      say(
        line,
        `rule ${index + 1} has no id`,
        'findings are named after it',
        'give it an id of lower-case letters, digits and dashes',
      );
      continue;
    }
    if (seen.has(id))
      say(line, `rule ${id} is there twice`, 'a finding could mean either', 'give one of them another id');
    seen.add(id);
    if (dropped.includes(id)) continue;
    const rule = readRule(given, id, line, shared, say, warn);
    if (rule !== null) rules.push(rule);
  }
  for (const { id, required } of rules) {
    for (const other of required) {
      if (!seen.has(other.id))
        say(lineOfId(text, id), `rule ${id} requires ${other.id}`, 'there is no such rule', 'correct its id');
    }
  }
  return rules;
}

function readRule(
  given: Table,
  id: string,
  line: number,
  shared: readonly RuleAllowlist[],
  say: Say,
  warn: Say,
): ThirdPartyRule | null {
  const { regex, path } = given;
  if (regex === undefined && typeof path === 'string') {
    warn(
      line,
      `rule ${id} is about a path alone`,
      'what an agent sends has none, so it can never match',
      'remove it from the file',
    );
    return null;
  }
  if (typeof regex !== 'string' || regex === '') {
    say(line, `rule ${id} has no regex`, '', 'give it one');
    return null;
  }
  if (path !== undefined) {
    warn(
      line,
      `rule ${id} asks for a path, too`,
      'what an agent sends has none, so its regex alone decides',
      'remove the path',
    );
  }
  const groups = compile(regex, `rule ${id}`, line, say);
  const secretGroup = wholeNumber(given.secretGroup) ?? 0;
  if (groups !== null && secretGroup > groups) {
    say(
      line,
      `rule ${id} takes the secret from group ${secretGroup}`,
      `its regex has ${groups}`,
      'correct secretGroup',
    );
  }
  const keywords = strings(given.keywords).map((keyword) => keyword.toLowerCase());
  if (given.skipReport !== true && !keywords.every(isNeedle)) {
    warn(
      line,
      `rule ${id} has a keyword that is too short`,
      'so it is tried on all of every message, which is slow',
      'give keywords of at least four characters',
    );
  } else if (given.skipReport !== true && keywords.length === 0) {
    warn(
      line,
      `rule ${id} has no keywords`,
      'so it is tried on all of every message, which is slow',
      'give it keywords of at least four characters',
    );
  }
  return {
    id,
    description: typeof given.description === 'string' ? given.description : '',
    regex,
    secretGroup,
    entropy: typeof given.entropy === 'number' ? given.entropy : 0,
    keywords,
    allowlists: [...allowlistsOf(given, line, `rule ${id}`, say), ...shared],
    required: tables(given.required).map((one) => ({
      id: String(one.id ?? ''),
      withinLines: wholeNumber(one.withinLines),
      withinColumns: wholeNumber(one.withinColumns),
    })),
    skipReport: given.skipReport === true,
  };
}

/** Number of groups; null when it does not compile. */
function compile(regex: string, subject: string, line: number, say: Say): number | null {
  const { RE2JS } = load('re2js') as typeof import('re2js');
  try {
    return RE2JS.compile(regex).groupCount();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    say(
      line,
      `${subject} does not compile`,
      error.message,
      'write it in RE2 syntax: no look-around, no back references',
    );
    return null;
  }
}

/** `[allowlist]` of old files and `[[allowlists]]` of new ones. */
function allowlistsOf(given: Table, line: number, subject: string, say: Say): readonly RuleAllowlist[] {
  const old =
    given.allowlist === undefined ? [] : tables(Array.isArray(given.allowlist) ? given.allowlist : [given.allowlist]);
  return [...old, ...tables(given.allowlists)].map((list) => {
    const regexes = strings(list.regexes);
    for (const regex of regexes) compile(regex, `an allowlist of ${subject}`, line, say);
    const condition = String(list.condition ?? 'OR').toUpperCase();
    if (!['OR', 'AND', '||', '&&'].includes(condition)) {
      say(line, `an allowlist of ${subject} has the condition ${shown(condition)}`, '', 'write OR or AND');
    }
    return {
      condition: condition === 'AND' || condition === '&&' ? 'AND' : 'OR',
      regexTarget: list.regexTarget === 'match' || list.regexTarget === 'line' ? list.regexTarget : 'secret',
      regexes,
      stopwords: strings(list.stopwords).map((word) => word.toLowerCase()),
      needsFile: strings(list.paths).length > 0 || strings(list.commits).length > 0,
    };
  });
}

/** Ids that the file takes out again. */
function readExtend(root: Table, say: Say, warn: Say): readonly string[] {
  const extend = typeof root.extend === 'object' && root.extend !== null ? (root.extend as Table) : {};
  if (extend.path !== undefined || extend.url !== undefined) {
    say(1, 'extend names another file', 'rules are read from one file only', 'put them into this one');
  }
  if (extend.useDefault === true) {
    warn(
      1,
      'extend.useDefault does not bring the rules of gitleaks',
      "bottle's own detectors are on by dlp.profile, beside these rules",
      'remove it',
    );
  }
  return strings(extend.disabledRules);
}

/** Where each `[[rules]]` stands, 1-based; not inside texts of several lines. */
function ruleLines(text: string): readonly number[] {
  const lines: number[] = [];
  let open: string | null = null;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (open === null && /^\s*\[\[\s*rules\s*\]\]/.test(line)) lines.push(index + 1);
    for (const [quotes] of line.matchAll(/'''|"""/g)) {
      if (open === null) open = quotes;
      else if (open === quotes) open = null;
    }
  }
  return lines;
}

const lineOfId = (text: string, id: string): number =>
  text.split('\n').findIndex((line) => /^\s*id\s*=/.test(line) && line.includes(id)) + 1 || 1;

const isNeedle = (keyword: string): boolean => Buffer.byteLength(keyword) >= 4;
const tables = (value: unknown): readonly Table[] =>
  Array.isArray(value) ? value.filter((one): one is Table => typeof one === 'object' && one !== null) : [];
const strings = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
const wholeNumber = (value: unknown): number | null =>
  typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null;
