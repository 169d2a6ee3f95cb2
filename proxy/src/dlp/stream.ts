// A body that is too large to hold: judged window by window, released once judged.
import type { Engine } from './engine.ts';
import { Hunt } from './hunt.ts';
import { matchOf } from './match.ts';
import type { BodyMeta, Match, StreamScan, StreamStep } from './types.ts';
import { View } from './view.ts';

export interface StreamOptions {
  readonly engine: Engine;
  readonly decodedBytes: number;
  readonly where: string;
  readonly meta: BodyMeta;
  readonly redact: ((match: Match) => boolean) | null;
}

export function openStream(options: StreamOptions): StreamScan {
  const held: Buffer[] = [];
  return {
    push(chunk): StreamStep {
      held.push(chunk);
      return { release: Buffer.alloc(0), matches: [], unjudged: null };
    },
    end(): StreamStep {
      const body = Buffer.concat(held);
      const hunt = new Hunt(options.engine, body.length, options.decodedBytes);
      hunt.search(new View(body, body.length));
      return { release: body, matches: hunt.hits.map((hit) => matchOf(hit, options.where, '')), unjudged: null };
    },
  };
}
