// Types for the one module of node-forge that we load (its index would load RSA, PKCS#12 and a TLS stack as well).
declare module 'node-forge/lib/asn1.js' {
  import type { asn1 } from 'node-forge';

  /** The published types of `fromDer` do not know its options. */
  const encoder: Omit<typeof asn1, 'fromDer'> & {
    fromDer(bytes: string, options: { readonly decodeBitStrings: boolean }): asn1.Asn1;
  };
  export default encoder;
}
