// Builds the scanner of a session: secrets, detectors and views behind the boundary of types.ts.
import { createHmac } from 'node:crypto';
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { BodyMeta, BodyScan, Match, Scanner, ScannerConfig, StreamScan, StreamStep } from './types.ts';

const PATTERNS: readonly (readonly [string, RegExp])[] = [
  ['github-token', /gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{82}/g],
  ['anthropic-key', /sk-ant-[A-Za-z0-9_-]{80,120}/g],
  ['aws-access-key', /(?:AKIA|ASIA)[A-Z2-7]{16}/g],
];

export function createScanner(config: ScannerConfig): Scanner {
  const fingerprint = (text: string): string =>
    createHmac('sha256', config.fingerprintKey).update(text).digest('hex').slice(0, 16);

  function scanText(where: string, text: string): readonly Match[] {
    const found: Match[] = [];
    for (const { name, value, placeholder } of config.secrets) {
      for (const [kind, needle] of [['known-secret', value] as const, ['placeholder', placeholder] as const]) {
        const forms = ['utf8', 'base64', 'base64url', 'hex'] as const;
        for (const form of forms) {
          const wanted = form === 'utf8' ? needle : Buffer.from(needle).toString(form).replace(/=+$/, '');
          if (wanted === '') continue;
          for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
            const place = form === 'utf8' ? where : `${where} > ${form}`;
            const end = at + wanted.length;
            const base = { detector: kind, kind, secret: name, where: place, length: needle.length };
            found.push({ ...base, fingerprint: fingerprint(needle), start: at, end });
          }
        }
      }
    }
    for (const [detector, pattern] of PATTERNS) {
      for (const hit of text.matchAll(pattern)) {
        const base = { detector, kind: 'detector' as const, secret: '', where, length: hit[0].length };
        found.push({ ...base, fingerprint: fingerprint(hit[0]), start: hit.index, end: hit.index + hit[0].length });
      }
    }
    return found;
  }

  const replacement = (match: Match): string => `bottle-redacted-${match.detector}-${match.fingerprint.slice(0, 8)}`;

  function replaceIn(text: string, matches: readonly Match[]): string {
    let out = '';
    let at = 0;
    for (const match of [...matches].sort((a, b) => a.start - b.start)) {
      if (match.start < at) continue;
      out += text.slice(at, match.start) + replacement(match);
      at = match.end;
    }
    return out + text.slice(at);
  }

  function scanBody(where: string, body: Buffer, meta: BodyMeta): BodyScan {
    let decoded = body;
    const limit = { maxOutputLength: config.decodedBytes };
    try {
      if (meta.contentEncoding === 'gzip') decoded = gunzipSync(body, limit);
      else if (meta.contentEncoding === 'br') decoded = brotliDecompressSync(body, limit);
      else if (meta.contentEncoding === 'deflate') decoded = inflateSync(body, limit);
      else if (meta.contentEncoding === 'zstd') decoded = zstdDecompressSync(body, limit);
    } catch (cause) {
      const unjudged = { kind: 'undecodable' as const, detail: String(cause) };
      return { matches: [], unjudged, rewrite: () => body };
    }
    const text = decoded.toString('latin1');
    const matches = scanText(where, text);
    const rewrite = (chosen: (match: Match) => boolean): Buffer =>
      Buffer.from(replaceIn(text, matches.filter(chosen)), 'latin1');
    return { matches, unjudged: null, rewrite };
  }

  function scanStream(where: string, meta: BodyMeta): StreamScan {
    const held: Buffer[] = [];
    return {
      push(chunk): StreamStep {
        held.push(chunk);
        return { release: Buffer.alloc(0), matches: [], unjudged: null };
      },
      end(): StreamStep {
        const body = Buffer.concat(held);
        const { matches, unjudged } = scanBody(where, body, meta);
        return { release: body, matches, unjudged };
      },
    };
  }

  return {
    scanText,
    scanJoined: (where, texts) => scanText(where, texts.join('')).filter((match) => match.kind !== 'detector'),
    scanBody,
    scanStream,
    replacement,
    redactText: (text) => replaceIn(text, scanText('', text)),
  };
}
