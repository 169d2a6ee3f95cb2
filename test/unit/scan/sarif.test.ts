import { expect, test } from 'vitest';
import { sarifLog } from '../../../src/scan/sarif.ts';

const finding = {
  detector: 'x-token',
  where: 'file',
  length: 40,
  fingerprint: 'ab',
  file: '/a/b c.txt',
  line: 3,
  column: 9,
};

test('a finding has its rule with the source of the format, its file as a URI, and its place', () => {
  const log = sarifLog([finding], [{ id: 'x-token', description: 'X token', source: 'X docs' }], '1.2.3', (file) =>
    file.slice(3),
  );
  expect(log).toMatchObject({
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'bottle',
            version: '1.2.3',
            rules: [{ id: 'x-token', shortDescription: { text: 'X token' } }],
          },
        },
        results: [
          {
            ruleId: 'x-token',
            ruleIndex: 0,
            level: 'error',
            locations: [
              {
                physicalLocation: { artifactLocation: { uri: 'b%20c.txt' }, region: { startLine: 3, startColumn: 9 } },
              },
            ],
          },
        ],
      },
    ],
  });
  expect(JSON.stringify(log)).toContain('X docs');
});

test('a finding without lines has no region; a known secret is a rule as well', () => {
  const log = sarifLog(
    [{ ...finding, detector: 'known-secret', line: null, column: null }],
    [],
    '1',
    (file) => file,
  ) as {
    runs: { results: { locations: object[] }[]; tool: { driver: { rules: { id: string }[] } } }[];
  };
  expect(log.runs[0]!.tool.driver.rules.map(({ id }) => id)).toEqual(['known-secret']);
  expect(log.runs[0]!.results[0]!.locations[0]).toEqual({
    physicalLocation: { artifactLocation: { uri: '/a/b%20c.txt' } },
  });
});
