// Types for the one module of node-forge that we load (its index would load RSA, PKCS#12 and a TLS stack as well).
declare module 'node-forge/lib/asn1.js' {
  import type { asn1 } from 'node-forge';

  const encoder: typeof asn1;
  export default encoder;
}
