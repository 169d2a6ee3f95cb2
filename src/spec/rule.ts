// Rules of an allow entry: `GET /repos/**` or the parts -> methods, paths, query and headers as the proxy compares them.

import type { RouteRule } from '../../proxy/src/contract.ts';
import { nearest } from '../report/nearest.ts';
import type { Report } from './report.ts';
import type { SpecEntry, SpecRule } from './schema.ts';
import { isSensitiveName, looksLikeCredential } from './secret-shapes.ts';
import { shown } from './words.ts';

const SAFE = ['GET', 'HEAD', 'OPTIONS'] as const;
const METHODS: Readonly<Record<NonNullable<SpecEntry['access']>, readonly string[] | null>> = {
  read: SAFE,
  write: [...SAFE, 'POST', 'PUT', 'PATCH', 'DELETE'],
  full: null,
};

const KNOWN_METHODS = [
  ...['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'],
  // WebDAV and CalDAV, which version control and calendars speak.
  ...[
    'PROPFIND',
    'PROPPATCH',
    'MKCOL',
    'COPY',
    'MOVE',
    'LOCK',
    'UNLOCK',
    'REPORT',
    'SEARCH',
    'MKCALENDAR',
    'ACL',
    'BIND',
    'MERGE',
    'PURGE',
  ],
];

/** The rules of an entry; never empty. Where something is wrong it is reported and left out. */
export function readRules(entry: SpecEntry, report: Report): readonly RouteRule[] {
  const methods = METHODS[entry.access ?? 'full'];
  const asks = entry.confirm === undefined ? {} : { confirm: entry.confirm };
  if (entry.rules === undefined) return [{ methods, paths: null, query: {}, headers: {}, ...asks }];
  return entry.rules.map((rule, index) => {
    const own = typeof rule === 'string' || rule.confirm === undefined ? asks : { confirm: rule.confirm };
    return { ...readRule(rule, methods, entry.access ?? 'full', report.below('rules', index)), ...own };
  });
}

function readRule(rule: SpecRule, entryMethods: readonly string[] | null, access: string, report: Report): RouteRule {
  const { methods, paths, query, headers } =
    typeof rule === 'string' ? splitRule(rule, report) : { query: {}, headers: {}, ...rule };
  const isText = typeof rule === 'string';
  methods?.forEach((method, index) => {
    const at = isText ? [] : ['methods', index];
    if (checkMethod(method, report.below(...at)) && entryMethods !== null && !entryMethods.includes(method)) {
      report.problem(
        {
          what: `${report.name(at)} asks for ${method}, but access is ${access}`,
          why: `that is ${entryMethods.join(', ')}`,
          fix:
            access === 'read'
              ? 'remove the method, or write `access: write`'
              : 'remove the method, or write `access: full`',
        },
        at,
      );
    }
  });
  paths?.forEach((path, index) => {
    checkPath(path, report.below(...(isText ? [] : ['paths', index])));
  });
  for (const [name, value] of Object.entries(headers)) checkHeader(name, value, report.below('headers', name));
  for (const [name, value] of Object.entries(query)) checkLiteral(name, value, report.below('query', name));
  return {
    methods: methods === undefined ? entryMethods : unique(methods),
    paths: paths === undefined ? null : unique(paths),
    query,
    headers,
  };
}

