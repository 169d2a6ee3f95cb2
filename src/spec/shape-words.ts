// What a validator's error means in plain words: what is wrong, why, and what to write instead.

import type { ErrorObject } from 'ajv';
import { nearest } from '../report/nearest.ts';
import type { Path } from './located.ts';
import { type SchemaPart, unknownKey } from './unknown-key.ts';
import { shown } from './words.ts';

export interface Words {
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

export interface ErrorPlace {
  readonly path: Path;
  /** `allow.3.host`, '' for the root. */
  readonly name: string;
  /** The whole schema, to find where a key belongs. */
  readonly schema: object;
  /** The value as written, '' when it is no scalar. */
  readonly source: string;
}

export function shapeWords(error: ErrorObject, place: ErrorPlace): Words {
  const { name } = place;
  const part = (error.parentSchema ?? {}) as SchemaPart;
  const value = error.data;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(String(error.params.additionalProperty), parentName(place), part, place.schema);
    case 'propertyNames':
      return badName(String(error.params.propertyName), parentName(place));
    case 'required': {
      const key = String(error.params.missingProperty);
      return {
        what: `${name === '' ? wholeOf(place) : name} has no ${key}`,
        why: `${key} cannot be left out`,
        fix: `add \`${key}: ${exampleOf(part.properties?.[key])}\``,
      };
    }
    case 'type':
      return wrongType(place, value, part);
    case 'enum': {
      const choices = (error.params.allowedValues as readonly unknown[]).map(String);
      const near =
        typeof value === 'string'
          ? (choices.find((choice) => choice.length > 2 && value.startsWith(choice)) ?? nearest(value, choices))
          : undefined;
      return {
        what: `${name} ${shown(value)} is not known`,
        why: `it is one of ${choices.join(', ')}`,
        fix: near === undefined ? `write one of them` : `did you mean ${shown(near)}?`,
      };
    }
    case 'const':
      return {
        what: `${name} is ${shown(value)}${typeof value === 'string' ? ' (text)' : ''}`,
        why: 'this bottle reads version 1 of the vocabulary',
        fix: 'write `version: 1`',
      };
    case 'pattern':
      return wrongForm(place, value, part);
    case 'minLength':
      return {
        what: `${name} is empty`,
        why: 'an empty text means nothing here',
        fix: `write a value, like ${exampleOf(part)}, or remove the line`,
      };
    case 'minItems':
      return {
        what: `${name} is an empty list`,
        why: 'it would match nothing',
        fix: `write at least one, like ${exampleOf(part)}, or remove the line`,
      };
    case 'maxItems':
      return {
        what: `${name} has more than ${String(error.params.limit)} items`,
        why: 'nobody could read it',
        fix: 'use a pattern like "*.example.com", or several specs',
      };
    case 'minimum':
    case 'maximum': {
      const limit = String(error.params.limit);
      const isLow = error.keyword === 'minimum';
      return {
        what: `${name} ${shown(value)} is too ${isLow ? 'small' : 'large'}`,
        why: `the ${isLow ? 'least' : 'most'} is ${limit}`,
        fix: `write a number ${isLow ? 'from' : 'up to'} ${limit}`,
      };
    }
    case 'maxProperties':
      return {
        what: `${name} names ${Object.keys(value as object).length} presets`,
        why: 'each is an item of its own',
        fix: 'begin a new line with - for each',
      };
    case 'minProperties':
      if (name.startsWith('use.')) {
        return { what: `${name} names no preset`, why: '', fix: 'write its name, like github-read' };
      }
      return {
        what: `${name} names no source`,
        why: 'a secret comes from a variable, a file, a command or a store of secrets',
        fix: `write { env: ${nameOf(name)} }`,
      };
    case 'uniqueItems':
      return { what: `${name} holds the same value twice`, why: '', fix: 'remove one' };
    default:
      return {
        what: `${name} ${error.message ?? 'is wrong'}`,
        why: part.description ?? '',
        fix: `write it like ${exampleOf(part)}`,
      };
  }
}

function badName(name: string, parent: string): Words {
  const clean = name
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_');
  const usable = clean.replaceAll('_', '') === '' ? 'NAME' : clean.slice(0, 64);
  if (parent.endsWith('.query') || parent.endsWith('.headers')) {
    return {
      what: `${parent} has an empty name`,
      why: 'there is nothing to compare',
      fix: 'write a name, or remove it',
    };
  }
  return {
    what: `${shown(name)} in ${parent} is no name of an environment variable`,
    why: 'letters, digits and underscores, no digit first',
    fix: `write it like ${usable}`,
  };
}

