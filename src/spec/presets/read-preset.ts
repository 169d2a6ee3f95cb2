// The text of a preset's file -> its tree, with what it asks for; or everything that is wrong with it.

import presetSchema from '../../../bottles/preset.schema.json' with { type: 'json' };
import type { Problem } from '../../report/problem.ts';
import { literalSecretsInText } from '../literal-secrets.ts';
import { type Located, nodeAt, plainOf } from '../located.ts';
import { placeholdersIn } from '../placeholder-text.ts';
import { readYaml } from '../read-yaml.ts';
import type { PresetDocument, PresetEntry, PresetParameter } from '../schema-preset.ts';
import { makeShapeCheck, type ShapeCheck } from '../shape.ts';
import { shown } from '../words.ts';
import { fillIn, unknownHoles } from './fill-in.ts';
import type { PresetFile } from './find.ts';
import { exampleValues, isKind, misfit, type Values, valueNames } from './parameters.ts';

export interface Preset {
  readonly name: string;
  readonly isBuiltIn: boolean;
  readonly about: string;
  readonly needsSecret: boolean;
  readonly parameters: Readonly<Record<string, PresetParameter>>;
  /** Names of secrets that its entries ask for, each with those that serve as well, best first. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
  /** Which of them serve, those that ask for least: one of these will do. */
  readonly choices: readonly (readonly string[])[];
  /** With its holes. */
  readonly root: Located;
}

export function readPreset(
  found: PresetFile,
  checkShape: ShapeCheck | null,
): { readonly preset: Preset | null; readonly problems: readonly Problem[] } {
  const yaml = readYaml(found.text, found.file);
  if (yaml.root === null) return { preset: null, problems: yaml.problems };
  const problems = [...yaml.problems];
  const parameters = declaredBy(yaml.root);
  if (checkShape !== null) {
    problems.push(...oddValues(yaml.root, parameters));
    if (problems.length > 0) return { preset: null, problems };
    problems.push(...literalSecretsInText(found.text, found.file, yaml.root));
    // As it would be with something in every hole.
    problems.push(...checkShape(fillIn(yaml.root, exampleValues(parameters))).problems);
    problems.push(...strayHoles(yaml.root, parameters));
  }
  return { preset: problems.length === 0 ? presetOf(found, yaml.root, parameters) : null, problems };
}

/** Compiles the schema of presets: for files that are not bottle's own. */
export function makePresetCheck(): ShapeCheck {
  return makeShapeCheck(presetSchema);
}

export function filledDocument(root: Located, values: Values): PresetDocument {
  // Checked by the schema: here for files, in a test for what bottle brings along.
  return plainOf(fillIn(root, values)) as PresetDocument;
}

function presetOf({ name, isBuiltIn }: PresetFile, root: Located, parameters: Preset['parameters']): Preset {
  const {
    about,
    needs_secret: needsSecret = true,
    secrets = {},
    files = {},
    allow,
  } = filledDocument(root, exampleValues(parameters));
  const asked = [...new Set([...allow.flatMap(secretsOf), ...placeholdersIn(JSON.stringify(files))])];
  const roles = new Map(asked.map((role) => [role, Object.hasOwn(secrets, role) ? (secrets[role] ?? []) : []]));
  return {
    name,
    isBuiltIn,
    about,
    needsSecret: needsSecret && asked.length > 0,
    parameters,
    roles,
    choices: choicesOf(allow, roles),
    root,
  };
}

function choicesOf(allow: readonly PresetEntry[], roles: Preset['roles']): Preset['choices'] {
  const all = allow.flatMap(({ auth }) => [auth ?? []].flat().map((one) => secretsOf({ host: '', auth: one })));
  const least = Math.min(...all.map(({ length }) => length));
  const texts = all.flatMap((names) => {
    const [first = '', ...rest] = names.length === least ? names : [];
    return first === ''
      ? []
      : [first, ...(rest.length === 0 ? (roles.get(first) ?? []) : [])].map((one) => [one, ...rest]);
  });
  return [...new Map(texts.map((names) => [names.join(), names])).values()];
}

function secretsOf({ auth, placeholder }: PresetEntry): readonly string[] {
  const named = [auth ?? []]
    .flat()
    .flatMap(({ access_key: id, secret, session_token: session }) => [id, secret, session]);
  return [...named, placeholder?.secret].filter((name) => name !== undefined);
}

/** As far as they can be understood: what is wrong with them is for the schema to say. */
function declaredBy(root: Located): Preset['parameters'] {
  const node = nodeAt(root, ['parameters']);
  if (node?.kind !== 'map') return {};
  const all = plainOf(node) as Readonly<Record<string, Partial<PresetParameter> | null>>;
  return Object.fromEntries(
    Object.entries(all).map(([name, one]) => [
      name,
      isKind(one?.type) ? (one as PresetParameter) : { type: 'word', about: '' },
    ]),
  );
}

/** What a parameter brings along is no better than what it could be told. */
function oddValues(root: Located, parameters: Preset['parameters']): readonly Problem[] {
  return Object.entries(parameters).flatMap(([name, parameter]) =>
    (['default', 'example'] as const).flatMap((key) => {
      const value = parameter[key];
      const why = value === undefined ? null : misfit(parameter.type, value);
      const node = nodeAt(root, ['parameters', name, key]);
      if (why === null || node === null) return [];
      return [{ ...node.at, what: `${node.name} ${shown(value)} is not in the right form`, why, fix: 'correct it' }];
    }),
  );
}

function strayHoles(root: Located, parameters: Preset['parameters']): readonly Problem[] {
  const known = valueNames(parameters);
  const parts = ['allow', 'env', 'files'].map((part) => nodeAt(root, [part])).filter((node) => node !== null);
  return parts
    .flatMap((part) => unknownHoles(part, known))
    .map(({ node, name }) => ({
      ...node.at,
      what: `${node.name} holds {${name}}`,
      why: 'no parameter is called so',
      fix: `add ${shown(name)} under parameters, or correct the name`,
    }));
}
