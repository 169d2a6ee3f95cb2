// A small HTTPS API in a container of this engine, on a network of its own: what a sidecar may be allowed to reach.
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { imageTags } from '../../../src/images/inputs.ts';
import { until } from './look-at-engine.ts';
import { REPOSITORY } from './run-bottle.ts';

export interface ApiService {
  readonly network: string;
  /** Address in that network. */
  readonly address: string;
  /** PEM file of the authority that signed the service's certificate. */
  readonly authority: string;
  /** Every request that arrived, as the service saw it. */
  requests(): Promise<readonly { method: string; url: string; headers: Record<string, string>; body: string }[]>;
  remove(): Promise<void>;
}

/** Answers 200 with the Authorization header that it got, on port 443, and keeps what arrived in a file. */
const SERVER = `
const { createServer } = require('node:https');
const { appendFileSync, writeFileSync } = require('node:fs');
writeFileSync('/tmp/requests', '');
createServer({ key: process.env.KEY, cert: process.env.CERT }, (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const { method, url, headers } = request;
    appendFileSync('/tmp/requests', JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }) + '\\n');
    response.end(JSON.stringify({ user: headers.authorization === 'Bearer ' + process.env.TOKEN ? 'the right one' : 'nobody' }));
  });
}).listen(443, () => console.log('up'));
`;

export async function startApi(docker: Docker, directory: string, host: string, token: string): Promise<ApiService> {
  const name = `bottle-test-api-${process.pid}-${Date.now()}`;
  const { certificate, key } = await makeCertificate(directory, host);
  const labels = { 'bottle.role': 'service' };
  const network = await docker.createNetwork({ Name: name, Internal: true, Labels: labels });
  const container = await docker.createContainer({
    name,
    Image: imageTags(REPOSITORY).agent,
    Entrypoint: ['node', '-e', SERVER],
    User: '0:0',
    Env: [`KEY=${key}`, `CERT=${certificate}`, `TOKEN=${token}`],
    Labels: labels,
    HostConfig: { NetworkMode: name, AutoRemove: true },
  });
  await container.start();
  const read = async () => {
    const exec = await container.exec({ Cmd: ['cat', '/tmp/requests'], AttachStdout: true, Tty: true });
    const chunks: Buffer[] = [];
    for await (const chunk of await exec.start({ Tty: true })) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  };
  await until('the service listens', async () => !(await read()).includes('No such file'));
  const address = (await container.inspect()).NetworkSettings.Networks[name]?.IPAddress ?? '';
  const authority = join(directory, 'api-ca.pem');
  writeFileSync(authority, certificate);
  return {
    network: name,
    address,
    authority,
    requests: async () =>
      (await read())
        .split('\r\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    remove: async () => {
      await container.remove({ force: true });
      await network.remove();
    },
  };
}

/** Signed by itself; openssl is what everybody has. */
async function makeCertificate(directory: string, host: string): Promise<{ certificate: string; key: string }> {
  const { execa } = await import('execa');
  const { readFileSync } = await import('node:fs');
  const [keyFile, certificateFile] = [join(directory, 'api-key.pem'), join(directory, 'api-cert.pem')];
  const subject = [
    '-subj',
    '/CN=test service',
    '-addext',
    `subjectAltName=DNS:${host}`,
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
