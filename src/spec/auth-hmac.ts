// `auth: { type: hmac }`: the parts of what is signed and sent, checked against each other.

import { HMAC_PARTS, HMAC_SENT, HMAC_TIMES, type HmacAuth } from '../../proxy/src/contract.ts';
import { nearest } from '../report/nearest.ts';
import { checkCredentialField } from './credential-field.ts';
import type { Report } from './report.ts';
import type { SpecAuth } from './schema.ts';
import { shown } from './words.ts';

export function readHmac(auth: SpecAuth, report: Report): HmacAuth | null {
  const { secret, access_key: accessKey, message = '{body}', headers = {}, query = {} } = auth;
  checkParts(message, HMAC_PARTS, report.below('message'));
  const names = Object.keys(headers);
  names.forEach((name, index) => {
    const at = report.below('headers', name);
    checkCredentialField(name, at);
    const first = names.slice(0, index).find((one) => one.toLowerCase() === name.toLowerCase());
    if (first === undefined) return;
    at.problem({
      what: `${at.name()} is the field ${shown(first)} again`,
      why: 'the names of header fields differ in more than their case',
      fix: 'keep one of them',
    });
  });
  const sent = [
    ...Object.entries(headers).map(([name, text]) => [text, report.below('headers', name)] as const),
    ...Object.entries(query).map(([name, text]) => [text, report.below('query', name)] as const),
  ].flatMap(([text, at]) => checkParts(text, HMAC_SENT, at));
  if (!sent.includes('signature')) {
    // A part that is misspelt has been said.
    if (sent.every((part) => isOneOf(HMAC_SENT, part)))
      report.problem({
        what: `${report.name()} sends its signature nowhere`,
        why: 'type hmac puts {signature} into header fields, query parameters or both',
        fix: 'add `headers: { x-signature: "{signature}" }`',
      });
    return null;
  }
  checkPairs({ message: partsOf(message), sent, hasAccessKey: accessKey !== undefined }, report);
  return {
    ...{ type: 'hmac', secret, accessKey: accessKey ?? null },
    ...{ algorithm: auth.algorithm ?? 'sha256', encoding: auth.encoding ?? 'hex' },
    ...{ secretEncoding: auth.secret_encoding ?? 'utf8', message },
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name.toLowerCase(), text])),
    query,
  };
}

interface Used {
  readonly message: readonly string[];
  readonly sent: readonly string[];
  readonly hasAccessKey: boolean;
}

/** What is signed and differs from request to request has to be sent as well, and a key that is named, used. */
function checkPairs({ message, sent, hasAccessKey }: Used, report: Report): void {
  const isTime = (part: string) => isOneOf(HMAC_TIMES, part);
  const unsent = message.find((part) => (isTime(part) ? !sent.some(isTime) : part === 'nonce' && !sent.includes(part)));
  if (unsent !== undefined) {
    report.problem(
      {
        what: `${report.name(['message'])} has {${unsent}}, which is sent nowhere`,
        why: 'the service could not tell what was signed',
        fix: `add a field for it, like \`x-${unsent.replaceAll('_', '-')}: "{${unsent}}"\` under headers`,
      },
      ['message'],
    );
  }
  const usesKey = [...message, ...sent].includes('access_key');
  if (usesKey === hasAccessKey) return;
  if (usesKey) {
    report.problem({
      what: `${report.name()} has {access_key}, and no access_key`,
      why: 'the part stands for the value of a secret',
      fix: 'add `access_key: NAME`, the name of a secret',
    });
  } else {
    report.problemAtKey(
      {
        what: `${report.name(['access_key'])} is used nowhere`,
        why: 'no text of this entry has {access_key}',
        fix: 'remove it, or add a field like `x-access-key: "{access_key}"` under headers',
      },
      ['access_key'],
    );
  }
}

/** The parts that it has. */
function checkParts(text: string, known: readonly string[], report: Report): readonly string[] {
  const parts = partsOf(text);
  const unknown = parts.find((part) => !known.includes(part));
  if (unknown !== undefined) {
    const near = nearest(unknown, known);
    report.problem({
      what: `${report.name()} has the part ${shown(`{${unknown}}`)}`,
      why: `its parts are ${known.map((part) => `{${part}}`).join(' ')}`,
      fix: near === undefined ? 'write one of them' : `did you mean {${near}}?`,
    });
  }
  return parts;
}

const isOneOf = (known: readonly string[], part: string): boolean => known.includes(part);

const partsOf = (text: string): readonly string[] =>
  [...text.matchAll(/\{([a-z0-9_]+)\}/g)].map(([, part = '']) => part);
