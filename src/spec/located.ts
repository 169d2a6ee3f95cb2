// A value of a spec file that remembers where it stands: what YAML becomes before anything is checked, and what bases are merged as.

export interface Place {
  readonly file: string;
  /** 1-based */
  readonly line: number;
  /** 1-based */
  readonly col: number;
}

export type Scalar = string | number | boolean | null;

interface Common {
  readonly at: Place;
  /** Where it stands in its own file, as a person would say it: `egress.allow.3.host`. */
  readonly name: string;
}

export interface ScalarNode extends Common {
  readonly kind: 'scalar';
  readonly value: Scalar;
  /** As written, without quotes: `1.10`, `no`. */
  readonly source: string;
}

export interface ListNode extends Common {
  readonly kind: 'list';
  readonly items: readonly Located[];
}

export interface MapNode extends Common {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export interface MapEntry {
  readonly keyAt: Place;
  readonly node: Located;
}

export type Located = ScalarNode | ListNode | MapNode;

export type Path = readonly (string | number)[];

/** The plain value, as JSON would have it. */
export function plainOf(node: Located): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(plainOf);
    case 'map': {
      const plain: Record<string, unknown> = {};
      for (const [key, entry] of node.entries) setOwn(plain, key, plainOf(entry.node));
      return plain;
    }
  }
}

/** Assigns also `__proto__` as an ordinary key. */
export function setOwn<T>(target: Record<string, T>, key: string, value: T): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

/** The node at a path, or null. */
export function nodeAt(root: Located, path: Path): Located | null {
  let node: Located = root;
  for (const step of path) {
    const next = child(node, step);
    if (next === null) return null;
    node = next;
  }
  return node;
}

/** The nearest node that exists on the way to a path. */
export function nearestNode(root: Located, path: Path): Located {
  let node: Located = root;
  for (const step of path) {
    const next = child(node, step);
    if (next === null) return node;
    node = next;
  }
  return node;
}

function child(node: Located, step: string | number): Located | null {
  if (node.kind === 'list') return node.items[Number(step)] ?? null;
  if (node.kind === 'map') return node.entries.get(String(step))?.node ?? null;
  return null;
}

/** Where the key of a map's entry stands; the entry's value when it is a list's item; the node itself for the root. */
export function keyPlace(root: Located, path: Path): Place {
  const parent = nearestNode(root, path.slice(0, -1));
  const last = path.at(-1);
  if (last !== undefined && parent.kind === 'map') return parent.entries.get(String(last))?.keyAt ?? parent.at;
  return nearestNode(root, path).at;
}

/** The tree without the node at `path`. Names and places of what stays are unchanged. */
export function without(node: Located, path: Path): Located {
  const [step, ...rest] = path;
  if (step === undefined) return node;
  if (node.kind === 'list') {
    const index = Number(step);
    const items =
      rest.length === 0
        ? node.items.filter((_, i) => i !== index)
        : node.items.map((item, i) => (i === index ? without(item, rest) : item));
    return { ...node, items };
  }
  if (node.kind === 'map') {
    const entries = new Map(node.entries);
    const entry = entries.get(String(step));
    if (rest.length === 0) entries.delete(String(step));
    else if (entry) entries.set(String(step), { ...entry, node: without(entry.node, rest) });
    return { ...node, entries };
  }
  return node;
}

/** Every scalar of the tree, in order. */
export function* scalarsOf(node: Located): Generator<ScalarNode> {
  if (node.kind === 'scalar') yield node;
  else if (node.kind === 'list') for (const item of node.items) yield* scalarsOf(item);
  else for (const entry of node.entries.values()) yield* scalarsOf(entry.node);
}
