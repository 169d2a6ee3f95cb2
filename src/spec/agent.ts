// The agent's container as a spec asks for it: image, command, variables, user, resources.

import type { Agent, AgentFile } from './bottle.ts';
import type { Report } from './report.ts';
import { isReservedEnv } from './reserved-env.ts';
import type { FilledSpec } from './schema.ts';
import { isSensitiveName, looksLikeCredential } from './secret-shapes.ts';
import { shown } from './words.ts';

const MIN_MEMORY_BYTES = 64 * 1024 ** 2;
const MAX_ID = 2 ** 31 - 1;
const UNITS: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `presetEnv`: variables that presets want; those of the spec win. `files`: read by themselves. */
export function readAgent(
  spec: FilledSpec,
  presetEnv: Readonly<Record<string, string>>,
  files: readonly AgentFile[],
  report: Report,
): Agent {
  const { image, command, env, user, network, resources } = spec.agent;
  if (image !== null) checkImage(image, report.below('image'));
  if (user !== null) checkUser(user, report.below('user'));
  for (const [name, value] of Object.entries(env)) checkVariable(name, value, spec, report.below('env', name));
  const free = Object.entries(presetEnv).filter(([name]) => !Object.hasOwn(spec.secrets, name));
  return {
    image,
    command: typeof command === 'string' ? ['sh', '-c', command] : checkCommand(command, report.below('command')),
    env: { ...Object.fromEntries(free), ...env },
    files,
    user,
    network,
    runtime: 'runc',
    resources: {
      cpus: resources.cpus,
      memoryBytes: readMemory(resources.memory, report.below('resources', 'memory')),
      pids: resources.pids,
    },
  };
}

function checkCommand(command: readonly string[], report: Report): readonly string[] {
  command.forEach((argument, index) => {
    if (argument.includes('\0'))
      report.problem(
        { what: `${report.name([index])} holds a NUL`, why: 'no program can be given one', fix: 'remove it' },
        [index],
      );
  });
  const [program] = command;
  if (program !== undefined && (program.trim() === '' || /\s/.test(program))) {
    report.problem(
      {
        what: `${report.name([0])} ${shown(program)} is no program`,
        why: 'a list is the program and its arguments, each by itself',
        fix:
          program.trim() === ''
            ? 'name the program'
            : `write command: ${shown([...program.trim().split(/\s+/), ...command.slice(1)])}`,
      },
      [0],
    );
  }
  return command;
}

function checkImage(image: string, report: Report): void {
  const subject = `${report.name()} ${shown(image)} is no image reference`;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(image)) {
    report.problem({ what: subject, why: 'it has a scheme', fix: `write ${shown(image.replace(/^[^/]*\/\//, ''))}` });
    return;
  }
  const match = /^(?:([A-Za-z0-9.-]+(?::\d+)?)\/(?=.))?([^:@]+)(?::([^@]*))?(?:@(.*))?$/.exec(image);
  const repository = match?.[2] ?? '';
  const [tag, digest] = [match?.[3], match?.[4]];
  if (match === null || !/^[a-z0-9]+(?:[._-]+[a-z0-9]+|\/[a-z0-9]+)*$/.test(repository)) {
    const isCase = /^[a-z0-9._/-]+$/i.test(repository) && repository !== repository.toLowerCase();
    report.problem({
      what: subject,
      why: isCase ? 'repositories are lower case' : 'it is [HOST/]NAME[:TAG][@DIGEST]',
      fix: isCase
        ? `write ${shown(image.replace(repository, repository.toLowerCase()))}`
        : 'write it like node:24-slim',
    });
  } else if (tag !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(tag)) {
    report.problem({
      what: subject,
      why: 'its tag has characters that none has, or is empty',
      fix: 'write it like node:24-slim',
    });
  } else if (digest !== undefined && !/^sha256:[a-f0-9]{64}$/.test(digest)) {
    report.problem({
      what: subject,
      why: 'its digest is not sha256 and 64 hexadecimal digits',
      fix: 'copy the digest again, or leave it out',
    });
  }
}

function checkUser(user: string, report: Report): void {
  const subject = `${report.name()} ${shown(user)}`;
  const [name = '', group] = user.split(':');
  const isRoot = name === 'root' || /^0+$/.test(name);
  if (isRoot || (group !== undefined && /^0+$/.test(group))) {
    report.problem({
      what: `${subject} is ${isRoot ? 'root' : "root's group"}`,
      why: 'an agent never runs as root',
      fix: 'remove the line to run as yourself, or write a UID like 1000',
    });
  } else if (name !== 'agent' && !/^\d+$/.test(name)) {
    report.problem({
      what: `not yet: ${subject}`,
      why: 'only the image knows the number of that name',
      fix: 'write it as UID:GID',
    });
  } else if (Number(name) > MAX_ID || Number(group ?? 0) > MAX_ID) {
    report.problem({
      what: `${subject} is too large`,
      why: `numbers of users end at ${MAX_ID}`,
      fix: 'write it like 1000:1000',
    });
  }
}

function checkVariable(name: string, value: string, spec: FilledSpec, report: Report): void {
  const reference = /^\$\{?([A-Za-z_][A-Za-z0-9_]*)(?::?[-?=][^}]*)?\}?$/.exec(value);
  if (isReservedEnv(name)) {
    report.problemAtKey({
      what: `${report.name()} is a variable that bottle sets`,
      why: 'the way out and the trust in its certificate hang on it',
      fix: 'remove the line',
    });
  } else if (Object.hasOwn(spec.secrets, name)) {
    report.problemAtKey({
      what: `${report.name()} is the name of a secret, too`,
      why: 'the agent gets a placeholder in a variable of that name',
      fix: 'remove one of the two',
    });
  } else if (value.includes('\0')) {
    report.problem({ what: `${report.name()} holds a NUL`, why: 'no variable can', fix: 'remove it' });
  } else if (reference !== null) {
    const variable = reference[1] ?? name;
    report.problem({
      what: `${report.name()} is ${shown(value)}`,
      why: 'nothing is expanded in a spec',
      fix:
        isSensitiveName(name) || isSensitiveName(variable)
          ? `remove it, and write \`secrets: { ${name}: { env: ${variable} } }\``
          : 'write the value itself',
    });
  } else if (isSensitiveName(name) && looksLikeCredential(value)) {
    report.problem({
      what: `${report.name()} looks like a literal secret`,
      why: 'the agent would hold it, and everybody who reads the spec',
      fix: `remove it, and write \`secrets: { ${name}: { env: ${name} } }\``,
    });
  }
}

function readMemory(text: string, report: Report): number {
  const [, number, unit = ''] = /^([0-9.]+)([kmg])/i.exec(text) ?? [];
  // In whole KiB, so that it can be written as it was read.
  const bytes = Math.floor((Number(number) * (UNITS[unit.toLowerCase()] ?? 1)) / 1024) * 1024;
  if (bytes < MIN_MEMORY_BYTES) {
    report.problem({
      what: `${report.name()} ${text} is too small`,
      why: 'no agent starts in less than 64m',
      fix: 'write at least 64m; 4g is usual',
    });
  } else if (!Number.isSafeInteger(bytes) || bytes > 1024 ** 5) {
    report.problem({
      what: `${report.name()} ${text} is too large`,
      why: 'no machine has that much',
      fix: 'write it like 4g',
    });
  }
  return bytes;
}
