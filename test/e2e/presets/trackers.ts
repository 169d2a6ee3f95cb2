// Services that people work with: chat and issues.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { type Arrived, basic, bearer, type FakeService } from './fake-service.ts';
import { type PresetCase, TOKENS } from './preset-case.ts';

const modules = createRequire(import.meta.url);
/** A program for Node with a vendor's own client. */
const node = (client: string, program: string) =>
  `node --disable-warning=UNDICI-EHPA --input-type=module <<'END'\nimport * as sdk from '${pathToFileURL(modules.resolve(client)).href}';\n${program}\nEND`;

function slack(): FakeService {
  const tokenOf = (request: Arrived) =>
    bearer(request) || (new URLSearchParams(request.body.toString()).get('token') ?? '');
  return {
    hosts: ['slack.com', 'files.slack.com'],
    // Slack says no with 200.
    authenticate: (request) =>
      tokenOf(request) === TOKENS.SLACK_BOT_TOKEN || request.path.startsWith('/upload/')
        ? null
        : { body: { ok: false, error: 'invalid_auth' } },
    routes: {
      'GET,POST /api/auth.test': () => ({ body: { ok: true, team: 'acme', user: 'bot' } }),
      'GET,POST /api/conversations.list': () => ({
        body: { ok: true, channels: [{ id: 'C1', name: 'general' }], response_metadata: { next_cursor: '' } },
      }),
      'POST /api/chat.postMessage': ({ body }) => ({ body: { ok: body.includes('C1'), ts: '1.2', channel: 'C1' } }),
    },
    notFound: { body: { ok: false, error: 'unknown_method' } },
  };
}

const slackRead = [
  {
    script: node(
      '@slack/web-api',
      `const web = new sdk.WebClient(process.env.SLACK_BOT_TOKEN); console.log((await web.auth.test()).team, (await web.conversations.list()).channels[0].name);`,
    ),
    shows: 'acme general',
    arrives: ['POST https://slack.com/api/auth.test', 'POST https://slack.com/api/conversations.list'],
  },
  {
    script: `curl -sS https://slack.com/api/auth.test -d "token=$SLACK_BOT_TOKEN"`,
    shows: '"acme"',
    arrives: ['POST https://slack.com/api/auth.test'],
  },
];

function linear(): FakeService {
  return {
    hosts: ['api.linear.app'],
    authenticate: ({ headers }) =>
      headers.authorization === TOKENS.LINEAR_API_KEY
        ? null
        : {
            status: 401,
            body: {
              errors: [
                {
                  message: 'Authentication required, not authenticated',
                  extensions: { type: 'authentication error', code: 'AUTHENTICATION_ERROR', userError: true },
                },
              ],
            },
          },
    routes: {
      'POST /graphql': ({ body }) =>
        body.includes('issueCreate')
          ? { body: { data: { issueCreate: { success: true, lastSyncId: 1, issue: { id: 'ISS-1' } } } } }
          : { body: { data: { viewer: { id: 'u1', name: 'me', displayName: 'me' } } } },
    },
    notFound: { status: 404, body: { errors: [{ message: 'not found' }] } },
  };
}

const LINEAR = `const linear = new sdk.LinearClient({ apiKey: process.env.LINEAR_API_KEY });`;
const linearRead = [
  {
    script: node('@linear/sdk', `${LINEAR} console.log((await linear.viewer).name);`),
    shows: 'me',
    arrives: ['POST https://api.linear.app/graphql'],
  },
];
const mutation = (text: string) =>
  `POST https://api.linear.app/graphql ${JSON.stringify({ query: `mutation { ${text} }` })}`;

function jira(): FakeService {
  return {
    hosts: ['acme.atlassian.net', 'api.atlassian.com'],
    authenticate(request) {
      const { username, password } = basic(request);
      if (username === 'me@example.com' && password === TOKENS.JIRA_API_TOKEN) return null;
      return { status: 401, body: 'Client must be authenticated to access this resource.' };
    },
    routes: {
      'GET /rest/api/3/myself': () => ({ body: { emailAddress: 'me@example.com', active: true } }),
      'POST /rest/api/3/search/jql': () => ({ body: { issues: [{ key: 'ACME-1' }], isLast: true } }),
      'POST /rest/api/3/issue': () => ({ status: 201, body: { id: '1', key: 'ACME-2' } }),
      'POST /ex/jira/c10d/rest/api/3/issue/ACME-2/comment': () => ({ status: 201, body: { id: '7' } }),
      'GET /ex/jira/c10d/rest/api/3/myself': () => ({ body: { active: true } }),
    },
    notFound: {
      status: 404,
      body: { errorMessages: ['Issue does not exist or you do not have permission to see it.'], errors: {} },
    },
  };
}

