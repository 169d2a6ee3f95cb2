// Where the agent finds the session's certificate. Its root is read-only: what stands here is mounted from the session's directory.
export const TRUST = {
  /** The place of Debian's system bundle; the variables name it for images of other families. */
  bundle: '/etc/ssl/certs/ca-certificates.crt',
  directory: '/etc/bottle',
  certificateFile: 'ca.pem',
  certificate: '/etc/bottle/ca.pem',
  javaFile: 'truststore.jks',
  java: '/etc/bottle/truststore.jks',
  /** Java's customary one; the store holds a public certificate only. */
  javaPassword: 'changeit',
} as const;
