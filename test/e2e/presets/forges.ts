// Code hosts, with their APIs and git.
import { type Answered, type Arrived, basic, bearer, type FakeService } from './fake-service.ts';
import { gitAnswer, makeRepositories } from './git-host.ts';
import { type PresetCase, TOKENS } from './preset-case.ts';

const repositories = makeRepositories('acme/shop.git');
const askForPassword = (realm: string): Answered => ({
  status: 401,
  headers: { 'www-authenticate': `Basic realm="${realm}"` },
  body: 'Authentication required',
});
const git = { 'GET,POST /acme/shop.git/**': (request: Arrived) => gitAnswer(repositories, request) };
const push = (url: string, branch: string) =>
  `git clone -q ${url} shop && cd shop && git -c user.name=t -c user.email=t@t.test commit -q --allow-empty -m more && git push -q origin HEAD:${branch} && cat README && git ls-remote origin ${branch}`;

function github(): FakeService {
  const api = (request: Arrived) => /^(?:Bearer|token) (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const graphql = ({ body }: Arrived): Answered => {
    const { query } = JSON.parse(body.toString()) as { query: string };
    return {
      body: {
        data: query.includes('mutation')
          ? { addComment: { subject: { id: 'I_1' } } }
          : { viewer: { login: 'octocat' } },
      },
    };
  };
  return {
    hosts: ['api.github.com', 'github.com', 'raw.githubusercontent.com', 'codeload.github.com', 'uploads.github.com'],
    authenticate(request) {
      if (request.host === 'github.com')
        return basic(request).password === TOKENS.GH_TOKEN ? null : askForPassword('GitHub');
      const isRight = (request.host === 'api.github.com' ? api(request) : bearer(request)) === TOKENS.GH_TOKEN;
      return isRight
        ? null
        : {
            status: 401,
            body: { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest', status: '401' },
          };
    },
    routes: {
      'GET /user': () => ({ body: { login: 'octocat' } }),
      'GET /user/packages': () => ({ body: [{ name: 'web', package_type: 'npm' }] }),
      'POST /graphql': graphql,
      'POST /repos/acme/shop/issues': () => ({ status: 201, body: { number: 7, title: 'found' } }),
      'GET /acme/shop/main/README': () => ({ body: 'raw text' }),
      ...git,
    },
    notFound: {
      status: 404,
      body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' },
    },
  };
}

const graphql = (query: string) =>
  `-H 'content-type: application/json' -d '${JSON.stringify({ query })}' https://api.github.com/graphql`;
const GH = 'curl -sS -H "Authorization: token $GH_TOKEN"';
const ghRead = [
  { script: `${GH} https://api.github.com/user`, shows: '"octocat"', arrives: ['GET https://api.github.com/user'] },
  {
    script: `${GH} ${graphql('{ viewer { login } }')}`,
    shows: '"octocat"',
    arrives: ['POST https://api.github.com/graphql'],
  },
  {
    script: 'git clone -q https://github.com/acme/shop.git && cat shop/README',
    shows: 'from the fake',
    arrives: ['POST https://github.com/acme/shop.git/git-upload-pack'],
  },
  {
    script: `${GH} https://raw.githubusercontent.com/acme/shop/main/README`,
    shows: 'raw text',
    arrives: ['GET https://raw.githubusercontent.com/acme/shop/main/README'],
  },
  {
    script: `${GH} "https://api.github.com/user/packages?package_type=npm"`,
    shows: '"web"',
    arrives: ['GET https://api.github.com/user/packages'],
  },
];
const createRepository = JSON.stringify({
  query: 'mutation { createRepository(input: {name: "x", visibility: PUBLIC}) { clientMutationId } }',
});

function gitlab(): FakeService {
  return {
    hosts: ['gitlab.example'],
    authenticate(request) {
      const isApi = request.path.startsWith('/api/');
      const given = isApi ? request.headers['private-token'] : basic(request).password;
      if (given === TOKENS.GITLAB_TOKEN) return null;
      return isApi ? { status: 401, body: { message: '401 Unauthorized' } } : askForPassword('GitLab');
    },
    routes: {
      'GET /api/v4/user': () => ({ body: { username: 'tanuki' } }),
      'POST /api/v4/projects/acme/shop/issues': () => ({ status: 201, body: { iid: 7 } }),
      'POST /api/graphql': () => ({ body: { data: { currentUser: { username: 'tanuki' } } } }),
      ...git,
    },
    notFound: { status: 404, body: { message: '404 Not Found' } },
  };
}

function gitea(): FakeService {
  return {
    hosts: ['git.example'],
    authenticate(request) {
      const isApi = request.path.startsWith('/api/');
      const given = isApi
        ? /^(?:token|Bearer) (.*)$/.exec(request.headers.authorization ?? '')?.[1]
        : basic(request).password;
      if (given === TOKENS.GITEA_TOKEN) return null;
      return isApi
        ? { status: 401, body: { message: 'token is required', url: 'https://git.example/api/swagger' } }
        : askForPassword('Gitea');
    },
    routes: {
      'GET /api/v1/user': () => ({ body: { login: 'teapot' } }),
      'GET /api/v1/version': () => ({ body: { version: '1.24.0' } }),
      'POST /api/v1/repos/acme/shop/issues': () => ({ status: 201, body: { number: 7 } }),
      ...git,
    },
    notFound: { status: 404, body: { message: 'not found', url: 'https://git.example/api/swagger' } },
  };
}

/** What \`tea\` does: its server and token from its file, `Authorization: token …`. */
const TEA = `url=$(sed -n 's/ *url: //p' ~/.config/tea/config.yml); token=$(sed -n 's/ *token: //p' ~/.config/tea/config.yml); [ "$token" = "$GITEA_TOKEN" ] || exit 9; curl -sS -H "Authorization: token $token"`;
const GL = 'curl -sS -H "PRIVATE-TOKEN: $GITLAB_TOKEN"';
const gitlabRead = [
  {
    script: `${GL} "https://$GITLAB_HOST/api/v4/user"`,
    shows: 'tanuki',
    arrives: ['GET https://gitlab.example/api/v4/user'],
  },
  {
    script: 'git clone -q https://gitlab.example/acme/shop.git && cat shop/README',
    shows: 'from the fake',
    arrives: ['POST https://gitlab.example/acme/shop.git/git-upload-pack'],
  },
];
const giteaRead = [
  { script: `${TEA} "$url/api/v1/user"`, shows: 'teapot', arrives: ['GET https://git.example/api/v1/user'] },
  {
    script: 'git clone -q https://git.example/acme/shop.git && cat shop/README',
    shows: 'from the fake',
    arrives: ['POST https://git.example/acme/shop.git/git-upload-pack'],
  },
];

export const FORGE_CASES: readonly PresetCase[] = [
  {
    preset: 'github',
    use: 'github',
    secrets: ['GH_TOKEN'],
    service: github(),
    tools: ['git', 'curl'],
    calls: [
      ...ghRead,
      {
        script: `${GH} ${graphql('mutation { addComment(input: {subjectId: "I_1", body: "x"}) { clientMutationId } }')}`,
        shows: 'I_1',
        arrives: ['POST https://api.github.com/graphql'],
      },
      {
        script: `${GH} -d '{"title":"found"}' https://api.github.com/repos/acme/shop/issues`,
        shows: '"number":7',
        arrives: ['POST https://api.github.com/repos/acme/shop/issues'],
      },
      {
        script: push('https://github.com/acme/shop.git', 'hub'),
        shows: 'refs/heads/hub',
        arrives: ['POST https://github.com/acme/shop.git/git-receive-pack'],
      },
    ],
    refused: [
      'POST https://api.github.com/user/repos {"name":"x"}',
      'POST https://api.github.com/gists {"files":{}}',
      `POST https://api.github.com/graphql ${createRepository}`,
      'DELETE https://api.github.com/repos/acme/shop',
      'POST https://github.com/login/oauth/access_token {}',
    ],
    echo: 'GET https://api.github.com/user',
  },
  {
    preset: 'github-read',
    use: 'github-read',
    secrets: ['GH_TOKEN'],
    service: github(),
    tools: ['git', 'curl'],
    calls: ghRead,
    refused: [
      'POST https://api.github.com/repos/acme/shop/issues {"title":"x"}',
      `POST https://api.github.com/graphql ${createRepository}`,
      'GET https://github.com/acme/shop.git/info/refs?service=git-receive-pack',
      'POST https://github.com/acme/shop.git/git-receive-pack 0000',
    ],
    echo: 'GET https://api.github.com/user',
  },
  {
    preset: 'gitlab',
    use: { gitlab: { host: 'gitlab.example' } },
    secrets: ['GITLAB_TOKEN'],
    service: gitlab(),
    tools: ['git', 'curl'],
    calls: [
      ...gitlabRead,
      {
        script: `${GL} -d title=found https://gitlab.example/api/v4/projects/acme%2Fshop/issues`,
        shows: '"iid":7',
        arrives: ['POST https://gitlab.example/api/v4/projects/acme%2Fshop/issues'],
      },
      {
        script: `${GL} -H 'content-type: application/json' -d '{"query":"{ currentUser { username } }"}' https://gitlab.example/api/graphql`,
        shows: 'tanuki',
        arrives: ['POST https://gitlab.example/api/graphql'],
      },
      {
        script: push('https://gitlab.example/acme/shop.git', 'lab'),
        shows: 'refs/heads/lab',
        arrives: ['POST https://gitlab.example/acme/shop.git/git-receive-pack'],
      },
    ],
    refused: [
      'POST https://gitlab.example/api/v4/projects {"name":"x"}',
      'POST https://gitlab.example/api/v4/projects/1/access_tokens {"name":"x"}',
      'POST https://gitlab.example/api/v4/projects/acme%2Fshop/hooks {"url":"https://evil.example"}',
      'POST https://gitlab.example/api/v4/user/personal_access_tokens {}',
      'POST https://gitlab.example/api/graphql {"query":"mutation { projectCreate(input: {}) { errors } }"}',
    ],
    echo: 'GET https://gitlab.example/api/v4/user',
  },
  {
    preset: 'gitlab-read',
    use: { 'gitlab-read': { host: 'gitlab.example' } },
    secrets: ['GITLAB_TOKEN'],
    service: gitlab(),
    tools: ['git', 'curl'],
    calls: gitlabRead,
    refused: [
      'POST https://gitlab.example/api/v4/projects/1/issues {"title":"x"}',
      'GET https://gitlab.example/acme/shop.git/info/refs?service=git-receive-pack',
    ],
    echo: 'GET https://gitlab.example/api/v4/user',
  },
  {
    preset: 'gitea',
    use: { gitea: { host: 'git.example' } },
    secrets: ['GITEA_TOKEN'],
    service: gitea(),
    tools: ['git', 'curl (with the file of tea)'],
    calls: [
      ...giteaRead,
      {
        script: `${TEA} -d '{"title":"found"}' -H 'content-type: application/json' "$url/api/v1/repos/acme/shop/issues"`,
        shows: '"number":7',
        arrives: ['POST https://git.example/api/v1/repos/acme/shop/issues'],
      },
      {
        script: push('https://git.example/acme/shop.git', 'tea'),
        shows: 'refs/heads/tea',
        arrives: ['POST https://git.example/acme/shop.git/git-receive-pack'],
      },
    ],
    refused: [
      'POST https://git.example/api/v1/user/repos {"name":"x"}',
      'POST https://git.example/api/v1/users/me/tokens {"name":"x"}',
      'POST https://git.example/api/v1/repos/acme/shop/hooks {"type":"gitea"}',
      'POST https://git.example/api/v1/repos/acme/shop/keys {"title":"x"}',
    ],
    echo: 'GET https://git.example/api/v1/user',
  },
  {
    preset: 'gitea-read',
    use: { 'gitea-read': { host: 'git.example' } },
    secrets: ['GITEA_TOKEN'],
    service: gitea(),
    tools: ['git', 'curl (with the file of tea)'],
    calls: giteaRead,
    refused: [
      'POST https://git.example/api/v1/repos/acme/shop/issues {"title":"x"}',
      'POST https://git.example/acme/shop.git/git-receive-pack 0000',
    ],
    echo: 'GET https://git.example/api/v1/user',
  },
];
