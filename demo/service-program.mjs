// The demo's API: a small HTTPS service that knows one user by a bearer token and remembers every byte it was sent.
//
// Runs in a container of its own beside the sidecar. stdin: this script's settings as one JSON line {key, cert, token, user}; the
// token is in no environment, argument or label. stdout: one JSON line a request: {method, target, authorized, body}.
import { timingSafeEqual } from 'node:crypto';
import https from 'node:https';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin });
const settings = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
lines.on('close', () => process.exit(0));

const expected = Buffer.from(`Bearer ${settings.token}`);
const isAuthorized = (header) => {
  const given = Buffer.from(header ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
};

const server = https.createServer({ key: settings.key, cert: settings.cert }, async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const authorized = isAuthorized(request.headers.authorization);
  const { authorization: _, ...headers } = request.headers;
  const body = Buffer.concat(chunks).toString('latin1');
  process.stdout.write(
    `${JSON.stringify({ method: request.method, target: request.url, authorized, headers, body })}\n`,
  );
  response.setHeader('content-type', 'application/json');
  response.statusCode = authorized ? 200 : 401;
  response.end(JSON.stringify(authorized ? { user: settings.user } : { error: 'a token is needed' }));
});
server.listen(443, '0.0.0.0', () => process.stdout.write(`${JSON.stringify({ ready: true })}\n`));
