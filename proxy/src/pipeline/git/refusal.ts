// Refusals that git shows to a person: it drops the text of most 4xx answers (gitprotocol-http, gitprotocol-pack).
import type { Words } from '../refusal.ts';
import { splitTarget } from '../target.ts';
import type { RequestView } from '../types.ts';
import { readPushRequest } from './push-request.ts';

export interface GitAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

const SIDE_BAND_PROGRESS = 2;
const SIDE_BAND_DATA = 1;
/** Refs that a report names; a push of more is refused as a whole just the same. */
const MOST_REFS = 64;

/** null when this is no git request. */
export function gitAnswer(view: RequestView, words: Words, rule: string, requestBody: Buffer | null): GitAnswer | null {
  const { path, query } = splitTarget(view.target);
  const isGitService = query?.some(({ name, value }) => name === 'service' && value?.startsWith('git-')) ?? false;
  if (path.endsWith('/info/refs') && isGitService) return plainText(words);
  if (view.method === 'POST' && path.endsWith('/git-upload-pack')) return plainText(words);
  if (!isGitPush(view)) return null;
  return {
    status: 200,
    contentType: 'application/x-git-receive-pack-result',
    body: receivePackReport(words, rule, readPush(requestBody)),
  };
}

/** Its body names the refs: a refusal that has not read them is shown badly. */
export function isGitPush(view: RequestView): boolean {
  return view.method === 'POST' && isPushPath(splitTarget(view.target).path);
}

export function isPushPath(path: string): boolean {
  return path.endsWith('/git-receive-pack');
}

/** Git prints each line of it as `remote: …`. */
function plainText(words: Words): GitAnswer {
  return { status: 403, contentType: 'text/plain; charset=utf-8', body: Buffer.from(`${words.text}\n`, 'latin1') };
}

interface Push {
  readonly refs: readonly string[];
  /** What the client asked for; all recent ones ask for the side band. */
  readonly hasSideBand: boolean;
}

function receivePackReport(words: Words, rule: string, push: Push): Buffer {
  const reason = `blocked by bottle (${rule.replace(/[^\x21-\x7e]/g, '_').slice(0, 64)})`;
  const lines =
    push.refs.length === 0
      ? [packet('unpack bottle refused\n')]
      : [packet('unpack ok\n'), ...push.refs.map((ref) => packet(`ng ${ref} ${reason}\n`))];
  const report = Buffer.concat([...lines, FLUSH]);
  if (!push.hasSideBand) return report;
  return Buffer.concat([
    packet(Buffer.concat([Buffer.from([SIDE_BAND_PROGRESS]), Buffer.from(`${words.text}\n`, 'latin1')])),
    packet(Buffer.concat([Buffer.from([SIDE_BAND_DATA]), report])),
    FLUSH,
  ]);
}

const FLUSH = Buffer.from('0000');

function packet(content: string | Buffer): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

/** What is there of the commands; refs are named only where all of them were read. */
function readPush(body: Buffer | null): Push {
  const push = body === null ? 'more' : readPushRequest(body);
  if (push === 'more' || 'flaw' in push) return { refs: [], hasSideBand: true };
  const refs = push.commands.slice(0, MOST_REFS).map(({ ref }) => ref.replace(/[^\x21-\x7e]/g, '?').slice(0, 200));
  return { refs, hasSideBand: push.hasSideBand };
}
