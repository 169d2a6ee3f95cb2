// What would let a refused request through: the exact lines for the spec, or why there should be none.

import type { Group } from './group.ts';
import { rulesFor } from './path-shape.ts';

export type Fix =
  /** `lines` are YAML; `where` says what they belong under. */
  | { readonly do: 'add'; readonly where: string; readonly lines: readonly string[]; readonly note: string }
  | { readonly do: 'remove'; readonly where: string; readonly note: string }
  /** Nothing in the spec should change. */
  | { readonly do: 'nothing'; readonly note: string };

/** Never excusable by a detector's id: they are exact matches of what this spec protects. */
const OWN_DETECTORS = new Set(['known-secret', 'placeholder']);

export function fixFor(group: Group): Fix {
  switch (group.stage) {
    case 'policy':
      return policyFix(group);
    case 'dlp':
    case 'placeholder':
      return findingFix(group);
    case 'address':
      return addressFix(group);
    case 'protocol':
      return nothing('the request was malformed or ambiguous; the program that sent it has to change, no line helps');
    case 'upstream':
      return nothing('the spec allows it; the upstream could not be reached or not be trusted');
    case 'audit':
      return nothing(
        'the log could not be written, so nothing may pass; make room on the disk or mend its permissions',
      );
    case 'none':
      return nothing('nothing was refused');
    default:
      return nothing('this bottle does not know that stage; it was written by another version');
  }
}

function policyFix(group: Group): Fix {
  const deny = /^deny\.(\d+)/.exec(group.rule);
  if (deny !== null) {
    return {
      do: 'remove',
      where: `egress.deny, entry ${deny[1]} (counted from 0)`,
      note: `a deny rule always wins; if ${group.host} should be reachable, remove it there`,
    };
  }
  if (group.rule === 'ambiguous-path') {
    return nothing(
      'the path can be read in more than one way; ask for it without encoded slashes, dots or backslashes',
    );
  }
  if (group.count === 0) {
    return nothing(
      'the name was asked for and never called; no name leaves this resolver, so no line is needed for that',
    );
  }
  return addEntry(group, {}, coveredBy(group.rule));
}

function findingFix(group: Group): Fix {
  const own = group.detectors.filter((detector) => OWN_DETECTORS.has(detector));
  if (group.stage === 'placeholder' || own.includes('placeholder')) {
    return nothing(
      `the agent sent a secret's placeholder where the spec does not bind it; if ${group.host} should get that credential, give its entry "auth" or "placeholder"`,
    );
  }
  if (own.length > 0)
    return nothing('a real secret of this spec was in the request; it leaves by injection or not at all');
  if (group.detectors.length === 0) {
    return nothing('what could not be read cannot be judged; send it in a form that can be decoded');
  }
  const dlp = { except: group.detectors };
  const place = /^allow\.\d+$/.test(group.rule) ? group.rule : null;
  const note = `this lets every ${group.detectors.join(' and ')} through to ${group.host}; better keep it out of the request`;
  if (place !== null) return { do: 'add', where: `egress.${place}`, lines: [`dlp: ${flow(dlp)}`], note };
  return addEntry(group, { dlp }, note);
}

function addressFix(group: Group): Fix {
  if (group.rule === 'metadata-address') {
    return nothing(
      "it is a cloud metadata service, which hands out the machine's own credentials; no line should allow it",
    );
  }
  if (group.rule === 'malformed-address') return nothing('the address is written in a form that is no address');
  return addEntry(
    group,
    { allow_private: true },
    'only if this private address is meant: it may be a service of your own network',
  );
}

function addEntry(group: Group, extra: Readonly<Record<string, unknown>>, note: string): Fix {
  if (!isPlainHost(group.host)) return nothing('the host is no name and no address; no line can allow it');
  const port = group.port === 0 || group.port === (group.scheme === 'http' ? 80 : 443) ? {} : { port: group.port };
  const scheme = group.scheme === 'http' ? { scheme: 'http' } : {};
  const rules = rulesFor(group.shapes);
  const entry = { host: group.host, ...scheme, ...port, ...(rules.length > 0 ? { rules } : {}), ...extra };
  return { do: 'add', where: 'egress.allow', lines: [`- ${flow(entry)}`], note };
}

function coveredBy(rule: string): string {
  return /^(allow|use)\./.test(rule)
    ? `${rule} covers the host; copy its "auth" too if the request needs the credential`
    : '';
}

function nothing(note: string): Fix {
  return { do: 'nothing', note };
}

/** Names, IPv4 and IPv6 literals, as a spec writes them. */
function isPlainHost(host: string): boolean {
  return /^(?!-)[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(host) || /^[0-9a-f:.]*:[0-9a-f:.]*$/.test(host);
}

/** YAML in flow style on one line: words stay bare, all else is quoted as in JSON. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, part]) => `${key}: ${flow(part)}`)
      .join(', ')} }`;
  }
  if (typeof value !== 'string') return JSON.stringify(value);
  return isBare(value) ? value : JSON.stringify(value);
}

/** Text that YAML reads as a string without quotes, in flow context too. */
function isBare(text: string): boolean {
  if (!/^[a-z][a-z0-9._-]*$/i.test(text)) return false;
  return !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
}
