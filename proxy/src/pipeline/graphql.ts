// Does a GraphQL request hold only operations that its route allows? Judged by the fields at the top of every operation in it: names that a
// client gives (aliases, operation names) say nothing. Sources: GraphQL specification (October 2021), GraphQL over HTTP (draft).
import { createRequire } from 'node:module';
import type { DocumentNode, SelectionSetNode } from 'graphql';
import type { GraphqlRule } from '../contract.ts';
import { compileGlob, type Glob } from './glob.ts';

/** Loaded by the first route that asks for it; the package as a whole takes longer to load than all of the pipeline. */
const require = createRequire(import.meta.url);
const loadParser = () => require('graphql/language/parser') as typeof import('graphql/language/parser.js');

/** A larger document costs more than it is worth, and no client writes one. */
const MOST_TOKENS = 20_000;
const MOST_OPERATIONS = 100;
/** Longest name in a reason, in characters. */
const LONGEST_NAME = 64;

/** Why it is not allowed, fit for a message; null = it is. */
export type GraphqlJudge = (documents: readonly string[] | null) => string | null;

export function compileGraphqlRule({ query, mutation, subscription }: GraphqlRule): GraphqlJudge {
  const { parse } = loadParser();
  const allowed: Readonly<Record<string, readonly Glob[]>> = {
    query: query.map(compileGlob),
    mutation: mutation.map(compileGlob),
    subscription: subscription.map(compileGlob),
  };

  return (documents) => {
    if (documents === null || documents.length === 0) return 'it holds no GraphQL document';
    if (documents.length > MOST_OPERATIONS) return `it holds more than ${MOST_OPERATIONS} documents`;
    for (const text of documents) {
      const document = parseDocument(parse, text);
      if (document === null) return 'its GraphQL document cannot be read';
      const fields = topFields(document);
      if (fields.length === 0) return 'its GraphQL document holds no operation';
      for (const { operation, name } of fields) {
        if (!allowed[operation]!.some((glob) => glob(name))) return `the ${operation} ${shown(name)} is not allowed`;
      }
    }
    return null;
  };
}

function parseDocument(parse: ReturnType<typeof loadParser>['parse'], text: string): DocumentNode | null {
  try {
    return parse(text, { noLocation: true, maxTokens: MOST_TOKENS });
  } catch (error) {
    // Nested without end: the parser calls itself.
    // Its own class of error is another one in each way that it is loaded.
    if (error instanceof Error && (error.name === 'GraphQLError' || error instanceof RangeError)) return null;
    throw error;
  }
}

interface TopField {
  readonly operation: 'query' | 'mutation' | 'subscription';
  /** `*` cannot be a name: it stands for a fragment that is not there. */
  readonly name: string;
}

function topFields(document: DocumentNode): readonly TopField[] {
  const fragments = new Map<string, SelectionSetNode>();
  for (const part of document.definitions) {
    if (part.kind === 'FragmentDefinition') fragments.set(part.name.value, part.selectionSet);
  }
  return document.definitions.flatMap((part): TopField[] => {
    if (part.kind !== 'OperationDefinition') return [];
    const names = new Set<string>();
    collect(part.selectionSet, fragments, new Set(), names);
    return [...names].map((name) => ({ operation: part.operation, name }));
  });
}

function collect(
  { selections }: SelectionSetNode,
  fragments: ReadonlyMap<string, SelectionSetNode>,
  seen: Set<string>,
  names: Set<string>,
): void {
  for (const selection of selections) {
    switch (selection.kind) {
      case 'Field':
        names.add(selection.name.value);
        break;
      case 'InlineFragment':
        collect(selection.selectionSet, fragments, seen, names);
        break;
      case 'FragmentSpread': {
        const { value } = selection.name;
        const fragment = fragments.get(value);
        if (fragment === undefined) names.add('*');
        else if (!seen.has(value)) {
          seen.add(value);
          collect(fragment, fragments, seen, names);
        }
        break;
      }
      default:
        selection satisfies never;
    }
  }
}

const shown = (name: string): string => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}...` : name);

/** The documents of a body: JSON (one request, or a list of them) or the bare text; null when it is neither. */
export function documentsOfBody(contentType: string, body: Buffer): readonly string[] | null {
  const type = contentType.split(';')[0]!.trim().toLowerCase();
  // A service that decodes it otherwise would read another document.
  if (/charset\s*=\s*"?(?!utf-?8\b)/i.test(contentType)) return null;
  if (type === 'application/graphql') return [body.toString('utf8')];
  if (type !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(type)) return null;
  const value = parseJson(body);
  const requests = Array.isArray(value) ? value : [value];
  const documents = requests.map((request: unknown) =>
    typeof request === 'object' && request !== null && 'query' in request ? request.query : null,
  );
  return documents.every((text) => typeof text === 'string') ? documents : null;
}

/** A key that comes twice would be read in two ways. */
function parseJson(body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    return hasQueryTwice(text, value) ? null : value;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** In the text of one request there is one key `query` at the top; its name may be written with escapes. */
function hasQueryTwice(text: string, value: unknown): boolean {
  const count = Array.isArray(value) ? value.length : 1;
  let found = 0;
  let depth = 0;
  const top = Array.isArray(value) ? 2 : 1;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/gs)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (depth === top && token.endsWith(':') && JSON.parse(token.slice(0, -1).trimEnd()) === 'query') found++;
  }
  return found !== count;
}