interface SplitRule {
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** `GET,HEAD /a/**`; `*` stands for any method that `access` allows. */
function splitRule(text: string, report: Report): SplitRule {
  const parts = text.trim().split(/\s+/);
  const [methods = '', path = ''] = parts;
  if (parts.length !== 2) {
    report.problem({
      what: `${report.name()} ${shown(text)} is not METHOD PATH`,
      why:
        parts.length === 1
          ? text.startsWith('/')
            ? 'the method is missing'
            : 'the path is missing'
          : 'it has more than two parts',
      fix:
        parts.length === 1
          ? `write ${shown(text.startsWith('/') ? `GET ${text}` : `${text.toUpperCase()} /**`)}`
          : 'write one method (or several with commas) and one path, like "GET /repos/acme/**"',
    });
    return { query: {}, headers: {} };
  }
  if (methods === '*') return { paths: [path], query: {}, headers: {} };
  return { methods: methods.split(',').filter((method) => method !== ''), paths: [path], query: {}, headers: {} };
}

function checkMethod(method: string, report: Report): boolean {
  const name = report.name();
  if (KNOWN_METHODS.includes(method)) return true;
  const upper = method.toUpperCase();
  if (KNOWN_METHODS.includes(upper)) {
    report.problem({
      what: `${name} has the method ${shown(method)}`,
      why: 'methods are upper case',
      fix: `write ${upper}`,
    });
  } else if (upper === 'CONNECT' || upper === 'TRACE') {
    report.problem({
      what: `${name} has the method ${upper}`,
      why: 'it opens a tunnel, or echoes credentials, past every check',
      fix: 'remove it',
    });
  } else {
    const near = nearest(upper, KNOWN_METHODS);
    report.problem({
      what: `${name} has the unknown method ${shown(method)}`,
      why: 'no HTTP method is called so',
      fix: near === undefined ? 'write one like GET or POST' : `did you mean ${near}?`,
    });
  }
  return false;
}

function checkPath(path: string, report: Report): void {
  const subject = `${report.name()} has the path ${shown(path)}`;
  if (!path.startsWith('/')) {
    const isUrl = /^[a-z]+:\/\//i.test(path);
    report.problem({
      what: subject,
      why: isUrl ? 'a path is the part after the host' : 'a path begins with /',
      fix: isUrl ? 'write only the part from the / after the host' : `write ${shown(`/${path}`)}`,
    });
  } else if (/[?#]/.test(path)) {
    report.problem({
      what: subject,
      why: 'a path ends before ? or #',
      fix: 'write { paths: [...], query: { NAME: GLOB } }',
    });
  } else if (/[^\x21-\x7e]/.test(path)) {
    report.problem({
      what: subject,
      why: 'a path has visible ASCII characters only',
      fix: `write ${shown(encodeURI(toWellFormed(path)))}`,
    });
  } else if (/\*{3,}/.test(path)) {
    report.problem({
      what: subject,
      why: '* stops at /, ** does not, and there is nothing more',
      fix: `write ${shown(path.replace(/\*{3,}/g, '**'))}`,
    });
  } else if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(path) || path.includes('//')) {
    report.problem({
      what: subject,
      why: 'paths are compared without //, . and .., so this never matches',
      fix: `write it without them`,
    });
  } else if (/%(?![0-9A-Fa-f]{2})/.test(path)) {
    report.problem({
      what: subject,
      why: 'a % is followed by two hexadecimal digits',
      fix: 'write %25 for a % itself',
    });
  } else if (/%(?:2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])/.test(path)) {
    report.problem({
      what: subject,
      why: 'letters, digits, - . _ ~ are compared without %, so this never matches',
      fix: `write ${shown(decodeUnreserved(path))}`,
    });
  }
}

function checkHeader(name: string, value: string, report: Report): void {
  if (name !== name.toLowerCase()) {
    report.problemAtKey({
      what: `${report.name()} has capital letters`,
      why: 'header fields are compared in lower case',
      fix: `write ${name.toLowerCase()}`,
    });
  } else if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) {
    report.problemAtKey({
      what: `${shown(name)} is no name of a header field`,
      why: 'it holds characters that none has',
      fix: 'write it like x-api-version',
    });
  }
  checkLiteral(name, value, report);
}

function checkLiteral(name: string, value: string, report: Report): void {
  if (!isSensitiveName(name) || value.includes('*') || !looksLikeCredential(value)) return;
  report.problem({
    what: `${report.name()} looks like a literal credential`,
    why: 'a spec holds references only',
    fix: 'put it in `secrets:` and name it in `auth:`',
  });
}

function toWellFormed(text: string): string {
  // encodeURI throws on half a surrogate pair.
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '?');
}

function decodeUnreserved(path: string): string {
  return path.replace(/%([0-9A-Fa-f]{2})/g, (written, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : written;
  });
}

const unique = (values: readonly string[]) => [...new Set(values)];
