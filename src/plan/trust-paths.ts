// Where the agent finds the session's certificate. Both directories are volumes of its container: its root is read-only.
export const TRUST = {
  /** The place of Debian's system bundle; the variables name it for images of other families. */
  bundle: '/etc/ssl/certs/ca-certificates.crt',
  certificate: '/etc/bottle/ca.pem',
  java: '/etc/bottle/truststore.jks',
  /** Java's customary one; the store holds a public certificate only. */
  javaPassword: 'changeit',
  directories: ['/etc/ssl/certs', '/etc/bottle'],
} as const;
