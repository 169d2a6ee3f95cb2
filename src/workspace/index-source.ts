// Asks the proxy's own code for the shingles of a workspace's source, in a process of its own, within a time budget.
import type { IndexRequest, SourceIndexed } from '../../proxy/src/contract.ts';
import { readOutput } from '../proxy-process/output-lines.ts';
import { spawnProxy } from '../proxy-process/spawn-proxy.ts';
import { BottleError } from '../report/bottle-error.ts';
import { printWarning } from '../report/output.ts';
import { printable } from '../report/printable.ts';
import type { Bottle } from '../spec/bottle.ts';

/** The reading of a start may not take longer, in ms. */
const BUDGET_MS = 3_000;
/** What it takes besides: starting, listing, answering. In ms. */
const GRACE_MS = 30_000;

export interface IndexedSource {
  /** As ProxyConfig.dlp.source. */
  readonly source: string;
  /** What will not be recognised, in words; null = nothing. */
  readonly warning: string | null;
}

/** What the proxy needs of it: '' where the spec does not ask for the search. */
export async function readSource({ dlp, workspace }: Bottle): Promise<string> {
  if (!dlp.workspace || workspace.path === null) return '';
  const { source, warning } = await indexSource(workspace.path);
  if (warning !== null) printWarning(warning);
  return source;
}

/** `root`: absolute path. Throws when there is no index: a search that was asked for must not be left out in silence. */
export async function indexSource(root: string, budgetMs = BUDGET_MS): Promise<IndexedSource> {
  const request: IndexRequest = { root, budgetMs };
  const child = spawnProxy('index');
  const output = readOutput(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), budgetMs + GRACE_MS);
  child.stdin.end(`${JSON.stringify(request)}\n`);
  try {
    const line = await output.firstLine();
    const answer: unknown = line === null ? null : JSON.parse(line);
    if (typeof answer !== 'object' || answer === null || !('shingles' in answer)) {
      const why = line ?? output.stderrTail().trim().split('\n').at(-1) ?? 'it gave no answer';
      throw new BottleError({
        what: 'the workspace could not be read for dlp.workspace',
        why: printable(why).slice(0, 200),
        fix: 'mend that, or remove dlp.workspace',
      });
    }
    const { files, ofFiles, shingles } = answer as SourceIndexed; // the other side of the contract, same repository
    const warning =
      files === ofFiles
        ? null
        : `dlp.workspace knows ${files} of ${ofFiles} source files: more were not read within ${budgetMs / 1000} s`;
    return { source: shingles, warning };
  } finally {
    clearTimeout(timer);
    child.kill();
  }
}
