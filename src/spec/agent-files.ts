// Small files that the agent finds at its start, made of placeholders: where they may lie, and what may stand in them.

import { checkSecretName } from './auth.ts';
import type { AgentFile } from './bottle.ts';
import { fillPlaceholders, placeholdersIn } from './placeholder-text.ts';
import type { Report } from './report.ts';
import type { FilledSpec, SpecFile } from './schema.ts';
import { isSensitiveName, looksLikeCredential } from './secret-shapes.ts';
import { shown } from './words.ts';

/** The agent's home, as its container has it. */
export const AGENT_HOME = '/home/agent';
/** Both are in memory, empty at the start: no file or link of an image or a workspace can stand there. */
const PLACES = [`${AGENT_HOME}/`, '/tmp/'];
/** An argument of a program ends at 128 KiB. */
const LIMIT_CHARACTERS = 32 * 1024;
const MOST_FILES = 32;
const CANARIES = `${AGENT_HOME}/.env.production`;

/** A file that a preset brings. */
export interface BroughtFile {
  readonly given: string;
  readonly file: SpecFile;
  /** What is wrong with it is said here. */
  readonly report: Report;
}

/** `brought`: by presets; the spec's own win. */
export function readAgentFiles(
  spec: FilledSpec,
  brought: readonly BroughtFile[],
  report: Report,
): readonly AgentFile[] {
  const files = new Map<string, AgentFile>();
  const names = new Map<string, string>();
  for (const [given, file] of Object.entries(spec.agent.files)) {
    const at = report.below(given);
    const path = readPath(given, spec, at);
    if (path === null) continue;
    const other = names.get(path);
    if (other !== undefined) {
      at.problemAtKey({ what: `${at.name()} is ${other}, too`, why: 'only one could lie there', fix: 'keep one' });
    }
    names.set(path, shown(given));
    files.set(path, { path, text: readText(file, spec, at) });
  }
  for (const { given, file, report: at } of brought) {
    const path = readPath(given, spec, at);
    if (path !== null && !files.has(path)) files.set(path, { path, text: readText(file, spec, at) });
  }
  const all = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  checkNesting(all, report);
  if (all.length > MOST_FILES) {
    report.problem({
      what: `${report.name()} has ${all.length} files`,
      why: `${MOST_FILES} are the most`,
      fix: 'let agent.command write what needs no placeholder',
    });
  }
  return all;
}

function readPath(given: string, spec: FilledSpec, report: Report): string | null {
  const path = absolute(given);
  const problem = (why: string, fix: string): null => {
    report.problemAtKey({ what: `${report.name()} is no place for a file`, why, fix });
    return null;
  };
  const place = PLACES.find((one) => path.startsWith(one));
  if (place === undefined) {
    return problem(
      path.startsWith('/workspace')
        ? 'it would be written into your own directory'
        : "the agent may write its home and /tmp only; no variable is understood in it, nor another person's home",
      'write it like ~/.codex/auth.json',
    );
  }
  const steps = path.slice(1).split('/');
  if (steps.some((step) => step === '' || step === '.' || step === '..'))
    return problem('a part of it is empty, . or ..', 'write the path without it');
  if (!/^[A-Za-z0-9._@+=,/-]+$/.test(path))
    return problem(
      'it has a character that file names of tools do not have',
      'use letters, digits and . _ - @ + = , only',
    );
  if (path === CANARIES && spec.dlp.canaries)
    return problem('dlp.canaries plants a file there', 'remove one of the two');
  return path;
}

const absolute = (path: string): string => (path.startsWith('~/') ? `${AGENT_HOME}/${path.slice(2)}` : path);

function textOf({ json, text }: SpecFile): string {
  return text ?? `${JSON.stringify(json ?? null, null, 2)}\n`;
}

function readText(file: SpecFile, spec: FilledSpec, report: Report): string {
  const isBoth = file.json !== undefined && file.text !== undefined;
  if (isBoth || (file.json === undefined && file.text === undefined)) {
    report.problem({
      what: `${report.name()} has ${isBoth ? 'both json and text' : 'neither json nor text'}`,
      why: isBoth ? 'only one of them could count' : 'nothing would be in it',
      fix: isBoth ? 'keep one of them' : 'add `json: {...}` or `text: "..."`',
    });
    return '';
  }
  const text = textOf(file);
  const key = file.json === undefined ? 'text' : 'json';
  const at = report.below(key);
  if (text.length > LIMIT_CHARACTERS) {
    at.problem({
      what: `${at.name()} is longer than ${LIMIT_CHARACTERS} characters`,
      why: 'these are files of credentials',
      fix: 'put other files into the image, or let agent.command write them',
    });
  }
  if (text.includes('\0')) at.problem({ what: `${at.name()} holds a NUL`, why: 'no text has one', fix: 'remove it' });
  checkReferences(text, spec, at);
  checkLiterals(text, at);
  return text;
}

function checkReferences(text: string, spec: FilledSpec, report: Report): void {
  const secrets = Object.keys(spec.secrets);
  for (const name of placeholdersIn(text)) {
    checkSecretName(name, secrets, report);
    if (!spec.dlp.known.includes(name)) continue;
    report.problem({
      what: `${report.name()} asks for the placeholder of ${name}`,
      why: 'it is in dlp.known: the agent gets none',
      fix: 'remove it from dlp.known, or from the file',
    });
  }
  const odd = /\{\s*(?:placeholder|secret|value)\s*:[^}]{0,80}\}?/i.exec(fillPlaceholders(text, () => ''));
  if (odd !== null) {
    report.problem({
      what: `${report.name()} holds ${shown(odd[0])}`,
      why: 'only {placeholder:NAME} is understood; a file never holds a real value',
      fix: 'write {placeholder:NAME}, with the name of a secret',
    });
  }
}

/** Credentials by their own form are found wherever they stand in a spec; these are, by the name before them. */
function checkLiterals(text: string, report: Report): void {
  const settings = fillPlaceholders(text, () => '').matchAll(
    /["']?([A-Za-z][\w.-]*)["']?\s*[:=]\s*["']?([^\s"',;{}[\]]+)/g,
  );
  for (const [, name = '', value = ''] of settings) {
    const words = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2');
    if (!isSensitiveName(words) || !looksLikeCredential(value)) continue;
    report.problem({
      what: `${report.name()} has a literal secret under ${shown(name)}`,
      why: 'the agent would hold it, and everybody who reads the spec',
      fix: 'add it to secrets, and write {placeholder:NAME} here',
    });
  }
}

function checkNesting(files: readonly AgentFile[], report: Report): void {
  for (const { path } of files) {
    const below = files.find((other) => other.path.startsWith(`${path}/`));
    if (below === undefined) continue;
    report.problem({
      what: `${report.name()} has ${shown(path)} and ${shown(below.path)}`,
      why: 'the one would have to be a file and a directory',
      fix: 'remove one of them',
    });
  }
}
