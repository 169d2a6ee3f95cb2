// The text of one spec file -> a located tree, or what is wrong with it as YAML.
//
// A spec is read by people who decide whether to trust it: what they see must be what counts. Hence no anchors, aliases, merge keys,
// tags or directives, and one document.

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from 'yaml';
import type { Problem } from '../report/problem.ts';
import type { ListNode, Located, MapEntry, Place, Scalar as ScalarValue } from './located.ts';
import { shown } from './words.ts';

const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;

export interface ReadYaml {
  /** null when the text is no YAML that could be read further. */
  readonly root: Located | null;
  readonly problems: readonly Problem[];
}

export function readYaml(text: string, file: string): ReadYaml {
  const start: Place = { file, line: 1, col: 1 };
  const only = (what: string, why: string, fix: string): ReadYaml => ({
    root: null,
    problems: [{ ...start, what, why, fix }],
  });
  if (text.length > MAX_BYTES) {
    return only(
      'the file is too large for a spec',
      `a spec has at most ${MAX_BYTES / 1024 ** 2} MiB`,
      'give the right file',
    );
  }
  if (text.includes('\0')) return only('the file is not text', 'it holds NUL bytes', 'give the right file');

  const lines = new Lines(text);
  const document = parseDocument(text, {
    prettyErrors: false,
    uniqueKeys: true,
    version: '1.2',
    logLevel: 'error',
  });
  const reader = new Reader(file, lines, text);
  for (const error of onePerLine(document.errors, lines)) reader.syntax(error, openQuote(document, error));
  // A broken structure cannot be read further; a key that is there twice can.
  if (document.errors.some((error) => error.code !== 'DUPLICATE_KEY')) return { root: null, problems: reader.problems };
  reader.directives(document);

  const contents = document.contents as Node | null;
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return only('the file is empty', 'a spec has at least a version', 'start with `version: 1`, or run `bottle init`');
  }
  const root = reader.node(contents, '', start, 0);
  if (root.kind !== 'map') {
    return {
      root: null,
      problems: [
        ...reader.problems,
        {
          ...start,
          what: `the file holds ${root.kind === 'list' ? 'a list' : 'a single value'}`,
          why: 'a spec is a mapping of keys',
          fix: 'start with `version: 1`, or run `bottle init`',
        },
      ],
    };
  }
  return { root, problems: reader.problems };
}

/** Lines and columns, counted by ourselves: the parser's own counter loses a line after some errors. */
class Lines {
  readonly #starts: readonly number[];
  readonly #end: number;

  constructor(text: string) {
    this.#starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
    this.#end = text.length;
  }

