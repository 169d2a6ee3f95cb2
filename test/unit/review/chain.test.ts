import { describe, expect, test } from 'vitest';
import { ChainReader, damageText } from '../../../src/review/chain.ts';
import { logText, record } from './records.ts';

const records = [
  record({ host: 'a.example' }),
  record({ host: 'b.example', path: '/ü' }),
  record({ host: 'c.example' }),
];
const text = logText(records);

function readInPieces(bytes: Buffer, size: number): { hosts: string[]; chain: ChainReader } {
  const chain = new ChainReader();
  const hosts: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const line of chain.push(bytes.subarray(at, at + size))) hosts.push(line.record.host);
  }
  return { hosts, chain };
}

describe('reading a log', () => {
  test.each([1, 2, 7, 100, 100_000])('gives every record once, in order, in pieces of %i bytes', (size) => {
    const { hosts, chain } = readInPieces(Buffer.from(text), size);
    expect(hosts).toEqual(['a.example', 'b.example', 'c.example']);
    expect(chain.damage).toEqual([]);
    expect(chain.unfinishedBytes).toBe(0);
  });

  test('keeps a last line back until it is whole', () => {
    const chain = new ChainReader();
    const cut = text.length - 20;
    expect(chain.push(Buffer.from(text.slice(0, cut)))).toHaveLength(2);
    expect(chain.unfinishedBytes).toBeGreaterThan(0);
    expect(chain.push(Buffer.from(text.slice(cut)))).toHaveLength(1);
    expect(chain.damage).toEqual([]);
  });
});

describe('a log that was changed afterwards is found out', () => {
  const lines = text.trimEnd().split('\n');

  test.each([
    ['a changed verdict', [lines[0]!.replace('"allow"', '"block"'), lines[1]!, lines[2]!], 2],
    ['a removed line', [lines[0]!, lines[2]!], 2],
    ['a removed first line', [lines[1]!, lines[2]!], 1],
    ['swapped lines', [lines[1]!, lines[0]!, lines[2]!], 1],
    ['an added line', [lines[0]!, JSON.stringify(record()), lines[1]!, lines[2]!], 2],
  ])('%s', (_, changed, line) => {
    const { chain } = readInPieces(Buffer.from(`${changed.join('\n')}\n`), 1000);
    expect(chain.damage[0]).toEqual({ line, kind: 'broken-chain' });
    expect(damageText(chain.damage)).toContain('changed after it was written');
  });

  test('a line that is no record is counted and does not hide the others', () => {
    const { hosts, chain } = readInPieces(Buffer.from(`${lines[0]}\n\u0000\u0000{\n${lines[1]}\n`), 1000);
    expect(hosts).toEqual(['a.example', 'b.example']);
    expect(chain.damage).toEqual([
      { line: 2, kind: 'not-a-record' },
      { line: 3, kind: 'broken-chain' },
    ]);
  });

  test('nothing is said when nothing is wrong', () => {
    expect(damageText([])).toBeNull();
  });
});
