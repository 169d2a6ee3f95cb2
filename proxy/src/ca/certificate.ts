// Encodes X.509 certificates (RFC 5280): data in, DER out. Pure; the signature comes from a function that the caller gives.
import { createHash } from 'node:crypto';
import type { asn1 as Asn1Types } from 'node-forge';
import asn1 from 'node-forge/lib/asn1.js';
import { ipBytes } from '../net/address.ts';

type Node = Asn1Types.Asn1;

export interface Name {
  readonly organization: string;
  /** At most 64 characters (the upper bound that X.520 gives and OpenSSL enforces); null = none. */
  readonly commonName: string | null;
}

export type Role =
  | { readonly kind: 'authority' }
  /** `host` is a name or an IP literal. */
  | { readonly kind: 'server'; readonly host: string };

export interface CertificateFields {
  readonly role: Role;
  readonly subject: Name;
  readonly issuer: Name;
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  /** `keyIdentifier(publicKey)`. */
  readonly subjectKeyId: Buffer;
  readonly issuerKeyId: Buffer;
  /** Positive, 1-20 bytes: the first byte is below 0x80. */
  readonly serial: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export const MAX_COMMON_NAME = 64;

const OID = {
  organization: '2.5.4.10',
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  subjectAltName: '2.5.29.17',
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
} as const;

const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
const T = asn1.Type;

// Bits of KeyUsage, most significant first, behind the count of unused bits.
const KEY_USAGE_CERT_SIGN_CRL_SIGN = '\x01\x06';
const KEY_USAGE_DIGITAL_SIGNATURE = '\x07\x80';

/** RFC 7093, method 1: the leftmost 160 bits of SHA-256 of the key's bit string. */
export function keyIdentifier(publicKey: Buffer): Buffer {
  const spki = parseDer(publicKey);
  const bits = (spki.value as Node[])[1]?.value as string | Node[] | undefined;
  if (typeof bits !== 'string') throw new TypeError('publicKey is not a SubjectPublicKeyInfo');
  return createHash('sha256')
    .update(Buffer.from(bits.slice(1), 'latin1'))
    .digest()
    .subarray(0, 20);
}

/** `sign` gets the bytes to be signed and returns an ECDSA signature in DER. */
export function encodeCertificate(fields: CertificateFields, sign: (tbs: Buffer) => Buffer): Buffer {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const tbs = sequence(
    context(0, [primitive(T.INTEGER, '\x02')]),
    primitive(T.INTEGER, fields.serial.toString('latin1')),
    algorithm,
    encodeName(fields.issuer),
    sequence(encodeTime(fields.notBefore), encodeTime(fields.notAfter)),
    encodeName(fields.subject),
    parseDer(fields.publicKey),
    context(3, [sequence(...extensions(fields))]),
  );
  const signature = sign(toDer(tbs));
  return toDer(sequence(tbs, algorithm, primitive(T.BITSTRING, `\0${signature.toString('latin1')}`)));
}

/** Bit strings stay bytes: left to itself forge reads those that happen to look like DER as structures, as one key in 256 does. */
function parseDer(der: Buffer): Node {
  return asn1.fromDer(der.toString('latin1'), { decodeBitStrings: false });
}

export function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extensions(fields: CertificateFields): Node[] {
  const identity = extension(
    OID.subjectKeyIdentifier,
    false,
    primitive(T.OCTETSTRING, fields.subjectKeyId.toString('latin1')),
  );
  // It must be the issuer's own identifier: most clients take a leaf whose AKI differs from the CA's SKI for another CA's.
  const issuer = extension(
    OID.authorityKeyIdentifier,
    false,
    sequence(contextPrimitive(0, fields.issuerKeyId.toString('latin1'))),
  );
  switch (fields.role.kind) {
    case 'authority':
      return [
        extension(OID.basicConstraints, true, sequence(primitive(T.BOOLEAN, '\xff'), primitive(T.INTEGER, '\0'))),
        extension(OID.keyUsage, true, primitive(T.BITSTRING, KEY_USAGE_CERT_SIGN_CRL_SIGN)),
        identity,
      ];
    case 'server':
      return [
        extension(OID.keyUsage, true, primitive(T.BITSTRING, KEY_USAGE_DIGITAL_SIGNATURE)),
        extension(OID.extendedKeyUsage, false, sequence(oid(OID.serverAuth))),
        extension(OID.subjectAltName, false, sequence(alternativeName(fields.role.host))),
        identity,
        issuer,
      ];
    default:
      return fields.role satisfies never;
  }
}

function alternativeName(host: string): Node {
  const address = ipBytes(host);
  return address === null ? contextPrimitive(2, host) : contextPrimitive(7, address.toString('latin1'));
}

function encodeName(name: Name): Node {
  const parts = [attribute(OID.organization, name.organization)];
  if (name.commonName !== null) parts.push(attribute(OID.commonName, name.commonName));
  return sequence(...parts);
}

function attribute(type: string, value: string): Node {
  return set(sequence(oid(type), primitive(T.UTF8, Buffer.from(value).toString('latin1'))));
}

/** RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime after. */
function encodeTime(time: Date): Node {
  const digits = time.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return time.getUTCFullYear() < 2050
    ? primitive(T.UTCTIME, `${digits.slice(2)}Z`)
    : primitive(T.GENERALIZEDTIME, `${digits}Z`);
}

function extension(type: string, isCritical: boolean, value: Node): Node {
  const wrapped = primitive(T.OCTETSTRING, toDer(value).toString('latin1'));
  return isCritical ? sequence(oid(type), primitive(T.BOOLEAN, '\xff'), wrapped) : sequence(oid(type), wrapped);
}

function sequence(...value: Node[]): Node {
  return asn1.create(UNIVERSAL, T.SEQUENCE, true, value);
}

function set(...value: Node[]): Node {
  return asn1.create(UNIVERSAL, T.SET, true, value);
}

function oid(dotted: string): Node {
  return primitive(T.OID, asn1.oidToDer(dotted).getBytes());
}

function primitive(type: number, bytes: string): Node {
  return asn1.create(UNIVERSAL, type, false, bytes);
}

function context(tag: number, value: Node[]): Node {
  return asn1.create(CONTEXT_SPECIFIC, tag, true, value);
}

function contextPrimitive(tag: number, bytes: string): Node {
  return asn1.create(CONTEXT_SPECIFIC, tag, false, bytes);
}

function toDer(node: Node): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
}
