// A small HTTPS API in a container of this engine, on a network of its own: what a sidecar may be allowed to reach.
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { type Service, startService } from './service.ts';

interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ApiService extends Omit<Service<never>, 'kept'> {
  /** PEM file of the authority that signed the service's certificate. */
  readonly authority: string;
  /** Every request that arrived, as the service saw it. */
  requests(): Promise<readonly Arrived[]>;
}

/** Answers 200 with the Authorization header that it got, on port 443. */
const SERVER = `
const { createServer } = require('node:https');
createServer({ key: process.env.KEY, cert: process.env.CERT }, (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const { method, url, headers } = request;
    keep({ method, url, headers, body: Buffer.concat(chunks).toString() });
    response.end(JSON.stringify({ user: headers.authorization === 'Bearer ' + process.env.TOKEN ? 'the right one' : 'nobody' }));
  });
}).listen(443, up);
`;

export async function startApi(docker: Docker, directory: string, host: string, token: string): Promise<ApiService> {
  const { certificate, key } = await makeCertificate(directory, [host]);
  const env = { KEY: key, CERT: certificate, TOKEN: token };
  const { kept, ...service } = await startService<Arrived>(docker, 'api', SERVER, { env });
  const authority = join(directory, 'api-ca.pem');
  writeFileSync(authority, certificate);
  return { ...service, authority, requests: kept };
}

/** Signed by itself; openssl is what everybody has. */
export async function makeCertificate(
  directory: string,
  hosts: readonly string[],
): Promise<{ certificate: string; key: string }> {
  const { execa } = await import('execa');
  const { readFileSync } = await import('node:fs');
  const [keyFile, certificateFile] = [join(directory, 'api-key.pem'), join(directory, 'api-cert.pem')];
  const subject = [
    '-subj',
    '/CN=test service',
    '-addext',
    `subjectAltName=${hosts.map((host) => `DNS:${host}`).join()}`,
    '-addext',
    'basicConstraints=critical,CA:TRUE',
  ];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await execa('openssl', [
    'req',
    '-x509',
    ...curve,
    '-days',
    '2',
    ...subject,
    '-keyout',
    keyFile,
    '-out',
    certificateFile,
  ]);
  const certificate = readFileSync(certificateFile, 'utf8');
  new X509Certificate(certificate);
  return { certificate, key: readFileSync(keyFile, 'utf8') };
}
