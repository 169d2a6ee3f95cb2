// Package registries.
import { ALNUM, HEX_LOWER, LOWER_DIGIT, WORD, WORD_DASH } from '../charsets.ts';
import { run, text } from '../shape.ts';
import { crcBase62, hasCrc } from './checksums.ts';
import { type Detector, detector, isExample, token, variety } from './detector.ts';
import { contextual, vendor } from './vendor.ts';

export const packages: readonly Detector[] = [
  detector({
    ...token({
      id: 'npm-token',
      description: 'npm access token',
      source: 'GitHub Blog, "Announcing npm\'s new access token format" (checksum as in GitHub tokens)',
      forms: [[text('npm_'), run(ALNUM, 36)]],
      edges: { right: WORD, isShort: false },
      accept: (found, view, { start, end }) =>
        hasCrc(found) || (!isExample(found) && variety(found) > 12 && !view.isInsideBlob(start, end, true)),
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
  vendor({
    id: 'rubygems-key',
    description: 'RubyGems API key',
    source: 'RubyGems Guides, "API key scopes"',
    forms: [[text('rubygems_'), run(HEX_LOWER, 48)]],
  }),
  vendor({
    id: 'nuget-key',
    description: 'NuGet API key',
    source: 'Microsoft Learn, "NuGet: scoped API keys"',
    forms: [[text('oy2'), run(LOWER_DIGIT, 43)]],
  }),
  vendor({
    id: 'clojars-token',
    description: 'Clojars deploy token',
    source: 'Clojars wiki, "Deploy tokens"',
    forms: [[text('CLOJARS_'), run(LOWER_DIGIT, 60)]],
  }),
  vendor({
    id: 'artifactory-key',
    description: 'JFrog Artifactory API key and reference token',
    source: 'JFrog Help, "API key", "Reference tokens"',
    forms: [
      [text('AKCp'), run(ALNUM, 66, 74)],
      [text('cmVmdGtuOj'), run(ALNUM, 40, 64)],
    ],
  }),
  vendor({
    id: 'docker-token',
    description: 'Docker Hub personal and organisation access token',
    source: 'Docker Docs, "Personal access tokens"',
    forms: [
      [text('dckr_pat_'), run(WORD_DASH, 27, 36)],
      [text('dckr_oat_'), run(WORD_DASH, 32, 40)],
    ],
  }),
  vendor({
    id: 'pypi-token',
    description: 'PyPI upload token',
    source: 'PyPI Help, "API tokens": macaroons',
    forms: [[text('pypi-AgEIcHlwaS5vcmc', 'pypi-AgENdGVzdC5weXBpLm9yZw', 'pypi-AgE'), run(WORD_DASH, 50, 1024)]],
  }),
  vendor({
    id: 'packagist-token',
    description: 'Private Packagist token',
    source: 'Private Packagist Docs, "Access tokens"',
    forms: [[text('packagist_oot_', 'packagist_out_', 'packagist_uut_', 'packagist_ack_'), run(HEX_LOWER, 60, 80)]],
  }),
  vendor({
    id: 'jsr-token',
    description: 'JSR access token',
    source: 'JSR Docs, "API": authentication',
    forms: [[text('jsrp_', 'jsrd_'), run(ALNUM, 30, 80)]],
  }),
  vendor({
    id: 'readme-key',
    description: 'GitGuardian and ReadMe API keys',
    source: 'ReadMe Docs, "Authentication"',
    forms: [[text('rdme_'), run(LOWER_DIGIT, 70)]],
  }),
  contextual({
    id: 'cargo-token',
    description: 'crates.io API token',
    source: 'The Cargo Book, "Publishing on crates.io"',
    words: ['crates.io', 'cargo_registry'],
    values: [[text('cio'), run(ALNUM, 32)]],
    examples: ['[registries.crates.io]\ntoken = "$"'],
  }),
  contextual({
    id: 'hex-key',
    description: 'Hex.pm API key',
    source: 'Hex Docs, "Publishing a package"',
    words: ['HEX_API_KEY', 'hex.pm'],
    values: [[run(HEX_LOWER, 32)]],
    examples: ['HEX_API_KEY=$'],
  }),
];
