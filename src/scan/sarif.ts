// Findings as SARIF 2.1.0 (OASIS), which code hosts and editors read. Pure.
import type { DetectorText, ScanFinding } from '../../proxy/src/contract.ts';

/** `nameOf`: how a file is called in the report, relative and with slashes. */
export function sarifLog(
  findings: readonly ScanFinding[],
  detectors: readonly DetectorText[],
  version: string,
  nameOf: (file: string) => string,
): object {
  const used = [...new Set(findings.map(({ detector }) => detector))].sort();
  const known = new Map(detectors.map((one) => [one.id, one]));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'bottle',
            version,
            rules: used.map((id) => ruleOf(id, known.get(id))),
          },
        },
        results: findings.map((finding) => ({
          ruleId: finding.detector,
          ruleIndex: used.indexOf(finding.detector),
          level: 'error',
          message: { text: `${finding.detector} in ${finding.where}, ${finding.length} characters` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: encodeURI(nameOf(finding.file)) },
                ...(finding.line === null || finding.column === null
                  ? {}
                  : { region: { startLine: finding.line, startColumn: finding.column } }),
              },
            },
          ],
        })),
      },
    ],
  };
}

function ruleOf(id: string, text: DetectorText | undefined): object {
  if (text === undefined)
    return { id, shortDescription: { text: 'The value of a secret of the spec, or its placeholder' } };
  return { id, shortDescription: { text: text.description }, help: { text: `Format: ${text.source}` } };
}