function wrongType(place: ErrorPlace, value: unknown, part: SchemaPart): Words {
  const { name, source } = place;
  const types = typeof part.type === 'string' ? [part.type] : (part.type ?? []);
  const wanted = types.filter((type) => type !== 'null');
  if (name.startsWith('secrets.') && wanted.includes('object') && name.split('.').length === 2) {
    return {
      what: `${name} is ${value === null ? 'empty' : Array.isArray(value) ? 'a list' : 'a literal value'}, not a reference`,
      why: 'a spec says where a secret comes from, never what it is',
      fix: `write \`{ env: ${nameOf(name)} }\`, \`{ file: PATH }\` or \`{ cmd: [PROGRAM, …] }\``,
    };
  }
  const what =
    value === null
      ? `${name} has no value`
      : `${name} is ${kindOf(value)}, not ${wanted.map((type) => TYPE_WORDS[type] ?? type).join(' or ')}`;
  if (value === null) {
    const none = wanted.includes('array')
      ? '[]'
      : wanted.includes('object')
        ? '{}'
        : wanted.includes('string') && part.examples === undefined
          ? '""'
          : null;
    return {
      what,
      why: 'a key without a value could mean anything',
      fix:
        none === null
          ? `write one, like ${exampleOf(part)}, or remove the line`
          : `write \`${none}\`, or remove the line`,
    };
  }
  if (wanted.includes('boolean') && typeof value === 'string' && /^(?:yes|no|on|off|y|n|true|false)$/i.test(value)) {
    const meant = /^(?:yes|on|y|true)$/i.test(value) ? 'true' : 'false';
    return { what, why: `${shown(value)} is text in YAML 1.2`, fix: `write ${meant}` };
  }
  if (
    (wanted.includes('integer') || wanted.includes('number')) &&
    typeof value === 'string' &&
    value.trim() !== '' &&
    Number.isFinite(Number(value))
  ) {
    return { what, why: 'quotes make it text', fix: `write ${Number(value)} without quotes` };
  }
  if (name.split('.').at(-1) === 'memory') {
    return { what, why: 'a size is a number and a unit: k, m or g', fix: 'write it like 512m or 4g' };
  }
  if (wanted.includes('string') && (typeof value === 'number' || typeof value === 'boolean')) {
    return {
      what,
      why: 'without quotes YAML reads it as something else',
      fix: `write "${source === '' ? String(value) : source}" in quotes`,
    };
  }
  if (wanted.includes('array') && (typeof value === 'string' || typeof value === 'number')) {
    // The program and its arguments, each by itself.
    const items = /(?:^|\.)cmd$/.test(name) ? String(value).trim().split(/\s+/) : [value];
    return { what, why: '', fix: `write [${items.map(shown).join(', ')}]` };
  }
  if (wanted.length === 1 && wanted[0] === 'integer' && typeof value === 'number') {
    return { what, why: '', fix: `write ${Math.max(1, Math.round(value))}` };
  }
  return {
    what,
    why: part.description === undefined ? '' : firstSentence(part.description),
    fix: `write it like ${exampleOf(part)}`,
  };
}

function wrongForm(place: ErrorPlace, value: unknown, part: SchemaPart): Words {
  const { name } = place;
  const what = `${name} ${shown(value)} is not in the right form`;
  const last = name.split('.').at(-1);
  if (last === 'memory')
    return { what, why: 'a size is a number and a unit: k, m or g', fix: 'write it like 512m or 4g' };
  if (name === 'name')
    return {
      what,
      why: 'lower-case letters, digits and dashes, at most 40',
      fix: `write it like ${asName(String(value))}`,
    };
  if (last === 'template')
    return { what, why: 'it must hold {secret}, on one line', fix: 'write it like "token {secret}"' };
  if (last === 'user') return { what, why: 'it is UID, UID:GID or agent', fix: 'write it like 1000:1000' };
  const isSecretName = last === 'secret' && !name.startsWith('secrets.');
  if (isSecretName || last === 'env' || /^dlp\.known\.\d+$/.test(name)) {
    const isLiteral = /^\$/.test(String(value));
    return {
      what,
      why: isLiteral ? 'it is a name, without $' : 'it is the name of a variable: letters, digits and underscores',
      fix: `write it like ${isLiteral ? String(value).replace(/[^A-Za-z0-9_]/g, '') || 'GITHUB_TOKEN' : exampleOf(part)}`,
    };
  }
  return {
    what,
    why: part.description === undefined ? '' : firstSentence(part.description),
    fix: `write it like ${exampleOf(part)}`,
  };
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
};

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return `the text ${shown(value)}`;
  return `${typeof value === 'boolean' ? '' : 'the number '}${String(value)}`;
}

/** What the file is. */
const wholeOf = ({ schema }: ErrorPlace) =>
  'title' in schema && schema.title === 'bottle preset' ? 'the preset' : 'the spec';
const parentName = (place: ErrorPlace) => place.name.split('.').slice(0, -1).join('.');
const nameOf = (name: string) => name.split('.').at(-1) ?? name;
const firstSentence = (text: string) =>
  (text.split(/[.;:](?:\s|$)/)[0] ?? text).replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase());

function asName(text: string): string {
  const clean = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return clean === '' ? 'web-shop' : clean;
}

function exampleOf(part: SchemaPart | undefined): string {
  const example = part?.examples?.[0];
  if (example === undefined) return '"…"';
  if (typeof example === 'string') return example;
  if (typeof example !== 'object' || example === null) return String(example);
  // Flow style as a person would write it in YAML.
  if (Array.isArray(example)) return `[${example.map((item) => flow(item)).join(', ')}]`;
  return flow(example);
}

function flow(value: unknown): string {
  if (typeof value === 'string') return /^[A-Za-z0-9_./-]+$/.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, item]) => `${key}: ${flow(item)}`)
      .join(', ')} }`;
  }
  return String(value);
}
