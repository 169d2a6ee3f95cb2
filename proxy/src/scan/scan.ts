// `main.ts scan`: the proxy's own search over files, for people who try a rule, a baseline or a false positive without a session.
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import type { Finding, ScanEvent, ScanRequest } from '../contract.ts';
import { activeDetectors } from '../dlp/detectors/index.ts';
import { fingerprintKeyOf } from '../dlp/fingerprint.ts';
import { rulesOf } from '../dlp/rules/runner.ts';
import { createScanner } from '../dlp/scanner.ts';
import type { BodyMeta, Match, Scanner, Unjudged } from '../dlp/types.ts';
import { ProxyFailure } from '../failure.ts';
import { findingOf } from '../pipeline/verdict.ts';
import { listFiles } from './files.ts';
import { type HarRequest, readHar } from './har.ts';
import { LineCounter, type LinePlace, placesInFile } from './lines.ts';

export type Emit = (event: ScanEvent) => void;

/** A larger file is searched as the proxy searches a large body: window by window. In bytes. */
const WHOLE_BYTES = 64 * 1024 * 1024;
/** Stdin is held whole: its lines could not be counted a second time. In bytes. */
const STDIN_BYTES = 512 * 1024 * 1024;
const PROGRESS_MS = 100;
const TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.har': 'application/json',
  '.xml': 'application/xml',
  '.html': 'text/html',
  '.csv': 'text/csv',
  '.yaml': 'application/yaml',
  '.yml': 'application/yaml',
};

export async function scan(input: Readable, emit: Emit): Promise<void> {
  const { line, rest } = await splitFirstLine(input);
  // The CLI writes this line from the same contract.
  const request = JSON.parse(line) as ScanRequest;
  const scanner = createScanner({
    secrets: request.secrets,
    detectors: request.dlp.detectors,
    rules: rulesOf(request.dlp.rules),
    fingerprintKey: fingerprintKeyOf(request.dlp.fingerprintKey),
    decodedBytes: request.decodedBytes,
  });
  const { files, skipped } = await listFiles(request.targets, request.everything);
  const detectors = activeDetectors(request.dlp.detectors).map(({ id, description, source }) => ({
    id,
    description,
    source,
  }));
  emit({ event: 'begin', files: files.length, detectors });

  const fileScan = new FileScan(scanner, emit);
  let saidAt = performance.now();
  for (const [index, file] of files.entries()) {
    await fileScan.scan(file, file === '-' ? rest : null);
    if (performance.now() - saidAt < PROGRESS_MS) continue;
    saidAt = performance.now();
    emit({ event: 'progress', files: index + 1, bytes: fileScan.bytes });
  }
  emit({ event: 'done', files: files.length, bytes: fileScan.bytes, skipped });
}

class FileScan {
  bytes = 0;
  readonly #scanner: Scanner;
  readonly #emit: Emit;

  constructor(scanner: Scanner, emit: Emit) {
    this.#scanner = scanner;
    this.#emit = emit;
  }

  /** `content`: what to read instead of the file (stdin). */
  async scan(file: string, content: AsyncIterable<Buffer> | null): Promise<void> {
    try {
      if (content !== null) this.#scanWhole(file, await readAll(content));
      else if ((await stat(file)).size > WHOLE_BYTES) await this.#scanLarge(file);
      else this.#scanWhole(file, await readFile(file));
    } catch (error) {
      // What may not be read, or went away meanwhile, must not pass for clean, nor keep the others from being searched.
      if (!(error instanceof Error && 'code' in error)) throw error;
      this.#emit({ event: 'unread', file, why: error.message });
    }
  }

  #scanWhole(file: string, bytes: Buffer): void {
    this.bytes += bytes.length;
    const har = extname(file) === '.har' || looksLikeHar(bytes) ? readHar(bytes.toString('utf8')) : null;
    if (har !== null) {
      for (const request of har) this.#scanRequest(file, request);
      return;
    }
    const { matches, unjudged } = this.#scanner.scanBody('file', bytes, metaOf(file));
    this.#say(file, unjudged);
    const counter = new LineCounter();
    for (const match of inOrder(matches)) this.#found(file, match, counter.placeOf(match.start, bytes));
  }

  async #scanLarge(file: string): Promise<void> {
    const stream = this.#scanner.scanStream('file', metaOf(file), null);
    const matches: Match[] = [];
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
      this.bytes += (chunk as Buffer).length;
      const step = stream.push(chunk as Buffer);
      matches.push(...step.matches);
      this.#say(file, step.unjudged);
    }
    const last = stream.end();
    this.#say(file, last.unjudged);
    const found = inOrder([...matches, ...last.matches]);
    const places = await placesInFile(
      file,
      found.map(({ start }) => start),
    );
    for (const [index, match] of found.entries()) this.#found(file, match, places[index] ?? null);
  }

  /** One request of a HAR file, place by place. */
  #scanRequest(file: string, { name, url, rawHeaders, body, contentType, messages }: HarRequest): void {
    const matches: Match[] = [...this.#scanner.scanText(`${name} url`, url)];
    for (let i = 0; i < rawHeaders.length; i += 2) {
      matches.push(...this.#scanner.scanText(`${name} header ${rawHeaders[i]!.toLowerCase()}`, rawHeaders[i + 1]!));
    }
    for (const [where, content, type] of [
      [`${name} body`, body, contentType],
      ...messages.map((message) => [`${name} message`, message, ''] as const),
    ] as const) {
      const found = this.#scanner.scanBody(where, content, { contentType: type, contentEncoding: '' });
      this.#say(`${file} (${where})`, found.unjudged);
      matches.push(...found.matches);
    }
    for (const match of matches) this.#found(file, match, null);
  }

  #found(file: string, match: Match, place: LinePlace | null): void {
    const finding: Finding = findingOf(match);
    this.#emit({
      event: 'finding',
      finding: { ...finding, file, line: place?.line ?? null, column: place?.column ?? null },
    });
  }

  #say(file: string, unjudged: Unjudged | null): void {
    if (unjudged !== null) this.#emit({ event: 'unread', file, why: `${unjudged.kind}: ${unjudged.detail}` });
  }
}

function looksLikeHar(bytes: Buffer): boolean {
  return /^\s*\{\s*"log"\s*:\s*\{/.test(bytes.toString('latin1', 0, 64));
}

function metaOf(file: string): BodyMeta {
  return { contentType: TYPES[extname(file).toLowerCase()] ?? '', contentEncoding: '' };
}

const inOrder = (matches: readonly Match[]): Match[] => [...matches].sort((a, b) => a.start - b.start);

async function readAll(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of content) {
    size += piece.length;
    if (size > STDIN_BYTES) {
      throw new ProxyFailure({
        what: 'cannot scan stdin',
        why: `it is longer than ${STDIN_BYTES} bytes`,
        fix: 'write it to a file and name that',
      });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The first line, and the bytes behind it, which are still to be read. */
async function splitFirstLine(input: Readable): Promise<{ line: string; rest: AsyncIterable<Buffer> }> {
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head: Buffer = Buffer.alloc(0);
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) {
      throw new ProxyFailure({
        what: 'nothing to scan',
        why: 'stdin ended before the request line',
        fix: 'start it with bottle scan',
      });
    }
    head = Buffer.concat([head, next.value]);
    const end = head.indexOf(0x0a);
    if (end < 0) continue;
    return { line: head.toString('utf8', 0, end), rest: follow(head.subarray(end + 1), chunks) };
  }
}

async function* follow(first: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, void> {
  if (first.length > 0) yield first;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
}
