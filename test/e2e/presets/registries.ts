// Package registries, npm's and Python's kind, that ask for a token for everything; a model hub.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { basic, bearer, digest, type FakeService } from './fake-service.ts';
import { type PresetCase, TOKENS, type TokenName } from './preset-case.ts';

const directory = mkdtempSync(join(tmpdir(), 'bottle-packages-'));
execFileSync(
  'bash',
  [
    '-c',
    `mkdir package && echo '{"name":"left-hand","version":"1.2.3"}' > package/package.json && tar -czf left-hand-1.2.3.tgz package`,
  ],
  { cwd: directory },
);
const tarball = readFileSync(join(directory, 'left-hand-1.2.3.tgz'));
execFileSync(
  'python3',
  [
    '-c',
    `import zipfile
info = 'right_hand-1.2.3.dist-info/'
with zipfile.ZipFile('right_hand-1.2.3-py3-none-any.whl', 'w') as wheel:
    wheel.writestr('right_hand.py', "text = 'from the wheel'\\n")
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: right-hand\\nVersion: 1.2.3\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')`,
  ],
  { cwd: directory },
);
const wheel = readFileSync(join(directory, 'right_hand-1.2.3-py3-none-any.whl'));

function npm(host: string, secret: TokenName): FakeService {
  const url = `https://${host}/npm/left-hand/-/left-hand-1.2.3.tgz`;
  const dist = {
    tarball: url,
    shasum: digest('sha1', tarball),
    integrity: `sha512-${digest('sha512', tarball, 'base64')}`,
  };
  const version = { name: 'left-hand', version: '1.2.3', dist };
  return {
    hosts: [host],
    authenticate: (request) =>
      bearer(request) === TOKENS[secret] ? null : { status: 401, body: { error: 'Unauthorized' } },
    routes: {
      'GET /npm/left-hand': () => ({
        body: { name: 'left-hand', 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': version } },
      }),
      'GET /npm/left-hand/-/left-hand-1.2.3.tgz': () => ({ body: tarball }),
      'GET /npm/-/whoami': () => ({ body: { username: 'me' } }),
      'GET /npm/**': () => ({ status: 404, body: { error: 'not_found' } }),
      'PUT /npm/**': () => ({ status: 201, body: { ok: true, success: true } }),
    },
    notFound: { status: 404, body: { error: 'not_found' } },
  };
}

function pypi(): FakeService {
  const name = 'right_hand-1.2.3-py3-none-any.whl';
  return {
    hosts: ['python.example'],
    authenticate: () => null,
    routes: {
      'GET /simple/right-hand/': () => ({
        headers: { 'content-type': 'text/html' },
        body: `<!DOCTYPE html><a href="/packages/${name}#sha256=${digest('sha256', wheel)}">${name}</a>`,
      }),
      [`GET /packages/${name}`]: () => ({ body: wheel }),
    },
    notFound: { status: 404, body: 'not found' },
  };
}

function uploads(): FakeService {
  return {
    hosts: ['upload.example'],
    authenticate(request) {
      const { username, password } = basic(request);
      if (username === '__token__' && password === TOKENS.TWINE_PASSWORD) return null;
      return { status: 403, body: 'Invalid or non-existent authentication information.' };
    },
    routes: {
      'POST /legacy/': ({ body }) =>
        body.includes('file_upload') && body.includes('right_hand')
          ? { body: 'uploaded' }
          : { status: 400, body: 'Bad Request' },
    },
    notFound: { status: 404, body: 'Not Found' },
  };
}

function hub(): FakeService {
  return {
    hosts: ['huggingface.co'],
    authenticate: (request) =>
      bearer(request) === TOKENS.HF_TOKEN ? null : { status: 401, body: { error: 'Invalid username or password.' } },
    routes: {
      'GET /api/whoami-v2': () => ({ body: { type: 'user', name: 'me' } }),
      'GET /acme/model/resolve/main/config.json': () => ({ body: { hidden_size: 8 } }),
      'POST /api/models/acme/model/preupload/main': () => ({
        body: { files: [{ path: 'a.txt', uploadMode: 'regular' }] },
      }),
      'POST /api/models/acme/model/commit/main': () => ({ body: { success: true, commitOid: 'c0ffee' } }),
    },
    notFound: { status: 404, body: { error: 'Repository not found' } },
  };
}

const NPM_URL = 'https://packages.example/npm/';
/** As its documentation says: the variable in the file of npm, which puts it in. */
const NPMRC = `echo '//packages.example/npm/:_authToken=\${NPM_TOKEN}' > .npmrc; echo '{}' > package.json;`;
const npmRead = [
  {
    script: `${NPMRC} npm install left-hand && cat node_modules/left-hand/package.json`,
    shows: '"left-hand"',
    arrives: ['GET https://packages.example/npm/left-hand/-/left-hand-1.2.3.tgz'],
  },
  { script: `${NPMRC} npm whoami`, shows: 'me', arrives: ['GET https://packages.example/npm/-/whoami'] },
];
const publish = (name: string) =>
  `${NPMRC} echo '{"name":"${name}","version":"0.0.1"}' > package.json; echo 'module.exports = 1' > index.js; npm publish --access public`;
const HF = 'curl -sS -L -H "authorization: Bearer $HF_TOKEN"';
const hubRead = [
  {
    script: `${HF} https://huggingface.co/api/whoami-v2`,
    shows: '"me"',
    arrives: ['GET https://huggingface.co/api/whoami-v2'],
  },
  {
    script: `${HF} https://huggingface.co/acme/model/resolve/main/config.json`,
    shows: 'hidden_size',
    arrives: ['GET https://huggingface.co/acme/model/resolve/main/config.json'],
  },
];
const ndjson = [
  '{"key":"header","value":{"summary":"x"}}',
  `{"key":"file","value":{"content":"aGk=","path":"a.txt","encoding":"base64"}}`,
].join('\\n');

export const REGISTRY_CASES: readonly PresetCase[] = [
  {
    preset: 'npm',
    use: { npm: { registry: NPM_URL } },
    secrets: ['NPM_TOKEN'],
    service: npm('packages.example', 'NPM_TOKEN'),
    tools: ['npm'],
    calls: npmRead,
    refused: [
      'PUT https://packages.example/npm/left-hand {}',
      'DELETE https://packages.example/npm/left-hand/-rev/1',
      'GET https://packages.example/other/left-hand',
    ],
    echo: 'GET https://packages.example/npm/left-hand',
  },
  {
    preset: 'npm-publish',
    use: { 'npm-publish': { registry: NPM_URL } },
    secrets: ['NPM_TOKEN'],
    service: npm('packages.example', 'NPM_TOKEN'),
    tools: ['npm'],
    calls: [
      ...npmRead,
      {
        script: publish('right-foot'),
        shows: '+ right-foot@0.0.1',
        arrives: ['PUT https://packages.example/npm/right-foot'],
      },
      {
        script: publish('@acme/foot'),
        shows: '+ @acme/foot@0.0.1',
        arrives: ['PUT https://packages.example/npm/@acme%2Ffoot'],
      },
    ],
    refused: [
      'PUT https://packages.example/npm/-/user/org.couchdb.user:me {}',
      'POST https://packages.example/npm/-/npm/v1/tokens {}',
      'PUT https://packages.example/npm/left-hand/-rev/1 {}',
      'PUT https://packages.example/npm/-/org/acme/user {}',
      'DELETE https://packages.example/npm/left-hand/-rev/1',
    ],
    echo: 'GET https://packages.example/npm/left-hand',
  },
  {
    // As GitHub's: the same protocol, another host, the token of the forge.
    preset: 'npm',
    use: { npm: { registry: 'https://npm.pkg.example/npm/', NPM_TOKEN: 'GH_TOKEN' } },
    secrets: ['GH_TOKEN'],
    service: npm('npm.pkg.example', 'GH_TOKEN'),
    tools: ['npm'],
    calls: [
      {
        script: `echo '//npm.pkg.example/npm/:_authToken=\${GH_TOKEN}' > .npmrc; echo '{}' > package.json; npm install --registry https://npm.pkg.example/npm/ left-hand && cat node_modules/left-hand/package.json`,
        shows: '"left-hand"',
        arrives: ['GET https://npm.pkg.example/npm/left-hand/-/left-hand-1.2.3.tgz'],
      },
    ],
    refused: ['PUT https://npm.pkg.example/npm/left-hand {}'],
    echo: 'GET https://npm.pkg.example/npm/left-hand',
  },
  {
    preset: 'pypi',
    use: { pypi: { index: 'https://python.example/simple/' } },
    secrets: [],
    service: pypi(),
    tools: ['pip'],
    calls: [
      {
        script: '/usr/bin/python3 -m pip install --quiet --no-cache-dir --target t right-hand && cat t/right_hand.py',
        shows: 'from the wheel',
        arrives: ['GET https://python.example/packages/right_hand-1.2.3-py3-none-any.whl'],
      },
    ],
    refused: ['POST https://python.example/legacy/ x', 'PUT https://python.example/simple/right-hand/ x'],
    echo: 'GET https://python.example/simple/right-hand/',
  },
  {
    preset: 'pypi-upload',
    use: { 'pypi-upload': { repository: 'https://upload.example/legacy/' } },
    secrets: ['TWINE_PASSWORD'],
    service: uploads(),
    tools: ['curl (the form of twine)'],
    calls: [
      {
        script: `cp ${directory}/*.whl .; curl -sS -u "$TWINE_USERNAME:$TWINE_PASSWORD" -F :action=file_upload -F protocol_version=1 -F name=right_hand -F version=1.2.3 -F filetype=bdist_wheel -F content=@right_hand-1.2.3-py3-none-any.whl "$TWINE_REPOSITORY_URL"`,
        shows: 'uploaded',
        arrives: ['POST https://upload.example/legacy/'],
      },
    ],
    refused: ['GET https://upload.example/manage/account/', 'POST https://upload.example/account/login/ x'],
    echo: 'POST https://upload.example/legacy/ file_upload',
  },
  {
    preset: 'huggingface',
    use: 'huggingface',
    secrets: ['HF_TOKEN'],
    service: hub(),
    tools: ['curl'],
    calls: hubRead,
    refused: [
      'POST https://huggingface.co/api/repos/create {"name":"x"}',
      'POST https://huggingface.co/api/models/acme/model/commit/main {}',
    ],
    echo: 'GET https://huggingface.co/api/whoami-v2',
  },
  {
    preset: 'huggingface-write',
    use: { 'huggingface-write': { repos: ['acme/model'] } },
    secrets: ['HF_TOKEN'],
    service: hub(),
    tools: ['curl'],
    calls: [
      ...hubRead,
      {
        script: `${HF} -d '{"files":[{"path":"a.txt","size":2,"sample":"aGk="}]}' -H 'content-type: application/json' https://huggingface.co/api/models/acme/model/preupload/main`,
        shows: 'regular',
        arrives: ['POST https://huggingface.co/api/models/acme/model/preupload/main'],
      },
      {
        script: `printf '${ndjson}' > b; ${HF} --data-binary @b -H 'content-type: application/x-ndjson' https://huggingface.co/api/models/acme/model/commit/main`,
        shows: 'c0ffee',
        arrives: ['POST https://huggingface.co/api/models/acme/model/commit/main'],
      },
    ],
    refused: [
      'POST https://huggingface.co/api/repos/create {"name":"x"}',
      'POST https://huggingface.co/api/models/evil/model/commit/main {}',
      'PUT https://huggingface.co/api/models/acme/model/settings {"private":false}',
      'DELETE https://huggingface.co/api/repos/delete {"name":"x"}',
    ],
    echo: 'GET https://huggingface.co/api/whoami-v2',
  },
];