const JIRA = `curl -sS -u "me@example.com:$JIRA_API_TOKEN" -H 'content-type: application/json'`;
const jiraRead = [
  {
    script: `${JIRA} https://acme.atlassian.net/rest/api/3/myself`,
    shows: 'me@example.com',
    arrives: ['GET https://acme.atlassian.net/rest/api/3/myself'],
  },
  {
    script: `${JIRA} -d '{"jql":"project = ACME"}' https://acme.atlassian.net/rest/api/3/search/jql`,
    shows: 'ACME-1',
    arrives: ['POST https://acme.atlassian.net/rest/api/3/search/jql'],
  },
  {
    script: `${JIRA} https://api.atlassian.com/ex/jira/c10d/rest/api/3/myself`,
    shows: 'active',
    arrives: ['GET https://api.atlassian.com/ex/jira/c10d/rest/api/3/myself'],
  },
];
const told = { site: 'acme', email: 'me@example.com', cloud: 'c10d' };

export const TRACKER_CASES: readonly PresetCase[] = [
  {
    preset: 'slack',
    use: 'slack',
    secrets: ['SLACK_BOT_TOKEN'],
    service: slack(),
    tools: ['@slack/web-api', 'curl'],
    calls: [
      ...slackRead,
      {
        script: node(
          '@slack/web-api',
          `const web = new sdk.WebClient(process.env.SLACK_BOT_TOKEN); console.log((await web.chat.postMessage({ channel: 'C1', text: 'hi' })).ts);`,
        ),
        shows: '1.2',
        arrives: ['POST https://slack.com/api/chat.postMessage'],
      },
    ],
    refused: [
      'POST https://slack.com/api/admin.users.remove {}',
      'POST https://slack.com/api/conversations.create name=x',
      'POST https://slack.com/api/apps.connections.open x',
      'POST https://slack.com/api/oauth.v2.access x',
    ],
    echo: 'POST https://slack.com/api/auth.test',
  },
  {
    preset: 'slack-read',
    use: 'slack-read',
    secrets: ['SLACK_BOT_TOKEN'],
    service: slack(),
    tools: ['@slack/web-api', 'curl'],
    calls: slackRead,
    refused: [
      'POST https://slack.com/api/chat.postMessage channel=C1',
      'POST https://slack.com/api/files.delete file=F1',
    ],
    echo: 'POST https://slack.com/api/auth.test',
  },
  {
    preset: 'linear',
    use: 'linear',
    secrets: ['LINEAR_API_KEY'],
    service: linear(),
    tools: ['@linear/sdk'],
    calls: [
      ...linearRead,
      {
        script: node(
          '@linear/sdk',
          `${LINEAR} console.log((await linear.createIssue({ teamId: 't1', title: 'found' })).success);`,
        ),
        shows: 'true',
        arrives: ['POST https://api.linear.app/graphql'],
      },
    ],
    refused: [
      mutation('webhookCreate(input: {url: "https://evil.example"}) { success }'),
      mutation('apiKeyCreate(input: {label: "x"}) { success }'),
      mutation('a: issueCreate(input: {}) { success } b: organizationDelete(input: {}) { success }'),
    ],
    echo: 'POST https://api.linear.app/graphql {"query":"{ viewer { id } }"}',
  },
  {
    preset: 'linear-read',
    use: 'linear-read',
    secrets: ['LINEAR_API_KEY'],
    service: linear(),
    tools: ['@linear/sdk'],
    calls: linearRead,
    refused: [mutation('issueCreate(input: {}) { success }')],
    echo: 'POST https://api.linear.app/graphql {"query":"{ viewer { id } }"}',
  },
  {
    preset: 'jira',
    use: { jira: told },
    secrets: ['JIRA_API_TOKEN'],
    service: jira(),
    tools: ['curl'],
    calls: [
      ...jiraRead,
      {
        script: `${JIRA} -d '{"fields":{"summary":"found"}}' https://acme.atlassian.net/rest/api/3/issue`,
        shows: 'ACME-2',
        arrives: ['POST https://acme.atlassian.net/rest/api/3/issue'],
      },
      {
        script: `${JIRA} -d '{"body":{}}' https://api.atlassian.com/ex/jira/c10d/rest/api/3/issue/ACME-2/comment`,
        shows: '"7"',
        arrives: ['POST https://api.atlassian.com/ex/jira/c10d/rest/api/3/issue/ACME-2/comment'],
      },
    ],
    refused: [
      'DELETE https://acme.atlassian.net/rest/api/3/issue/ACME-1',
      'POST https://acme.atlassian.net/rest/api/3/user {}',
      'POST https://acme.atlassian.net/rest/webhooks/1.0/webhook {}',
      'GET https://api.atlassian.com/ex/jira/other/rest/api/3/myself',
    ],
    echo: 'GET https://acme.atlassian.net/rest/api/3/myself',
  },
  {
    preset: 'jira-read',
    use: { 'jira-read': told },
    secrets: ['JIRA_API_TOKEN'],
    service: jira(),
    tools: ['curl'],
    calls: jiraRead,
    refused: [
      'POST https://acme.atlassian.net/rest/api/3/issue {}',
      'PUT https://acme.atlassian.net/rest/api/3/issue/ACME-1 {}',
    ],
    echo: 'GET https://acme.atlassian.net/rest/api/3/myself',
  },
];
