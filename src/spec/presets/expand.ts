// A preset and what it is told -> its entries and variables, with the credentials that the spec has for them.

import { checkSecretName } from '../auth.ts';
import type { Located } from '../located.ts';
import { fillPlaceholders, placeholdersIn, referenceText } from '../placeholder-text.ts';
import type { Registries } from '../registries.ts';
import type { Report } from '../report.ts';
import type { SpecAuth, SpecEntry, SpecFile } from '../schema.ts';
import type { ParameterValue, PresetEntry } from '../schema-preset.ts';
import type { Words } from '../shape-words.ts';
import { shown } from '../words.ts';
import { fillIn } from './fill-in.ts';
import { readParameters } from './parameters.ts';
import { filledDocument, type Preset } from './read-preset.ts';

export interface Expansion {
  /** In the order of `root`'s `allow`. */
  readonly entries: readonly SpecEntry[];
  /** Variables that the agent gets; the spec's own win. */
  readonly env: Readonly<Record<string, string>>;
  /** Files that the agent finds, by path; without those that want a placeholder of a secret that the spec does not have. */
  readonly files: Readonly<Record<string, SpecFile>>;
  /** The preset with its holes filled. */
  readonly root: Located;
}

/** null when it cannot be, which has been reported. `secrets` are the names that the spec has; `given` stands at `report`. */
export function expandPreset(
  preset: Preset,
  given: Readonly<Record<string, ParameterValue>>,
  secrets: readonly string[],
  registries: Registries,
  report: Report,
): Expansion | null {
  const values = readParameters(preset.name, preset.parameters, [...preset.roles.keys()], given, registries, report);
  if (values === null) return null;
  const serving = new Map<string, string>();
  for (const [role, others] of preset.roles) {
    const told = Object.hasOwn(given, role) ? String(given[role]) : null;
    if (told !== null && !secrets.includes(told)) {
      checkSecretName(told, secrets, report.below(role));
      return null;
    }
    const name = told ?? [role, ...others].find((one) => secrets.includes(one));
    if (name !== undefined) serving.set(role, name);
  }
  const { allow, env = {}, files = {} } = filledDocument(preset.root, values);
  if (preset.needsSecret && allow.some((entry) => asksFor(entry) && authOf(entry, serving) === null)) {
    report.problem(lacking(preset, allow, serving));
    return null;
  }
  return {
    entries: allow.map((entry) => entryOf(entry, serving)),
    env,
    files: filesOf(files, serving),
    root: fillIn(preset.root, values),
  };
}

function filesOf(files: Readonly<Record<string, SpecFile>>, serving: Serving): Readonly<Record<string, SpecFile>> {
  const fitting = Object.entries(files).flatMap(([path, file]) => {
    const text = JSON.stringify(file);
    if (!placeholdersIn(text).every((role) => serving.has(role))) return [];
    const named = fillPlaceholders(text, ({ secret, claim }) =>
      referenceText({ secret: serving.get(secret) ?? secret, claim }),
    );
    return [[path, JSON.parse(named) as SpecFile]]; // As it was, but for names within its texts.
  });
  return Object.fromEntries(fitting);
}

type Serving = ReadonlyMap<string, string>;

const asksFor = ({ auth }: PresetEntry) => auth !== undefined;
const choicesOf = ({ auth }: PresetEntry): readonly SpecAuth[] => [auth ?? []].flat();
const namesOf = ({ access_key: id, secret, session_token: session }: SpecAuth) =>
  [id, secret, session].filter((name) => name !== undefined);

/** The first whose secrets are all there. */
function authOf(entry: PresetEntry, serving: Serving): SpecAuth | null {
  const auth = choicesOf(entry).find((one) => namesOf(one).every((name) => serving.has(name)));
  if (auth === undefined) return null;
  const named = (role: string) => serving.get(role) ?? role;
  return {
    ...auth,
    secret: named(auth.secret),
    ...(auth.access_key === undefined ? {} : { access_key: named(auth.access_key) }),
    ...(auth.session_token === undefined ? {} : { session_token: named(auth.session_token) }),
  };
}

function entryOf(entry: PresetEntry, serving: Serving): SpecEntry {
  const { auth: _, placeholder, ...rest } = entry;
  const auth = authOf(entry, serving);
  const swapped = placeholder === undefined ? undefined : serving.get(placeholder.secret);
  return {
    ...rest,
    ...(auth === null ? {} : { auth }),
    ...(placeholder === undefined || swapped === undefined ? {} : { placeholder: { ...placeholder, secret: swapped } }),
  };
}

function lacking(preset: Preset, allow: readonly PresetEntry[], serving: Serving): Words {
  const entry = allow.find((one) => asksFor(one) && authOf(one, serving) === null);
  const choices = entry === undefined ? [] : choicesOf(entry).map(namesOf);
  // The choice that asks for least, and those that ask for as little.
  const least = Math.min(...choices.map(({ length }) => length));
  const easiest = choices.filter(({ length }) => length === least);
  const what = `the preset ${shown(preset.name)} needs ${least === 1 ? 'a secret' : `${least} secrets`}`;
  if (least > 1) {
    const missing = easiest[0]?.filter((name) => !serving.has(name)) ?? [];
    return {
      what,
      why: `secrets has no ${missing.join(' and no ')}`,
      fix: `add ${missing.map((name) => `\`${name}: { env: ${name} }\``).join(' and ')} under secrets`,
    };
  }
  const [first = '', ...others] = easiest.flat().flatMap((role) => [role, ...(preset.roles.get(role) ?? [])]);
  return {
    what,
    why: `none of secrets is called ${[first, ...others].join(' or ')}`,
    fix: `add \`${first}: { env: ${first} }\` under secrets${others.length === 0 ? '' : ` (or ${others.join(', ')})`}`,
  };
}
