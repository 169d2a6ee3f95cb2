// What an agent's own AWS signature says: with which key, for which service and region, over which fields. In a header or in the query. Pure.
import type { Algorithm } from './sigv4.ts';

export interface AgentSignature {
  readonly algorithm: Algorithm;
  readonly in: 'header' | 'query';
  readonly accessKeyId: string;
  /** `20260131` */
  readonly date: string;
  /** '' with version 4A. */
  readonly region: string;
  readonly service: string;
  /** Lower case, as written. */
  readonly signedHeaders: readonly string[];
}

/** Why a request is not one that we sign; fit for a message. */
export class NotSigned extends Error {}

const ALGORITHM = /^AWS4-(?:HMAC-SHA256|ECDSA-P256-SHA256)$/;
const CREDENTIAL = /^([A-Za-z0-9_.-]{1,128})\/(\d{8})\/(?:([a-z0-9-]{1,64})\/)?([a-z0-9-]{1,64})\/aws4_request$/;
const HEADER_LIST = /^[a-z0-9-]+(?:;[a-z0-9-]+)*$/;
const SIGNATURE = /^[0-9a-f]{64,160}$/;

/** The value of an Authorization field; throws NotSigned. */
export function parseAuthorization(value: string): AgentSignature {
  const space = value.indexOf(' ');
  const algorithm = value.slice(0, space);
  const parts = new Map(
    value
      .slice(space + 1)
      .split(',')
      .map((part): [string, string] => {
        const equals = part.indexOf('=');
        return [part.slice(0, equals).trim(), part.slice(equals + 1).trim()];
      }),
  );
  const given = (name: string): string => parts.get(name) ?? '';
  return read('header', algorithm, given('Credential'), given('SignedHeaders'), given('Signature'));
}

/** Decoded query parameters of a presigned URL; throws NotSigned. */
export function parsePresigned(parameter: (name: string) => string | null): AgentSignature {
  const given = (name: string): string => parameter(name) ?? '';
  return read(
    'query',
    given('X-Amz-Algorithm'),
    given('X-Amz-Credential'),
    given('X-Amz-SignedHeaders'),
    given('X-Amz-Signature'),
  );
}

function read(
  place: AgentSignature['in'],
  algorithm: string,
  credential: string,
  headers: string,
  signature: string,
): AgentSignature {
  if (!ALGORITHM.test(algorithm)) throw new NotSigned('its algorithm is none of AWS Signature Version 4');
  const found = CREDENTIAL.exec(credential);
  const isV4a = algorithm === 'AWS4-ECDSA-P256-SHA256';
  if (found === null || (found[3] === undefined) !== isV4a) throw new NotSigned('its credential scope is malformed');
  if (!HEADER_LIST.test(headers)) throw new NotSigned('its list of signed header fields is malformed');
  if (!SIGNATURE.test(signature)) throw new NotSigned('its signature is malformed');
  const signedHeaders = headers.split(';');
  if (!signedHeaders.includes('host')) throw new NotSigned('its signature does not cover the host');
  return {
    algorithm: algorithm as Algorithm, // One of the two: tested above.
    in: place,
    accessKeyId: found[1]!,
    date: found[2]!,
    region: found[3] ?? '',
    service: found[4]!,
    signedHeaders,
  };
}
