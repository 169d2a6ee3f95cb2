// What a preset is told in `egress.use`: each value checked against what the preset asks for.

import type { Registries, Tool } from '../registries.ts';
import type { Report } from '../report.ts';
import type { ParameterValue, PresetParameter } from '../schema-preset.ts';
import type { Words } from '../shape-words.ts';
import { shown, suggestion } from '../words.ts';

export type Values = ReadonlyMap<string, ParameterValue>;

interface Kind {
  readonly fits: (value: ParameterValue) => boolean;
  readonly why: string;
  readonly example: ParameterValue;
}

const text = (form: RegExp) => (value: ParameterValue) => typeof value === 'string' && form.test(value);
const texts = (form: RegExp) => (value: ParameterValue) =>
  (Array.isArray(value) ? value : [value]).every((one) => typeof one === 'string' && form.test(one));

const WORD = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const KINDS: Readonly<Record<PresetParameter['type'], Kind>> = {
  host: {
    fits: text(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/),
    why: 'it is a host name, lower case, without scheme, port and path',
    example: 'git.example.com',
  },
  port: {
    fits: (value) => typeof value === 'number' && value >= 1 && value <= 65_535,
    why: 'it is a number from 1 to 65535',
    example: 8443,
  },
  flag: { fits: (value) => typeof value === 'boolean', why: 'it is true or false', example: true },
  word: { fits: text(WORD), why: 'it is one name of letters, digits, dots and dashes', example: 'acme' },
  words: { fits: texts(WORD), why: 'each is a name of letters, digits, dots and dashes', example: ['web-shop'] },
  user: {
    fits: text(/^[A-Za-z0-9][A-Za-z0-9.!#$%&'*+/=?^_`|~@-]*$/),
    why: 'it is a user name or an e-mail address',
    example: 'me@example.com',
  },
  paths: {
    fits: texts(/^[A-Za-z0-9._~*@-]+(?:\/[A-Za-z0-9._~*@-]+)*$/),
    why: 'each is a piece of a path without / at its ends, where * stands for anything up to the next /',
    example: ['acme/web-shop'],
  },
  url: {
    fits: (value) => typeof value === 'string' && isPlainUrl(value),
    why: 'it is http:// or https://, a host and a path, without a user name, ? and #',
    example: 'https://packages.example.com/npm/',
  },
};

function isPlainUrl(value: string): boolean {
  if (!/^https?:\/\/[^\s{}]+$/.test(value) || !URL.canParse(value)) return false;
  const { hostname, username, password, search, hash } = new URL(value);
  return `${username}${password}${search}${hash}` === '' && !hostname.includes('*');
}

type Parameters = Readonly<Record<string, PresetParameter>>;

/** What it would be told in an example that leaves nothing out; the defaults where there are some. */
export function exampleValues(parameters: Parameters): Values {
  const values = Object.entries(parameters).flatMap(([name, { type, default: standard, example }]) =>
    valuesOf(name, type, standard ?? example ?? KINDS[type].example, false),
  );
  return new Map(values);
}

/** Why a value is none of its kind; null = it is one. */
export const misfit = (type: PresetParameter['type'], value: ParameterValue): string | null =>
  KINDS[type].fits(value) ? null : KINDS[type].why;

export const isKind = (type: unknown): type is PresetParameter['type'] => Object.hasOwn(KINDS, String(type));

/** All that may stand in a hole. */
export function valueNames(parameters: Parameters): readonly string[] {
  return Object.entries(parameters).flatMap(([name, { type }]) =>
    valuesOf(name, type, KINDS[type].example, false).map(([each]) => each),
  );
}

/** Under its name, and a URL's parts each under a name of their own. */
function valuesOf(
  name: string,
  type: PresetParameter['type'],
  value: ParameterValue,
  isNamed: boolean,
): readonly (readonly [string, ParameterValue])[] {
  if (type === 'words' || type === 'paths') return [[name, Array.isArray(value) ? value : [String(value)]]];
  if (type !== 'url') return [[name, value]];
  const { protocol, hostname, port, pathname } = new URL(String(value));
  const path = pathname.replace(/\/*$/, '/');
  return [
    [name, value],
    [`${name}_scheme`, protocol.slice(0, -1)],
    [`${name}_host`, hostname.replace(/^\[|\]$/g, '')],
    [`${name}_port`, port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port)],
    [`${name}_path`, path],
    [`${name}_top`, path.replace(/\/\+?simple\/$/, '/')],
    [`${name}_private`, isNamed],
  ];
}

/** null when something is missing or wrong, which has been reported. `roles`: names of secrets, which are told as well. */
export function readParameters(
  preset: string,
  parameters: Parameters,
  roles: readonly string[],
  given: Readonly<Record<string, ParameterValue>>,
  registries: Registries,
  report: Report,
): Values | null {
  let isRight = true;
  const values = new Map<string, ParameterValue>();
  const set = (found: ReturnType<typeof valuesOf>) => {
    for (const [name, value] of found) values.set(name, value);
  };
  for (const [name, value] of Object.entries(given)) {
    if (roles.includes(name)) continue;
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (parameter === undefined) {
      const known = [...Object.keys(parameters), ...roles];
      report.problemAtKey(
        {
          what: `the preset ${shown(preset)} has no parameter ${shown(name)}`,
          why: known.length === 0 ? 'it has none' : '',
          fix: known.length === 0 ? `write ${shown(preset)} alone` : suggestion(name, known, 'it has'),
        },
        [name],
      );
      isRight = false;
      continue;
    }
    const kind = KINDS[parameter.type];
    if (kind.fits(value)) {
      set(valuesOf(name, parameter.type, value, true));
      continue;
    }
    report.problem(
      {
        what: `${report.name([name])} ${shown(value)} is not in the right form`,
        why: kind.why,
        fix: `write it like ${flow(parameter.example ?? kind.example)}`,
      },
      [name],
    );
    isRight = false;
  }
  for (const [name, { type, about, default: standard, example, from, optional }] of Object.entries(parameters)) {
    if (Object.hasOwn(given, name)) continue;
    const registry = from === undefined ? null : registries.registryOf(from);
    if (registry !== null) set(valuesOf(name, type, registry.url, registry.isConfigured));
    else if (from !== undefined) {
      report.problem(noRegistry(preset, name, from));
      isRight = false;
    } else if (standard !== undefined) set(valuesOf(name, type, standard, false));
    else if (!optional) {
      report.problem({
        what: `the preset ${shown(preset)} is not told its ${name}`,
        why: about,
        fix: `write \`{ ${preset}: { ${name}: ${flow(example ?? KINDS[type].example)} } }\``,
      });
      isRight = false;
    }
  }
  return isRight ? values : null;
}

function noRegistry(preset: string, name: string, tool: Tool): Words {
  const own = tool === 'npm' ? '`npm config set registry URL`' : '`pip config set global.index-url URL`, PIP_INDEX_URL';
  return {
    what: `the preset ${shown(preset)} finds no registry`,
    why: `${tool} on this machine does not say where it installs from`,
    fix: `set it with ${own}, or write \`{ ${preset}: { ${name}: URL } }\``,
  };
}

const flow = (value: ParameterValue): string => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value));
