// What would let a refused request through: the exact lines for the spec, or why there should be none.

import { parseHostPattern } from '../spec/host-pattern.ts';
import type { Group } from './group.ts';
import { rulesFor } from './path-shape.ts';

export type Fix =
  /** `lines` are YAML; `where` says what they belong under. */
  | { readonly do: 'add'; readonly where: string; readonly lines: readonly string[]; readonly note: string }
  | { readonly do: 'remove'; readonly where: string; readonly note: string }
  /** Nothing in the spec should change. */
  | { readonly do: 'nothing'; readonly note: string };

/** Never excusable by a detector's id: they are exact matches of what this spec protects. */
const OWN_DETECTORS = new Set(['known-secret', 'placeholder', 'canary']);
/** Not found, but not looked at either. */
const UNREAD = new Set(['undecodable', 'over_budget']);

/** Refused by a part of the entry that allows the place: a line beside it would open more than what was asked for. */
const IN_ENTRY: Readonly<Record<string, string>> = {
  graphql: 'if it is meant, add the field to `graphql` of that entry',
  confirm:
    'the spec asks for a person there: keep `bottle watch` open, or take `confirm` off that entry if nobody has to see it',
  push: 'the answer says which ref and why: push to one that the entry names, or change `refs`, `force` or `delete` of that entry',
  expired: 'a new session begins anew; a later time belongs into the `expires` that is named, if it is meant',
  signature: 'the program has to sign with the placeholder keys, for a service and region of that entry',
};

const METADATA =
  "it is a cloud metadata service, which hands out the machine's own credentials; no line should allow it";
const PRIVATE = 'only if this private address is meant: it may be a service of your own network';

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
    case 'limit':
      return nothing(
        `the spec allows it, and bounds how much of it there may be: ${group.reason}; raise that bound if more is meant`,
      );
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
  const deny = /^deny\.(\d+)$/.exec(group.rule);
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
  const inEntry = IN_ENTRY[group.rule];
  if (inEntry !== undefined) return nothing(`${group.reason}; ${inEntry}`);
  if (isMetadata(group)) return nothing(METADATA);
  if (group.detectors.some((detector) => OWN_DETECTORS.has(detector))) {
    return nothing(
      `the agent tried to send a secret of this spec, or its placeholder, to ${group.host}; find out why before you allow that host`,
    );
  }
  if (group.count === 0) {
    return nothing(
      'the name was asked for and never called; no name leaves this resolver, so no line is needed for that',
    );
  }
  const copyAuth = `${group.entry} covers the host; copy its "auth" too if the request needs the credential`;
  return addEntry(group, {}, group.entry === null ? '' : copyAuth);
}

function findingFix(group: Group): Fix {
  const own = group.detectors.filter((detector) => OWN_DETECTORS.has(detector));
  if (group.stage === 'placeholder' || own.includes('placeholder')) {
    return nothing(
      `the agent sent a secret's placeholder where the spec does not bind it; if ${group.host} should get that credential, give its entry "auth" or "placeholder"`,
    );
  }
  if (own.includes('canary')) {
    return nothing(
      'a fake secret that was planted was on its way out: something in this session collects secrets; look at what the agent ran and read before it',
    );
  }
  if (own.length > 0)
    return nothing('a real secret of this spec was in the request; it leaves by injection or not at all');
  const except = group.detectors.length > 0 ? group.detectors : [group.rule];
  return exceptFix(group, except);
}

function exceptFix(group: Group, except: readonly string[]): Fix {
  const unread = except.some((detector) => UNREAD.has(detector));
  const what = unread ? 'content that cannot be searched' : `every ${except.join(' and ')}`;
  const note = `this lets ${what} through to ${group.host}; better change the request`;
  if (group.entry === null || group.entry.startsWith('use.')) return addEntry(group, { dlp: { except } }, note);
  // An entry for ports 80 and 443 is two routes, and one line in the spec.
  const written = group.entry.replace(/\.http$/, '');
  const where = /^allow\.\d+$/.test(written) ? `egress.${written}` : `the egress.allow entry with id ${written}`;
  return { do: 'add', where, lines: [`dlp: ${flow({ except })}`], note };
}

function addressFix(group: Group): Fix {
  if (isMetadata(group)) return nothing(METADATA);
  if (group.rule === 'malformed-address') return nothing('the address is written in a form that is no address');
  return addEntry(group, { allow_private: true }, PRIVATE);
}

function isMetadata({ rule, reason }: Group): boolean {
  return rule === 'metadata-address' || reason.includes('is a cloud metadata service');
}

function addEntry(group: Group, extra: Readonly<Record<string, unknown>>, note: string): Fix {
  const pattern = parseHostPattern(group.host, 'the host', 'allow');
  if (!pattern.ok) return nothing(`no line can allow it: ${pattern.words.what}`);
  if (pattern.isPrivate && extra.allow_private === undefined)
    return addEntry(group, { ...extra, allow_private: true }, PRIVATE);
  const port = group.port === 0 || group.port === (group.scheme === 'http' ? 80 : 443) ? {} : { port: group.port };
  const scheme = group.scheme === 'http' ? { scheme: 'http' } : {};
  const rules = rulesFor(group.shapes);
  const entry = { host: group.host, ...scheme, ...port, ...(rules.length > 0 ? { rules } : {}), ...extra };
  return { do: 'add', where: 'egress.allow', lines: [`- ${flow(entry)}`], note };
}

function nothing(note: string): Fix {
  return { do: 'nothing', note };
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
