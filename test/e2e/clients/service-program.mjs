// Upstreams for real clients, in one container: an API, a git host, a package registry, a Python index, and a plain HTTP site.
//
// stdin: settings as one JSON line {key, certs: {host: PEM}, token}. stdout: {"ready":true}, then one JSON line a request.
import { execFileSync, spawn } from 'node:child_process';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { createSecureContext } from 'node:tls';
import { gzipSync } from 'node:zlib';

const lines = createInterface({ input: process.stdin });
const { key, certs, token } = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
lines.on('close', () => process.exit(0));

const FILES = '/tmp/files';
mkdirSync(FILES);
const run = (program, args, cwd = FILES) => execFileSync(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
const digest = (algorithm, bytes, encoding = 'hex') => createHash(algorithm).update(bytes).digest(encoding);

// A package, a wheel and two repositories, made here so that nothing is fetched from anywhere.
mkdirSync(`${FILES}/package`);
writeFileSync(`${FILES}/package/package.json`, JSON.stringify({ name: 'left-hand', version: '1.2.3', main: 'i.js' }));
writeFileSync(`${FILES}/package/i.js`, "module.exports = 'from the tarball';\n");
run('tar', ['-czf', 'left-hand-1.2.3.tgz', 'package']);
const tarball = readFileSync(`${FILES}/left-hand-1.2.3.tgz`);

run('python3', [
  '-c',
  `import zipfile
info = 'right_hand-1.2.3.dist-info/'
with zipfile.ZipFile('right_hand-1.2.3-py3-none-any.whl', 'w') as wheel:
    wheel.writestr('right_hand.py', "text = 'from the wheel'\\n")
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: right-hand\\nVersion: 1.2.3\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')`,
]);
const wheel = readFileSync(`${FILES}/right_hand-1.2.3-py3-none-any.whl`);

const git = (cwd, ...args) => run('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.test', ...args], cwd);
git(FILES, 'init', '-q', '-b', 'main', 'work');
for (let i = 0; i < 40; i++)
  writeFileSync(`${FILES}/work/file-${i}.txt`, `file ${i}\n${randomBytes(2000).toString('hex')}\n`);
git(`${FILES}/work`, 'add', '.');
git(`${FILES}/work`, 'commit', '-q', '-m', 'first');
for (const name of ['shop.git', 'open.git']) {
  git(FILES, 'clone', '-q', '--bare', 'work', name);
  git(`${FILES}/${name}`, 'config', 'http.receivepack', 'true');
}

const BLOCK = randomBytes(1 << 20);
function* blocks(bytes) {
  for (let left = bytes; left > 0; left -= BLOCK.length) yield left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
}

/** What each stream of events waits for: the next one is sent when the client says that it has the last. */
const acknowledge = new Map();

async function echo(request, response) {
  const sha256 = createHash('sha256');
  let bytes = 0;
  const kept = [];
  for await (const chunk of request) {
    sha256.update(chunk);
    bytes += chunk.length;
    if (bytes < 10_000) kept.push(chunk);
  }
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({
      method: request.method,
      url: request.url,
      host: request.headers.host,
      isKnown: request.headers.authorization === `Bearer ${token}`,
      bytes,
      sha256: sha256.digest('hex'),
      body: Buffer.concat(kept).toString(),
    }),
  );
}

/** A client that was cut off ends its own request; the others go on. */
function api(request, response) {
  return answerApi(request, response).catch(() => response.destroy());
}

async function answerApi(request, response) {
  const url = new URL(request.url, 'https://api');
  const bytes = Number(url.searchParams.get('bytes'));
  switch (url.pathname) {
    case '/download':
      response.setHeader('content-length', bytes);
      for (const block of blocks(bytes)) {
        if (!response.write(block)) await new Promise((resolve) => response.once('drain', resolve));
      }
      return response.end();
    case '/digest': {
      const sha256 = createHash('sha256');
      for (const block of blocks(bytes)) sha256.update(block);
      return response.end(sha256.digest('hex'));
    }
    case '/events': {
      response.setHeader('content-type', 'text/event-stream');
      const id = url.searchParams.get('id');
      for (let n = 1; n <= 5; n++) {
        const isAcknowledged = new Promise((resolve) => acknowledge.set(`${id}/${n}`, resolve));
        response.write(`data: ${n}\n\n`);
        await isAcknowledged;
      }
      return response.end();
    }
    case '/repeat': {
      // A debugging page that gives back what it was sent, as some do.
      const text = `you sent ${request.headers.authorization}\n`;
      const isCompressed = /gzip/.test(request.headers['accept-encoding'] ?? '');
      response.setHeader('x-sent', request.headers.authorization ?? '');
      if (isCompressed) response.setHeader('content-encoding', 'gzip');
      return response.end(isCompressed ? gzipSync(text) : text);
    }
    case '/acknowledge':
      acknowledge.get(`${url.searchParams.get('id')}/${url.searchParams.get('n')}`)?.();
      return response.end();
    default:
      return echo(request, response);
  }
}

