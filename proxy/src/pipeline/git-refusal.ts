// Refusals that git shows to a person: it drops the text of most 4xx answers (gitprotocol-http, gitprotocol-pack).
import type { Words } from './refusal.ts';
import { splitTarget } from './target.ts';
import type { RequestView } from './types.ts';

export interface GitAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

const SIDE_BAND_PROGRESS = 2;
const SIDE_BAND_DATA = 1;
/** Refs that a report names; a push of more is refused as a whole just the same. */
const MOST_REFS = 64;
const COMMAND = /^[0-9a-f]{40,64} [0-9a-f]{40,64} ([^\0\n]+)/;

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
  return view.method === 'POST' && splitTarget(view.target).path.endsWith('/git-receive-pack');
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

/** The commands at the beginning of a push, up to the flush packet; reads what is there and trusts nothing. */
function readPush(body: Buffer | null): Push {
  const refs: string[] = [];
  let hasSideBand = true;
  let at = 0;
  while (body !== null && at + 4 <= body.length && refs.length < MOST_REFS) {
    const digits = body.toString('latin1', at, at + 4);
    const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : 0;
    if (length <= 4 || at + length > body.length) break;
    const line = body.toString('latin1', at + 4, at + length);
    const ref = COMMAND.exec(line)?.[1];
    if (ref !== undefined) {
      const nul = line.indexOf('\0');
      if (refs.length === 0) hasSideBand = nul !== -1 && line.slice(nul + 1).includes('side-band-64k');
      refs.push(ref.replace(/[^\x21-\x7e]/g, '?').slice(0, 200));
    }
    at += length;
  }
  return { refs, hasSideBand };
}
