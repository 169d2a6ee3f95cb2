// A registry of container images with a token service of its own, as the distribution specification and Docker's token authentication say.
import { randomBytes } from 'node:crypto';
import { type Answered, basic, bearer, digest, type FakeService } from './fake-service.ts';
import { type PresetCase, TOKENS } from './preset-case.ts';

const layer = Buffer.from('a layer');
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  layers: [{ digest: `sha256:${digest('sha256', layer)}`, size: layer.length }],
});

function registry(): FakeService {
  const issued: string[] = [];
  const refusal: Answered = {
    status: 401,
    headers: {
      'www-authenticate':
        'Bearer realm="https://tokens.images.example/token",service="images.example",scope="repository:acme/web:pull"',
    },
    body: { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required', detail: null }] },
  };
  return {
    issued,
    hosts: ['images.example', 'tokens.images.example'],
    authenticate(request) {
      if (request.host === 'images.example') return issued.includes(bearer(request)) ? null : refusal;
      const { username, password } = basic(request);
      if (username === 'builder' && password === TOKENS.DOCKER_PASSWORD) return null;
      return { status: 401, body: { details: 'incorrect username or password' } };
    },
    routes: {
      'GET /token': () => {
        const token = randomBytes(48).toString('base64url');
        issued.push(token);
        return { body: { token, access_token: token, expires_in: 300, issued_at: new Date().toISOString() } };
      },
      'GET /v2/': () => ({ body: {} }),
      'GET,HEAD /v2/acme/web/manifests/latest': () => ({
        headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
        body: manifest,
      }),
      [`GET /v2/acme/web/blobs/sha256:${digest('sha256', layer)}`]: () => ({ body: layer }),
      'POST /v2/acme/web/blobs/uploads/': () => ({
        status: 202,
        headers: { location: '/v2/acme/web/blobs/uploads/u1' },
        body: '',
      }),
      'PUT /v2/acme/web/blobs/uploads/u1': () => ({
        status: 201,
        headers: { location: '/v2/acme/web/blobs/sha256:x' },
        body: 'created',
      }),
      'PUT /v2/acme/web/manifests/next': () => ({ status: 201, body: 'tagged' }),
    },
    notFound: {
      status: 404,
      body: { errors: [{ code: 'NAME_UNKNOWN', message: 'repository name not known to registry' }] },
    },
  };
}

/** What a client does: the file of Docker, the token service, the registry; it shows the token that it got. */
const login = (scope: string) => `
ask() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' $1; }
auth=$(python3 -c 'import json, os; one = json.load(open(os.environ["HOME"] + "/.docker/config.json"))["auths"]["images.example"]; print(one["username"] + ":" + one["password"])')
token=$(curl -sS -u "$auth" "https://tokens.images.example/token?service=images.example&scope=repository:acme/web:${scope}" | ask token); echo "token $token"
`;
const AS = 'curl -sS -H "Authorization: Bearer $token"';
const REGISTRY = 'https://images.example/v2/acme/web';
const pull = {
  script: `${login('pull')} ${AS} ${REGISTRY}/manifests/latest; ${AS} ${REGISTRY}/blobs/sha256:${digest('sha256', layer)}`,
  shows: /"schemaVersion":2.*a layer/s,
  arrives: ['GET https://tokens.images.example/token', `GET ${REGISTRY}/manifests/latest`],
};
const told = { host: 'images.example', tokens: 'tokens.images.example', user: 'builder', repositories: ['acme/web'] };
const elsewhere = (request: string) => `${request} ${REGISTRY.replace('acme/web', 'evil/web')}/blobs/uploads/`;

export const CONTAINER_CASES: readonly PresetCase[] = [
  {
    preset: 'docker-registry',
    use: { 'docker-registry': told },
    secrets: ['DOCKER_PASSWORD'],
    service: registry(),
    tools: ['curl (with the file of Docker)'],
    calls: [pull],
    refused: [
      `POST ${REGISTRY}/blobs/uploads/ x`,
      `PUT ${REGISTRY}/manifests/latest {}`,
      'GET https://images.example/v2/evil/web/manifests/latest',
      'GET https://tokens.images.example/v2/users/login',
    ],
    echo: '',
  },
  {
    preset: 'docker-registry-push',
    use: { 'docker-registry-push': told },
    secrets: ['DOCKER_PASSWORD'],
    service: registry(),
    tools: ['curl (with the file of Docker)'],
    calls: [
      pull,
      {
        script: `${login('pull,push')} ${AS} -X POST -d '' ${REGISTRY}/blobs/uploads/; ${AS} -X PUT --data-binary 'a layer' "${REGISTRY}/blobs/uploads/u1?digest=sha256:${digest('sha256', layer)}"; ${AS} -X PUT -d '${manifest}' ${REGISTRY}/manifests/next`,
        shows: /created.*tagged/s,
        arrives: [`POST ${REGISTRY}/blobs/uploads/`, `PUT ${REGISTRY}/manifests/next`],
      },
    ],
    refused: [elsewhere('POST'), `DELETE ${REGISTRY}/manifests/latest`],
    echo: '',
  },
];
