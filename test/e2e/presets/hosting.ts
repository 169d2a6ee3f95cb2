// What is run for people: errors, hosting.
import { bearer, type FakeService } from './fake-service.ts';
import { type PresetCase, TOKENS } from './preset-case.ts';

function sentry(): FakeService {
  return {
    hosts: ['sentry.io', 'us.sentry.io', 'de.sentry.io'],
    authenticate: (request) =>
      bearer(request) === TOKENS.SENTRY_AUTH_TOKEN ? null : { status: 401, body: { detail: 'Invalid token' } },
    routes: {
      'GET /api/0/projects/acme/shop/issues/': () => ({ body: [{ id: '5', title: 'TypeError' }] }),
      'GET /api/0/organizations/acme/': () => ({ body: { slug: 'acme' } }),
      'POST /api/0/organizations/acme/releases/': () => ({ status: 201, body: { version: '1.0' } }),
      'PUT /api/0/organizations/acme/issues/5/': () => ({ body: { status: 'resolved' } }),
    },
    notFound: { status: 404, body: { detail: 'The requested resource does not exist' } },
  };
}

const SENTRY = `curl -sS -H "Authorization: Bearer $SENTRY_AUTH_TOKEN" -H 'content-type: application/json'`;
const sentryRead = [
  {
    script: `${SENTRY} "\${SENTRY_URL}api/0/organizations/acme/"`,
    shows: 'acme',
    arrives: ['GET https://sentry.io/api/0/organizations/acme/'],
  },
  {
    script: `${SENTRY} https://de.sentry.io/api/0/projects/acme/shop/issues/`,
    shows: 'TypeError',
    arrives: ['GET https://de.sentry.io/api/0/projects/acme/shop/issues/'],
  },
];

function cloudflare(): FakeService {
  const result = (value: unknown) => ({ body: { success: true, errors: [], messages: [], result: value } });
  return {
    hosts: ['api.cloudflare.com'],
    authenticate: (request) =>
      bearer(request) === TOKENS.CLOUDFLARE_API_TOKEN
        ? null
        : {
            status: 401,
            body: {
              success: false,
              errors: [{ code: 10000, message: 'Authentication error' }],
              messages: [],
              result: null,
            },
          },
    routes: {
      'GET /client/v4/user/tokens/verify': () => result({ status: 'active' }),
      'GET /client/v4/zones': () => result([{ id: 'z1', name: 'acme.example' }]),
      'PUT /client/v4/accounts/a1/workers/scripts/shop': () => result({ id: 'shop' }),
      'POST /client/v4/zones/z1/purge_cache': () => result({ id: 'z1' }),
    },
    notFound: {
      status: 404,
      body: { success: false, errors: [{ code: 7003, message: 'Could not route' }], messages: [], result: null },
    },
  };
}

const CF = `curl -sS -H "Authorization: Bearer $CLOUDFLARE_API_TOKEN" -H 'content-type: application/json'`;
const cloudflareRead = [
  {
    script: `${CF} https://api.cloudflare.com/client/v4/user/tokens/verify`,
    shows: 'active',
    arrives: ['GET https://api.cloudflare.com/client/v4/user/tokens/verify'],
  },
  {
    script: `${CF} https://api.cloudflare.com/client/v4/zones`,
    shows: 'acme.example',
    arrives: ['GET https://api.cloudflare.com/client/v4/zones'],
  },
];

export const HOSTING_CASES: readonly PresetCase[] = [
  {
    preset: 'sentry',
    use: 'sentry',
    secrets: ['SENTRY_AUTH_TOKEN'],
    service: sentry(),
    tools: ['curl'],
    calls: [
      ...sentryRead,
      {
        script: `${SENTRY} -d '{"version":"1.0","projects":["shop"]}' https://us.sentry.io/api/0/organizations/acme/releases/`,
        shows: '1.0',
        arrives: ['POST https://us.sentry.io/api/0/organizations/acme/releases/'],
      },
      {
        script: `${SENTRY} -X PUT -d '{"status":"resolved"}' https://sentry.io/api/0/organizations/acme/issues/5/`,
        shows: 'resolved',
        arrives: ['PUT https://sentry.io/api/0/organizations/acme/issues/5/'],
      },
    ],
    refused: [
      'DELETE https://sentry.io/api/0/projects/acme/shop/',
      'POST https://sentry.io/api/0/organizations/acme/members/ {}',
      'POST https://sentry.io/api/0/api-tokens/ {}',
    ],
    echo: 'GET https://sentry.io/api/0/organizations/acme/',
  },
  {
    preset: 'sentry-read',
    use: 'sentry-read',
    secrets: ['SENTRY_AUTH_TOKEN'],
    service: sentry(),
    tools: ['curl'],
    calls: sentryRead,
    refused: [
      'POST https://sentry.io/api/0/organizations/acme/releases/ {}',
      'PUT https://de.sentry.io/api/0/organizations/acme/issues/5/ {}',
    ],
    echo: 'GET https://sentry.io/api/0/organizations/acme/',
  },
  {
    preset: 'cloudflare',
    use: 'cloudflare',
    secrets: ['CLOUDFLARE_API_TOKEN'],
    service: cloudflare(),
    tools: ['curl'],
    calls: [
      ...cloudflareRead,
      {
        script: `${CF} -X PUT -d '{}' https://api.cloudflare.com/client/v4/accounts/a1/workers/scripts/shop`,
        shows: '"shop"',
        arrives: ['PUT https://api.cloudflare.com/client/v4/accounts/a1/workers/scripts/shop'],
      },
      {
        script: `${CF} -d '{"purge_everything":true}' https://api.cloudflare.com/client/v4/zones/z1/purge_cache`,
        shows: '"z1"',
        arrives: ['POST https://api.cloudflare.com/client/v4/zones/z1/purge_cache'],
      },
    ],
    refused: [
      'POST https://api.cloudflare.com/client/v4/user/tokens {}',
      'POST https://api.cloudflare.com/client/v4/accounts/a1/tokens {}',
      'POST https://api.cloudflare.com/client/v4/accounts/a1/members {}',
      'DELETE https://api.cloudflare.com/client/v4/zones/z1',
    ],
    echo: 'GET https://api.cloudflare.com/client/v4/zones',
  },
  {
    preset: 'cloudflare-read',
    use: 'cloudflare-read',
    secrets: ['CLOUDFLARE_API_TOKEN'],
    service: cloudflare(),
    tools: ['curl'],
    calls: cloudflareRead,
    refused: [
      'POST https://api.cloudflare.com/client/v4/zones/z1/purge_cache {}',
      'PUT https://api.cloudflare.com/client/v4/accounts/a1/workers/scripts/shop {}',
    ],
    echo: 'GET https://api.cloudflare.com/client/v4/zones',
  },
];
