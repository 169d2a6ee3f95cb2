// `main.ts index`: the shingles of a workspace's own source, within a time budget.
import { readFile, stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { IndexRequest, SourceIndexed } from '../contract.ts';
import { isOwnSource, isTextContent, LARGEST_BYTES, withoutLicence } from '../dlp/source/source-files.ts';
import { SourceIndexBuilder } from '../dlp/source/source-index.ts';
import { listFiles } from './files.ts';

export async function indexTree({ root, budgetMs }: IndexRequest): Promise<SourceIndexed> {
  const began = performance.now();
  const { files } = await listFiles([root], false);
  const sources = files.filter((file) => isOwnSource(relative(root, file).split(sep).join('/')));
  const builder = new SourceIndexBuilder();
  let read = 0;
  for (const file of sources) {
    if (performance.now() - began > budgetMs) break;
    const content = await readSource(file);
    if (content !== null && isTextContent(content)) builder.add(withoutLicence(content));
    read++;
    // Reading from a cache never waits: others (the end of stdin) get their turn.
    if (read % 256 === 0) await setImmediate();
  }
  return { files: read, ofFiles: sources.length, shingles: builder.finish().toString('base64') };
}

/** null for what is too large, or went away meanwhile: it cannot be recognised, which `files` does not claim either. */
async function readSource(file: string): Promise<Buffer | null> {
  try {
    if ((await stat(file)).size > LARGEST_BYTES) return null;
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}
