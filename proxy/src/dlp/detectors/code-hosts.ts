// GitHub, GitLab, Bitbucket and other places where source lives.
import { ALNUM, HEX_LOWER, LOWER_DIGIT, WORD, WORD_DASH } from '../charsets.ts';
import { run, text } from '../shape.ts';
import { crcBase62, hasCrc } from './checksums.ts';
import { type Detector, detector, isExample, isMixed, sampleOf, token, variety } from './detector.ts';
import { contextual, vendor } from './vendor.ts';

const CLASSIC = ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'];
const GITLAB = [
  ...[
    'glpat-',
    'gldt-',
    'glrt-',
    'glrtr-',
    'glcbt-',
    'glptt-',
    'glft-',
    'glimt-',
    'glagent-',
    'glsoat-',
    'glwt-',
    'glffct-',
  ],
  ...['gloas-', 'GR1348941'],
];

export const codeHosts: readonly Detector[] = [
  detector({
    ...token({
      id: 'github-token',
      description: 'GitHub token: classic personal, OAuth, user-to-server, server-to-server, refresh',
      source: 'GitHub Docs, "About authentication to GitHub", token formats: https://docs.github.com/authentication',
      forms: [[text(...CLASSIC), run(ALNUM, 36, 251)]],
      edges: { isShort: false },
      // A checksum that fits makes it a token whatever it looks like; without one it must not look like an example.
      accept: (found, view, { start, end }) =>
        hasCrc(found.slice(0, 40)) ||
        (!isExample(found) && variety(found) > 12 && !view.isInsideBlob(start, end, true)),
      falsePositives: (random) => [
        'ghp_your_personal_access_token_goes_here_1234',
        `ghp_${'x'.repeat(36)}`,
        `ghp_${'0'.repeat(36)}`,
        `ghp_${random.chars('A-Za-z0-9', 30)}`,
      ],
    }),
    truePositives: (random) => {
      const body = random.chars('A-Za-z0-9', 30);
      return [
        ...CLASSIC.map((prefix) => prefix + body + crcBase62(body)),
        `ghp_${random.chars('A-Za-z0-9', 36)}`,
        `ghs_${random.chars('A-Za-z0-9', 120)}`,
      ];
    },
  }),
  token({
    id: 'github-pat',
    description: 'GitHub fine-grained personal access token',
    source: 'GitHub Docs, "Managing your personal access tokens": https://docs.github.com/authentication',
    forms: [[text('github_pat_'), run(WORD, 60, 251)]],
    falsePositives: () => [`github_pat_${'X'.repeat(82)}`, 'github_pat_11AAAA... (see the docs)'],
  }),
  detector({
    id: 'gitlab-token',
    description:
      'GitLab token: personal, project, deploy, runner, CI job, trigger, feed, mail, agent, OAuth, SCIM; plain and routable',
    source: 'GitLab Docs, "Token overview", prefixes: https://docs.gitlab.com/security/tokens/',
    keywords: GITLAB,
    match(view, at) {
      const prefix = GITLAB.find((one) => view.startsWith(one, at));
      if (prefix === undefined) return null;
      const body = at + prefix.length;
      let end = view.runEnd(WORD_DASH, body);
      if (end - body < 20 || end - body > 320) return null;
      // Routable: payload, a dot, its length in base 36, sometimes a version, a dot and the checksum.
      for (const [least, most] of [
        [2, 2],
        [7, 9],
      ] as const) {
        if (view.bytes[end] !== 0x2e) break;
        const part = view.runEnd(LOWER_DIGIT, end + 1) - end - 1;
        if (part < least || part > most) break;
        end += 1 + part;
      }
      return { start: at, end };
    },
    accept: (found, view, { start, end }) =>
      !isExample(found) && variety(found) > 12 && !view.isInsideBlob(start, end, found[4] === '-'),
    truePositives: (random) => [
      ...GITLAB.map((prefix) => prefix + random.chars('A-Za-z0-9_-', 20)),
      `glpat-${random.chars('A-Za-z0-9_-', 27)}.01.${random.chars('a-z0-9', 9)}`,
      `glcbt-64_${random.chars('A-Za-z0-9_-', 20)}`,
    ],
    falsePositives: () => [
      'glpat-xxxxxxxxxxxxxxxxxxxx',
      'glpat-your_token_here_please',
      'use a glpat- token',
      'glrt-short',
    ],
  }),
  vendor({
    id: 'atlassian-token',
    description: 'Atlassian API token',
    source: 'Atlassian Support, "Manage API tokens for your Atlassian account"',
    forms: [[text('ATATT3xFfG', 'ATSTT3xFfG'), run(WORD_DASH, 60, 300)]],
  }),
  vendor({
    id: 'bitbucket-token',
    description: 'Bitbucket app password, repository and workspace access token',
    source: 'Bitbucket Support, "Access tokens", "App passwords"',
    forms: [
      [text('ATCTT3xFfG'), run(WORD_DASH, 60, 300)],
      [text('ATBB'), run(ALNUM, 32)],
    ],
  }),
  detector({
    id: 'azure-devops-token',
    description: 'Azure DevOps personal access token',
    source: 'Microsoft Learn, "Use personal access tokens": format',
    keywords: ['AZDO'],
    match: (view, at) =>
      view.runBefore(ALNUM, at, 77) === 76 && view.runEnd(ALNUM, at) - at === 8
        ? { start: at - 76, end: at + 8 }
        : null,
    truePositives: (random) => [`${random.chars('A-Za-z0-9', 76)}AZDO${random.chars('A-Za-z0-9', 4)}`],
    falsePositives: (random) => [`${random.chars('A-Za-z0-9', 100)}AZDO${random.chars('A-Za-z0-9', 30)}`],
  }),
  contextual({
    id: 'gitea-token',
    description: 'Gitea and Forgejo access token',
    source: 'Gitea Docs, "API usage"',
    words: ['gitea', 'forgejo', 'codeberg'],
    values: [[run(HEX_LOWER, 40)]],
    examples: ['GITEA_TOKEN=$'],
  }),
  contextual({
    id: 'github-client-secret',
    description: 'GitHub OAuth application client secret',
    source: 'GitHub Docs, "Creating an OAuth app"',
    words: ['github'],
    values: [[run(HEX_LOWER, 40)]],
    examples: ['GITHUB_CLIENT_SECRET=$'],
    falsePositives: (random) => [
      `github commit: ${random.chars('0-9a-f', 40)}`,
      `github.com/acme/go-auth ${random.chars('0-9a-f', 40)}\n`,
    ],
  }),
  token({
    id: 'sourcegraph-token',
    description: 'Sourcegraph access token',
    source: 'Sourcegraph Docs, "Access tokens": https://sourcegraph.com/docs',
    forms: [
      [text('sgp_'), run(WORD, 40, 64)],
      [text('sgd_', 'slk_'), run(HEX_LOWER, 64)],
    ],
    accept: (found) => !isExample(found) && isMixed(found.slice(4)),
    falsePositives: (random) => [`sgp_${sampleOf([run(WORD, 10)], random)}`],
  }),
];
