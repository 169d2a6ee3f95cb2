// The text of docs/presets.md: what each preset says of itself, and what it was tried with.
import { plainOf } from '../../../src/spec/located.ts';
import { builtInFile, builtInNames, builtInText } from '../../../src/spec/presets/built-in.ts';
import { type Preset, readPreset } from '../../../src/spec/presets/read-preset.ts';
import type { PresetDocument, PresetEntry } from '../../../src/spec/schema.ts';
import type { PresetCase } from './preset-case.ts';

const HEAD = `# Presets

What \`egress.use\` takes. \`bottle presets NAME\` prints one with every rule; \`bottle show SPEC\` what the presets of a spec become. Written by
\`npm run presets\`; a test compares it, and tries each against a stand-in of its service (test/e2e/presets): tools with placeholders get their answers and
the service sees the true credential alone, what is not named is refused, the placeholder leads to a refusal elsewhere, an echoed credential is scrubbed.

| preset | what it is for | hosts | methods | credential | variables and parameters | tried with |
| --- | --- | --- | --- | --- | --- | --- |
`;

export function presetTable(cases: readonly PresetCase[]): string {
  const rows = builtInNames().map((name) => {
    const preset = presetOf(name);
    // With its holes, as its file has them.
    const { allow } = plainOf(preset.root) as PresetDocument;
    const tools = new Set(cases.filter((one) => one.preset === name).flatMap((one) => one.tools));
    const hosts = unique(allow.map(({ host }) => code(host)));
    const cells = [
      code(name),
      preset.about,
      hosts.join(', '),
      unique(allow.flatMap(methodsOf)).join(', '),
      unique(allow.flatMap(placesOf)).join('; ') || 'none',
      [...wanted(preset), ...Object.keys(preset.parameters)].join(', ') || 'none',
      [...tools].join(', '),
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return `${HEAD}${rows.join('\n')}\n`;
}

function presetOf(name: string): Preset {
  const path = builtInFile(name);
  if (path === null) throw new Error(`no preset ${name}`);
  const { preset } = readPreset({ name, text: builtInText(path), file: path, path, isBuiltIn: true }, null);
  if (preset === null) throw new Error(`${name} cannot be read`);
  return preset;
}

function methodsOf({ rules, access, graphql }: PresetEntry): readonly string[] {
  if (graphql !== undefined)
    return [graphql.mutation === undefined ? 'GraphQL queries' : 'GraphQL queries and named mutations'];
  if (rules === undefined)
    return access === 'read'
      ? ['GET', 'HEAD']
      : access === 'write'
        ? ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
        : ['any'];
  return rules.flatMap((rule) =>
    typeof rule === 'string' ? (rule.split(' ')[0] ?? '').split(',') : (rule.methods ?? ['any']),
  );
}

function placesOf({ auth, placeholder }: PresetEntry): readonly string[] {
  const places = [auth ?? []].flat().map(({ type, name, username, template }) => {
    if (type === 'header') return `field ${code(name ?? '')}${template === undefined ? '' : ` as ${code(template)}`}`;
    return type === 'basic' ? `basic, user ${code(username ?? '')}` : type;
  });
  return placeholder === undefined ? places : [...places, `swapped in ${(placeholder.in ?? ['header']).join(', ')}`];
}

function wanted({ choices, roles, needsSecret }: Preset): readonly string[] {
  if (roles.size === 0) return [];
  return [
    `${choices.map((names) => names.map(code).join(' and ')).join(' or ')}${needsSecret ? '' : ' (may be missing)'}`,
  ];
}

const code = (text: string) => `\`${text}\``;
const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];
