// Presets of code hosts: reading and cloning, or writing as well. And of a model hub, which works alike.

import type { SpecRule } from '../schema.ts';
import { authWith, type Preset } from './preset.ts';

const GITHUB_SECRETS = ['GH_TOKEN', 'GITHUB_TOKEN'];

const CLONE: readonly SpecRule[] = [
  { methods: ['GET'], paths: ['/*/*/info/refs'], query: { service: 'git-upload-pack' } },
  'POST /*/*/git-upload-pack',
];
const PUSH: readonly SpecRule[] = [
  { methods: ['GET'], paths: ['/*/*/info/refs'], query: { service: 'git-receive-pack' } },
  'POST /*/*/git-receive-pack',
];
const DOWNLOAD: readonly SpecRule[] = ['GET,HEAD /*/*/archive/**', 'GET,HEAD /*/*/releases/**', 'GET,HEAD /*/*/raw/**'];

function githubEntries(secret: string | null, api: readonly SpecRule[], git: readonly SpecRule[]) {
  const bearer = authWith(secret, (name) => ({ type: 'bearer', secret: name }));
  const basic = authWith(secret, (name) => ({ type: 'basic', secret: name, username: 'x-access-token' }));
  return [
    { host: 'api.github.com', rules: [...api], ...bearer },
    // Where the source lives.
    { host: 'github.com', rules: [...git], source: 'allowed' as const, ...basic },
    { host: 'codeload.github.com', access: 'read' as const, ...bearer },
    { host: 'raw.githubusercontent.com', access: 'read' as const, ...bearer },
    // Where downloads are redirected to, with a signature in the URL: a credential there would be refused.
    { host: 'objects.githubusercontent.com', access: 'read' as const },
    { host: 'release-assets.githubusercontent.com', access: 'read' as const },
  ];
}

export const FORGE_PRESETS: readonly Preset[] = [
  {
    name: 'github-read',
    about: 'GitHub: clone, read the API, download; with a token also private repositories',
    secrets: GITHUB_SECRETS,
    needsSecret: false,
    expand: ({ secret }) => ({ entries: githubEntries(secret, ['GET,HEAD /**'], [...CLONE, ...DOWNLOAD]), env: {} }),
  },
  {
    name: 'github',
    about:
      'GitHub: read, push, and write to every repository that the token may write to (no gists, no new repositories)',
    secrets: GITHUB_SECRETS,
    needsSecret: true,
    expand: ({ secret }) => ({
      entries: [
        ...githubEntries(
          secret,
          ['GET,HEAD /**', 'POST,PUT,PATCH,DELETE /repos/*/*/**', 'PATCH /repos/*/*', 'POST /graphql'],
          [...CLONE, ...PUSH, ...DOWNLOAD],
        ),
        {
          host: 'uploads.github.com',
          rules: ['POST /repos/**'],
          ...authWith(secret, (name) => ({ type: 'bearer', secret: name })),
        },
      ],
      env: {},
    }),
  },
  {
    name: 'gitlab-read',
    about: 'gitlab.com: clone, read the API, download; with a token also private projects',
    secrets: ['GITLAB_TOKEN'],
    needsSecret: false,
    expand: ({ secret }) => ({
      entries: [
        {
          host: 'gitlab.com',
          rules: ['GET,HEAD /api/v4/**'],
          ...authWith(secret, (name) => ({ type: 'header', name: 'private-token', secret: name })),
        },
        {
          host: 'gitlab.com',
          rules: [
            // Projects lie in groups of any depth.
            { methods: ['GET'], paths: ['/**/info/refs'], query: { service: 'git-upload-pack' } },
            'POST /**/git-upload-pack',
            'GET,HEAD /**/-/archive/**',
            'GET,HEAD /**/-/raw/**',
          ],
          ...authWith(secret, (name) => ({ type: 'basic', secret: name, username: 'oauth2' })),
        },
      ],
      env: {},
    }),
  },
  {
    name: 'huggingface',
    about: 'Hugging Face: download models and data sets; with HF_TOKEN also gated ones',
    secrets: ['HF_TOKEN'],
    needsSecret: false,
    expand: ({ secret }) => ({
      entries: [
        { host: 'huggingface.co', access: 'read', ...authWith(secret, (name) => ({ type: 'bearer', secret: name })) },
        { host: 'cdn-lfs.hf.co', access: 'read' },
        { host: 'cdn-lfs-us-1.hf.co', access: 'read' },
        { host: 'cdn-lfs-eu-1.hf.co', access: 'read' },
        { host: '*.xethub.hf.co', access: 'read' },
      ],
      env: { HF_HUB_DISABLE_TELEMETRY: '1' },
    }),
  },
];