function npm(request, response) {
  if (request.url.includes('private') && request.headers.authorization !== `Bearer ${token}`) {
    response.statusCode = 401;
    return response.end();
  }
  if (request.url.endsWith('.tgz')) return response.end(tarball);
  const dist = {
    tarball: `https://npm.clients.test${request.url}/-/left-hand-1.2.3.tgz`,
    integrity: `sha512-${digest('sha512', tarball, 'base64')}`,
    shasum: digest('sha1', tarball),
  };
  response.setHeader('content-type', 'application/json');
  const name = request.url.slice(1);
  response.statusCode = /^(left|private)-hand$/.test(name) ? 200 : 404;
  const versions = { '1.2.3': { name, version: '1.2.3', dist } };
  response.end(JSON.stringify({ name, 'dist-tags': { latest: '1.2.3' }, versions }));
}

function pypi(request, response) {
  if (request.url.endsWith('.whl')) return response.end(wheel);
  response.setHeader('content-type', 'text/html');
  response.statusCode = request.url === '/simple/right-hand/' ? 200 : 404;
  const name = 'right_hand-1.2.3-py3-none-any.whl';
  response.end(`<!DOCTYPE html><a href="/files/${name}#sha256=${digest('sha256', wheel)}">${name}</a>`);
}

/** CGI, RFC 3875, as far as `git http-backend` reads it. */
function gitHost(request, response) {
  const url = new URL(request.url, 'https://git');
  const { headers } = request;
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: FILES,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      REMOTE_USER: 'agent',
      ...(headers['content-type'] ? { CONTENT_TYPE: headers['content-type'] } : {}),
      ...(headers['content-length'] ? { CONTENT_LENGTH: headers['content-length'] } : {}),
      ...(headers['content-encoding'] ? { HTTP_CONTENT_ENCODING: headers['content-encoding'] } : {}),
      ...(headers['git-protocol'] ? { GIT_PROTOCOL: headers['git-protocol'] } : {}),
    },
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => {}); // it may answer before it has read everything
  let head = Buffer.alloc(0);
  child.stdout.on('data', (chunk) => {
    if (response.headersSent) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const colon = line.indexOf(':');
      const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.flushHeaders();
    response.write(head.subarray(end + 4));
  });
  child.stdout.on('end', () => response.end());
}

/** Asks for a password, as hosts of private repositories do. */
function privateGitHost(request, response) {
  const expected = `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  if (request.headers.authorization === expected) return gitHost(request, response);
  response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' });
  response.end();
}

/** Sends every text message back, in front of it what was asked for; small unfragmented messages alone. */
function webSocket(request, socket) {
  const accept = digest(
    'sha1',
    `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    'base64',
  );
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let read = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    read = Buffer.concat([read, chunk]);
    while (read.length >= 6) {
      const length = read[1] & 0x7f;
      if (read.length < 6 + length) return;
      const mask = read.subarray(2, 6);
      const text = read.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4]);
      const opcode = read[0] & 0x0f;
      read = read.subarray(6 + length);
      if (opcode === 8) return void socket.end(Buffer.from([0x88, 0]));
      const answer = Buffer.concat([Buffer.from(`${request.url} `), text]);
      if (opcode === 1) socket.write(Buffer.concat([Buffer.from([0x81, answer.length]), answer]));
    }
  });
}

const sites = {
  'api.clients.test': api,
  'npm.clients.test': npm,
  'pypi.clients.test': pypi,
  'git.clients.test': gitHost,
  'private.clients.test': privateGitHost,
  'swap.clients.test': privateGitHost,
};

function serve(request, response) {
  const { host, authorization } = request.headers;
  // What is known of a token that came, without telling it.
  const fingerprint =
    authorization === undefined ? null : createHmac('sha256', 'clients').update(authorization).digest('hex');
  process.stdout.write(`${JSON.stringify({ host, method: request.method, url: request.url, fingerprint })}\n`);
  (sites[host] ?? echo)(request, response);
}

const contexts = Object.fromEntries(
  Object.entries(certs).map(([host, cert]) => [host, createSecureContext({ key, cert })]),
);
const secure = https.createServer({ SNICallback: (name, done) => done(null, contexts[name]) }, serve);
secure.on('upgrade', webSocket);
secure.listen(443, '0.0.0.0', () => {
  http.createServer(serve).listen(80, '0.0.0.0', () => process.stdout.write('{"ready":true}\n'));
});
