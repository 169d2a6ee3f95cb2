// A host of the allow or deny list: its one spelling, and why others are refused.

import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { isPrivateAddress } from './private-address.ts';
import type { Words } from './shape-words.ts';
import { wideReason } from './wide-hosts.ts';
import { shown } from './words.ts';

export type HostPattern =
  | { readonly ok: true; readonly host: string; readonly isAddress: boolean; readonly isPrivate: boolean }
  | { readonly ok: false; readonly words: Words };

const no = (what: string, why: string, fix: string): HostPattern => ({ ok: false, words: { what, why, fix } });

/** `name` is how problems call it: `allow.3.host`. In `deny`, patterns may be as wide as they like. */
export function parseHostPattern(text: string, name: string, list: 'allow' | 'deny'): HostPattern {
  const subject = `${name} ${shown(text)}`;
  if (text.trim() !== text || /\s/.test(text))
    return no(`${subject} holds a blank`, 'a host name has none', 'remove it');

  const literal = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (isIP(literal) === 6) {
    const canonical = literal.includes('%') ? '' : new URL(`http://[${literal}]/`).hostname.slice(1, -1);
    if (canonical === '')
      return no(`${subject} names a zone`, 'it exists on one machine only', 'write the address without %');
    return { ok: true, host: canonical, isAddress: true, isPrivate: isPrivateAddress(canonical) };
  }
  if (isIP(literal) === 4 && text === literal) {
    return { ok: true, host: literal, isAddress: true, isPrivate: isPrivateAddress(literal) };
  }
  if (/^[0-9a-f.:]+\/\d+$/i.test(text))
    return no(`${subject} is a network`, 'an entry names one host', 'write the addresses one by one');
  const part = urlParts(text, list);
  if (part !== null) return no(`${subject} is more than a host`, part.why, part.fix);
  if (/^[a-z*]/.test(text) === false && text.startsWith('.')) {
    return no(
      `${subject} begins with a dot`,
      'a pattern for names below a host begins with "*."',
      `write ${shown(`*${text}`)}`,
    );
  }

  const isPattern = text.startsWith('*.');
  const base = isPattern ? text.slice(2) : text;
  if (/[*?]/.test(base)) return starProblem(text, subject, list);
  if (/[^\x20-\x7e]/.test(text)) {
    const ascii = domainToASCII(base);
    return no(
      `${subject} is not written in ASCII`,
      'what goes over the wire is the punycode form, and look-alike letters deceive',
      ascii === '' ? 'write the ASCII name' : `write ${shown(isPattern ? `*.${ascii}` : ascii)}`,
    );
  }
  if (text !== text.toLowerCase())
    return no(
      `${subject} has capital letters`,
      'hosts are compared in lower case',
      `write ${shown(text.toLowerCase())}`,
    );
  if (text.endsWith('.'))
    return no(`${subject} ends with a dot`, 'hosts are written without it', `write ${shown(text.replace(/\.+$/, ''))}`);
  if (base.length > 253 || !base.split('.').every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label))) {
    return no(
      `${subject} is not a host name`,
      'labels are letters, digits and dashes between dots',
      'write it like api.example.com',
    );
  }
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(base.split('.').at(-1) ?? '')) return numberProblem(base, subject);
  const wide = isPattern && list === 'allow' ? wideReason(base) : null;
  if (wide !== null)
    return no(`${subject} ${wide}`, 'anyone can get a name there', 'name the site, like "*.example.com"');
  return {
    ok: true,
    host: text,
    isAddress: false,
    isPrivate: !isPattern && (base === 'localhost' || base.endsWith('.localhost')),
  };
}

function starProblem(text: string, subject: string, list: 'allow' | 'deny'): HostPattern {
  if (text === '*' || text === '**' || text === '*.*' || text === '**.*') {
    return list === 'allow'
      ? no(`${subject} covers every host`, 'that is no limit at all', 'name the hosts that the agent needs')
      : no(
          `${subject} covers every host`,
          'what is not allowed is refused anyway',
          'remove it, or leave egress.allow empty',
        );
  }
  const rest = text.replace(/^\*+\.?/, '');
  const fix =
    /[*?]/.test(rest) || rest === ''
      ? 'name the hosts one by one, or use "*.example.com" for all names below one'
      : `write ${shown(`*.${rest}`)}`;
  return no(`${subject} has a * in the wrong place`, 'only a leading "*." is a pattern', fix);
}

function numberProblem(base: string, subject: string): HostPattern {
  let canonical: string | null = null;
  try {
    canonical = new URL(`http://${base}/`).hostname;
  } catch {
    // Not an address in any spelling.
  }
  return canonical !== null && isIP(canonical) === 4
    ? no(`${subject} is an odd spelling of an address`, `programs read it as ${canonical}`, `write "${canonical}"`)
    : no(
        `${subject} is not an address`,
        'a name does not end in a number',
        'write a host name, or four numbers from 0 to 255',
      );
}

/** When somebody wrote a URL, or a part of one, where a host belongs. */
function urlParts(text: string, list: 'allow' | 'deny'): { readonly why: string; readonly fix: string } | null {
  const match = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(?:[^@/?#]*(@))?([^/?#]*?)(?::(\d*))?([/?#].*)?$/.exec(text);
  if (!match) return null;
  const [, scheme, user, host = '', port, tail] = match;
  if (scheme === undefined && user === undefined && port === undefined && tail === undefined) return null;
  const has = [
    ...(scheme === undefined ? [] : ['a scheme']),
    ...(user === undefined ? [] : ['a user']),
    ...(port === undefined ? [] : ['a port']),
    ...(tail === undefined ? [] : ['a path']),
  ];
  const path = tail?.split(/[?#]/)[0] ?? '';
  const keys = [
    `host: ${host === '' ? 'NAME' : /[*:[]/.test(host) ? shown(host.toLowerCase()) : host.toLowerCase()}`,
    ...(scheme?.toLowerCase() === 'http' ? ['scheme: http'] : []),
    ...(port ? [`port: ${port}`] : []),
    ...(path.length > 1 && path.startsWith('/') ? [`rules: ["GET ${path.replace(/\/$/, '')}/**"]`] : []),
  ];
  return {
    why: `it holds ${has.join(', ')}`,
    fix:
      (keys.length === 1 || list === 'deny') && host !== ''
        ? `write ${host.toLowerCase()}`
        : `write { ${keys.join(', ')} }`,
  };
}

/** Does the pattern cover everything that the other one covers? */
export function hostCovers(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  return (
    pattern.startsWith('*.') &&
    host.endsWith(pattern.slice(1)) &&
    (host.startsWith('*.') ? host.length > pattern.length : true)
  );
}
