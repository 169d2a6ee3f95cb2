// Build, quality and test services.
import { ALNUM, HEX_LOWER, WORD_DASH } from '../charsets.ts';
import { run, text } from '../shape.ts';
import type { Detector } from './detector.ts';
import { contextual, isVaried, UUID, vendor } from './vendor.ts';

export const ci: readonly Detector[] = [
  vendor({
    id: 'circleci-token',
    description: 'CircleCI personal and project token',
    source: 'CircleCI Docs, "Managing API tokens"',
    forms: [[text('CCIPAT_', 'CCIPRJ_'), run(ALNUM, 20, 24), text('_'), run(HEX_LOWER, 40)]],
  }),
  vendor({
    id: 'buildkite-token',
    description: 'Buildkite user, agent and cluster token',
    source: 'Buildkite Docs, "Managing API access tokens"',
    forms: [[text('bkua_', 'bkat_', 'bkct_', 'bkpt_', 'bkaj_'), run(ALNUM, 40, 64)]],
  }),
  vendor({
    id: 'sonar-token',
    description: 'SonarQube and SonarCloud user, project and global analysis token',
    source: 'SonarQube Docs, "Managing your tokens"',
    forms: [[text('squ_', 'sqp_', 'sqa_'), run(HEX_LOWER, 40)]],
  }),
  contextual({
    id: 'sonar-legacy-token',
    description: 'SonarCloud token without prefix',
    source: 'SonarQube Docs, "Managing your tokens"',
    words: ['sonar'],
    values: [[run(HEX_LOWER, 40)]],
    examples: ['SONAR_TOKEN=$'],
  }),
  contextual({
    id: 'travis-token',
    description: 'Travis CI API token',
    source: 'Travis CI Docs, "API: authentication"',
    words: ['travis'],
    values: [[run(WORD_DASH, 22)]],
    examples: ['TRAVIS_API_TOKEN=$'],
  }),
  contextual({
    id: 'codecov-token',
    description: 'Codecov upload token',
    source: 'Codecov Docs, "Codecov tokens"',
    words: ['codecov'],
    values: [UUID],
    examples: ['CODECOV_TOKEN=$'],
  }),
  contextual({
    id: 'jenkins-token',
    description: 'Jenkins API token',
    source: 'Jenkins User Documentation, "Remote access API"',
    words: ['jenkins'],
    values: [[text('11'), run(HEX_LOWER, 32)]],
    examples: ['JENKINS_API_TOKEN=$'],
  }),
  vendor({
    id: 'teamcity-token',
    description: 'TeamCity access token',
    source: 'TeamCity Docs, "Managing your user account": access tokens',
    forms: [[text('eyJ0eXAiOiAiVENWMiJ9.'), run(WORD_DASH, 30, 80), text('.'), run(WORD_DASH, 30, 80)]],
  }),
  vendor({
    id: 'depot-token',
    description: 'Depot token',
    source: 'Depot Docs, "Authentication"',
    forms: [[text('depot_'), run(WORD_DASH, 30, 80)]],
    accept: (found) => isVaried(found) && /[0-9]/.test(found) && /[A-Z]|[0-9].*[0-9].*[0-9]/.test(found),
  }),
  vendor({
    id: 'chromatic-token',
    description: 'Chromatic project token',
    source: 'Chromatic Docs, "CLI"',
    forms: [[text('chpt_'), run(HEX_LOWER, 12, 20)]],
  }),
  vendor({
    id: 'checkly-key',
    description: 'Checkly API key',
    source: 'Checkly Docs, "API: authentication"',
    forms: [[text('cu_'), run(HEX_LOWER, 32)]],
  }),
  vendor({
    id: 'cursor-key',
    description: 'Cursor API key',
    source: 'Cursor Docs, "Background agents API": authentication',
    forms: [[text('crsr_'), run(HEX_LOWER, 64)]],
  }),
];
