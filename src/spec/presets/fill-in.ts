// Puts what a preset was told into its texts: `"{host}"` becomes the value of `host`. Once: what a value holds is not looked at again.

import type { ListNode, Located, MapEntry, ScalarNode } from '../located.ts';
import type { ParameterValue } from '../schema-preset.ts';
import type { Values } from './parameters.ts';

/** `{secret}` is a word of entries. */
const HOLE = /\{(?!secret\})([a-z][a-z0-9_]*)\}/g;
const WHOLE = /^\{(?!secret\})([a-z][a-z0-9_]*)\}$/;

/** The tree with its holes filled; texts with a hole that nobody fills are left out. An entry of `allow` whose host has a list becomes several. */
export function fillIn(root: Located, values: Values): Located {
  if (root.kind !== 'map') return root;
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of root.entries) {
    const node = key === 'parameters' ? entry.node : fillPart(key, entry.node, values);
    if (node !== null) entries.set(key, { ...entry, node });
  }
  return { ...root, entries };
}

function fillPart(key: string, node: Located, values: Values): Located | null {
  if (key === 'allow' && node.kind === 'list')
    return { ...node, items: node.items.flatMap((one) => fillEntry(one, values)) };
  // A variable holds one text.
  return fill(node, key === 'env' ? new Map([...values].map(([name, value]) => [name, first(value)])) : values);
}

function fillEntry(entry: Located, values: Values): readonly Located[] {
  const host = entry.kind === 'map' ? entry.entries.get('host')?.node : undefined;
  if (host?.kind !== 'scalar') return one(fill(entry, values));
  const listed = holesOf(host).filter((name) => Array.isArray(values.get(name)));
  return combinations(listed, values).flatMap((bound) => one(fill(entry, bound)).filter(isWhole));
}

/** One whose host or whose rules were all left out allows nothing. */
function isWhole(entry: Located): boolean {
  if (entry.kind !== 'map') return true;
  const rules = entry.entries.get('rules')?.node;
  return entry.entries.has('host') && (rules?.kind !== 'list' || rules.items.length > 0);
}

/** One set of values for each way to take one of every list. */
function combinations(listed: readonly string[], values: Values): readonly Values[] {
  return listed.reduce<readonly Values[]>(
    (sets, name) => sets.flatMap((set) => [set.get(name) ?? []].flat().map((value) => new Map(set).set(name, value))),
    [values],
  );
}

function fill(node: Located, values: Values): Located | null {
  switch (node.kind) {
    case 'scalar': {
      const whole = typeof node.value === 'string' ? WHOLE.exec(node.value)?.[1] : undefined;
      if (whole === undefined) return texts(node, values)[0] ?? null;
      const value = values.get(whole);
      return value === undefined ? null : located(node, value);
    }
    case 'list':
      return { ...node, items: node.items.flatMap((item) => fillItem(item, values)) };
    case 'map': {
      const entries = new Map<string, MapEntry>();
      for (const [key, entry] of node.entries) {
        const filled = fill(entry.node, values);
        const name = texts({ kind: 'scalar', at: entry.keyAt, name: key, value: key, source: key }, values)[0];
        if (filled !== null && name !== undefined) entries.set(name.source, { ...entry, node: filled });
      }
      return { ...node, entries };
    }
    default:
      return node satisfies never;
  }
}

/** In a list, a text with a list in it becomes one text for each. */
function fillItem(item: Located, values: Values): readonly Located[] {
  if (item.kind === 'scalar' && !WHOLE.test(String(item.value))) return texts(item, values);
  const filled = fill(item, values);
  return filled?.kind === 'list' && item.kind === 'scalar' ? filled.items : one(filled);
}

function texts(node: ScalarNode, values: Values): readonly ScalarNode[] {
  const holes = holesOf(node);
  if (holes.length === 0) return [node];
  if (holes.some((name) => !values.has(name))) return [];
  const listed = holes.filter((name) => Array.isArray(values.get(name)));
  return combinations(listed, values).map((bound) => {
    const value = String(node.value).replace(HOLE, (_, name: string) => String(bound.get(name)));
    return { ...node, value, source: value };
  });
}

/** Names of the holes in a tree that no parameter fills. */
export function unknownHoles(node: Located, known: readonly string[]): readonly { node: ScalarNode; name: string }[] {
  if (node.kind === 'list') return node.items.flatMap((item) => unknownHoles(item, known));
  if (node.kind === 'map') {
    return [...node.entries].flatMap(([key, { keyAt, node: value }]) => [
      ...unknownHoles({ kind: 'scalar', at: keyAt, name: `${node.name}.${key}`, value: key, source: key }, known),
      ...unknownHoles(value, known),
    ]);
  }
  return holesOf(node).flatMap((name) => (known.includes(name) ? [] : [{ node, name }]));
}

function holesOf(node: ScalarNode): readonly string[] {
  if (typeof node.value !== 'string') return [];
  return [...new Set([...node.value.matchAll(HOLE)].map(([, name]) => name ?? ''))];
}

function located(node: ScalarNode, value: ParameterValue): Located {
  if (!Array.isArray(value)) return { ...node, value, source: String(value) };
  const items = value.map((each) => ({ ...node, value: each, source: each }));
  return { kind: 'list', at: node.at, name: node.name, items } satisfies ListNode;
}

const one = (node: Located | null): readonly Located[] => (node === null ? [] : [node]);
const first = (value: ParameterValue): ParameterValue => (Array.isArray(value) ? (value[0] ?? '') : value);