  placeOf(offset: number): { readonly line: number; readonly col: number } {
    const at = Math.max(0, Math.min(offset, this.#end));
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, col: at - this.#starts[low]! + 1 };
  }
}

class Reader {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #lines: Lines;
  readonly #text: string;

  constructor(file: string, lines: Lines, text: string) {
    this.#file = file;
    this.#lines = lines;
    this.#text = text;
  }

  #place(offset: number): Place {
    return { file: this.#file, ...this.#lines.placeOf(offset) };
  }

  #add(at: Place, what: string, why: string, fix: string): void {
    this.problems.push({ ...at, what, why, fix });
  }

  /** `quote`: where the quote opens that is not closed. */
  syntax(error: YAMLError, quote: number | null): void {
    const [what, why, fix] = syntaxWords(error, this.#text.slice(error.pos[0], error.pos[0] + 80));
    this.#add(this.#place(quote ?? error.pos[0]), what, why, fix);
  }

  directives(document: Document): void {
    if (!document.directives?.yaml.explicit && Object.keys(document.directives?.tags ?? {}).length <= 1) return;
    this.#add(
      this.#place(0),
      'YAML directives are not allowed',
      'they change what the rest of the file means',
      'remove the lines that begin with %',
    );
  }

  /** `fallback` is where something stands that has no text of its own, like the missing value of a key. */
  node(node: Node | null, name: string, fallback: Place, depth: number): Located {
    const offset = node?.range?.[0];
    const isWritten = offset !== undefined && node?.range?.[0] !== node?.range?.[1];
    const at = isWritten ? this.#place(offset) : fallback;
    if (depth > MAX_DEPTH) {
      this.#add(
        at,
        'the file is nested too deeply',
        `nothing in a spec is more than ${MAX_DEPTH} levels deep`,
        'remove the superfluous levels',
      );
      return { kind: 'scalar', at, name, value: null, source: '' };
    }
    if (isAlias(node)) {
      this.#add(
        at,
        `*${node.source} is a YAML alias`,
        'aliases are not allowed in a spec',
        `write "*${node.source}" in quotes if you mean a pattern`,
      );
      return { kind: 'scalar', at, name, value: `*${node.source}`, source: `*${node.source}` };
    }
    if (node !== null && 'anchor' in node && node.anchor) {
      this.#add(
        at,
        `&${node.anchor} is a YAML anchor`,
        'anchors are not allowed in a spec',
        'remove it and write the value where it counts',
      );
    }
    if (node?.tag !== undefined) {
      this.#add(at, `${node.tag} is a YAML tag`, 'tags are not allowed in a spec', 'remove it');
    }
    if (isMap(node))
      return { kind: 'map', at, name, entries: this.#entries(node.items as Pair<Node, Node | null>[], name, depth) };
    if (isSeq(node)) {
      const items: ListNode['items'] = node.items.map((item, index) =>
        this.node(item as Node | null, join(name, index), at, depth + 1),
      );
      return { kind: 'list', at, name, items };
    }
    if (isScalar(node)) {
      if (node.value === null && node.source === '~') {
        this.#add(
          at,
          `${name} is ~`,
          'alone and without quotes that is nothing in YAML',
          'write null, or the path itself',
        );
      }
      return { kind: 'scalar', at, name, value: scalarValue(node.value), source: node.source ?? String(node.value) };
    }
    return { kind: 'scalar', at, name, value: null, source: '' };
  }

  #entries(pairs: readonly Pair<Node, Node | null>[], name: string, depth: number): ReadonlyMap<string, MapEntry> {
    const entries = new Map<string, MapEntry>();
    for (const pair of pairs) {
      const keyAt = this.#place(pair.key?.range?.[0] ?? 0);
      if (!isScalar(pair.key)) {
        this.#add(
          keyAt,
          'a key must be a plain word',
          'this one is a list, a mapping or an alias',
          'write the key as text, in quotes if it begins with * or [',
        );
        continue;
      }
      const key = keyText(pair.key);
      if (key === '<<') {
        this.#add(
          keyAt,
          '<< is a YAML merge key',
          'merge keys are not allowed in a spec',
          'write the keys out, or use extends',
        );
        continue;
      }
      // Both the tag and the anchor of a key would go unseen.
      if (pair.key.anchor || pair.key.tag)
        this.#add(keyAt, `the key ${shown(key)} has an anchor or a tag`, 'a spec has neither', 'remove it');
      if (!entries.has(key))
        entries.set(key, { keyAt, node: this.node(pair.value, join(name, key), keyAt, depth + 1) });
    }
    return entries;
  }
}

function keyText(key: Scalar): string {
  // `null:`, `true:` and `1:` are the text that stands there.
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

function scalarValue(value: unknown): ScalarValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return value === null || value === undefined ? null : String(value);
}

function join(name: string, step: string | number): string {
  const joined = name === '' ? String(step) : `${name}.${step}`;
  // People and records say `allow.3`, not `egress.allow.3`.
  return joined.replace(/^egress\.(allow|deny|use)\./, '$1.');
}

function openQuote(document: Document, error: YAMLError): number | null {
  if (error.code !== 'MISSING_CHAR' || !error.message.startsWith('Missing closing')) return null;
  let start: number | null = null;
  visit(document, {
    Scalar(_, node) {
      const isQuoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
      if (isQuoted && node.range && node.range[0] < error.pos[0]) start = node.range[0];
    },
  });
  return start;
}

function onePerLine(errors: readonly YAMLError[], lines: Lines): YAMLError[] {
  const seen = new Set<number>();
  return errors.filter((error) => {
    const { line } = lines.placeOf(error.pos[0]);
    if (seen.has(line)) return false;
    seen.add(line);
    return true;
  });
}

function syntaxWords(error: YAMLError, text: string): readonly [what: string, why: string, fix: string] {
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return [
        `the key ${shown(/^["']?[^\s:"']*/.exec(text)?.[0].replace(/^["']/, '') ?? '')} is there twice`,
        'only one of them could count',
        'merge the two',
      ];
    case 'TAB_AS_INDENT':
      return ['a tab indents this line', 'YAML wants spaces', 'replace the tab with spaces'];
    case 'MULTIPLE_DOCS':
      return [
        'a second YAML document begins here',
        'a spec is one document',
        'remove the --- and what follows, or give it a file of its own',
      ];
    case 'BAD_SCALAR_START':
      return [
        'a value cannot begin with this character',
        'it has a meaning of its own in YAML',
        'write the value in quotes',
      ];
    case 'BLOCK_AS_IMPLICIT_KEY':
      return [
        'this line does not fit the one above',
        'it is indented as if it continued that value, or holds two colons',
        'align it with the keys it belongs to, or quote the value',
      ];
    case 'MISSING_CHAR':
      return [
        error.message.startsWith('Missing closing') ? 'a quote is not closed' : 'a colon or bracket is missing here',
        'the rest of the file cannot be read',
        'add it',
      ];
    default:
      return ['this is not valid YAML', firstLower(error.message), 'correct the line, or look at the one above'];
  }
}

const firstLower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
