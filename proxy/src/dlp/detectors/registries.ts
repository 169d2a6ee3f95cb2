// Package registries and build services.
import { ALNUM, HEX_LOWER, LOWER_DIGIT, WORD, WORD_DASH } from '../charsets.ts';
import { run, text } from '../shape.ts';
import { crcBase62, hasCrc } from './checksums.ts';
import { type Detector, detector, isExample, isMixed, token, variety } from './detector.ts';

export const registries: readonly Detector[] = [
  detector({
    ...token({
      id: 'npm-token',
      description: 'npm access token',
      source: 'GitHub Blog, "Announcing npm\'s new access token format" (checksum as in GitHub tokens)',
      forms: [[text('npm_'), run(ALNUM, 36)]],
      edges: { right: WORD, isShort: false },
      accept: (found, view, { start, end }) =>
        hasCrc(found) || (!isExample(found) && variety(found) > 12 && !view.isInsideBlob(start, end)),
    }),
    truePositives(random) {
      const body = random.chars('A-Za-z0-9', 30);
      return [`npm_${body}${crcBase62(body)}`, `npm_${random.chars('A-Za-z0-9', 36)}`];
    },
    falsePositives: () => [
      'npm_config_registry',
      `npm_${'x'.repeat(36)}`,
      'process.env.npm_package_version',
      'npm_lifecycle_event',
    ],
  }),
  token({
    id: 'pypi-token',
    description: 'PyPI upload token',
    source: 'PyPI Help, "API tokens" (macaroons that begin with the service\'s location)',
    forms: [[text('pypi-AgEIcHlwaS5vcmc', 'pypi-AgENdGVzdC5weXBpLm9yZw', 'pypi-AgE'), run(WORD_DASH, 50, 1024)]],
  }),
  token({
    id: 'docker-token',
    description: 'Docker Hub personal and organisation access token',
    source: 'Docker Docs, "Personal access tokens": https://docs.docker.com/security/access-tokens/',
    forms: [
      [text('dckr_pat_'), run(WORD_DASH, 27, 36)],
      [text('dckr_oat_'), run(WORD_DASH, 32, 40)],
    ],
  }),
  token({
    id: 'registry-token',
    description: 'RubyGems, Cargo, NuGet, Artifactory, Clojars and Hex tokens',
    source: 'The registries\' documentation; GitHub Docs, "Supported secret scanning patterns"',
    forms: [
      [text('rubygems_'), run(HEX_LOWER, 48)],
      [text('oy2'), run(LOWER_DIGIT, 43)],
      [text('CLOJARS_'), run(LOWER_DIGIT, 60)],
      [text('AKCp'), run(ALNUM, 66, 74)],
      [text('cmVmdGtuOj'), run(ALNUM, 40, 64)],
    ],
    edges: { left: ALNUM, leftMost: 0, right: WORD },
    accept: (found) => !isExample(found) && isMixed(found.slice(4)) && variety(found) > 10,
  }),
  token({
    id: 'ci-token',
    description: 'CircleCI, Buildkite, SonarQube and Doppler tokens',
    source: 'The services\' API documentation; GitHub Docs, "Supported secret scanning patterns"',
    forms: [
      [text('CCIPAT_', 'CCIPRJ_'), run(ALNUM, 20, 24), text('_'), run(HEX_LOWER, 40)],
      [text('bkua_'), run(HEX_LOWER, 40)],
      [text('squ_', 'sqp_', 'sqa_'), run(HEX_LOWER, 40)],
      [text('dp.pt.', 'dp.ct.', 'dp.sa.', 'dp.scim.', 'dp.audit.'), run(ALNUM, 40, 44)],
      [text('dp.st.'), run(WORD_DASH, 2, 40), text('.'), run(ALNUM, 40, 44)],
      [text('dp.st.'), run(ALNUM, 40, 44)],
    ],
    edges: { left: ALNUM, leftMost: 0, right: WORD_DASH },
    accept: (found) => !isExample(found) && isMixed(found),
  }),
];
