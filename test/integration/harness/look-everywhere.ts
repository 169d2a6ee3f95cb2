// Looks for values, in every form that the proxy itself knows, wherever something could have kept them: memory, files, what the engine tells.
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { type EchoForm, echoForms } from '../../../proxy/src/pipeline/echo-forms.ts';
import { NeedleSearch } from '../../../proxy/src/pipeline/needle-search.ts';

/** So much is read at a time, and overlaps by the longest form; in bytes. */
const STEP = 8 * 1024 * 1024;
/** Larger regions of memory hold addresses, not data (WebAssembly reserves them). */
const LARGEST_REGION = 4 * 1024 ** 3;

export class Looker {
  readonly #forms: readonly (EchoForm & { readonly name: string })[];
  readonly #search: NeedleSearch;

  constructor(values: Readonly<Record<string, string>>) {
    this.#forms = Object.entries(values).flatMap(([name, value]) =>
      echoForms([value])
        .filter(({ text }) => text.length >= 12)
        .map((form) => ({ ...form, name })),
    );
    this.#search = new NeedleSearch(this.#forms.map(({ text }) => Buffer.from(text, 'latin1')));
  }

  /** Which values are there, and how they are written: `NAME (base64)`. */
  in(content: Buffer | string, found = new Set<string>()): readonly string[] {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    this.#search.forEach(bytes, (_start, _end, index) => {
      const { name, chain } = this.#forms[index]!;
      found.add(`${name} (${chain || 'as it is'})`);
    });
    return [...found].sort();
  }

  inFile(path: string): readonly string[] {
    const found = new Set<string>();
    const file = openSync(path, 'r');
    try {
      this.#inRange(file, 0, Number.POSITIVE_INFINITY, found);
    } finally {
      closeSync(file);
    }
    return [...found].sort();
  }

  /** All memory of a process that it can read itself. */
  inMemory(pid: number): { readonly found: readonly string[]; readonly bytes: number } {
    const found = new Set<string>();
    let bytes = 0;
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    try {
      for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
        const [, from, to, rights, name] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line) ?? [];
        if (from === undefined || !rights?.startsWith('r') || name === '[vvar]' || name === '[vsyscall]') continue;
        const [start, end] = [Number.parseInt(from, 16), Number.parseInt(to!, 16)];
        if (!(end - start <= LARGEST_REGION) || !Number.isSafeInteger(end)) continue;
        bytes += this.#inRange(memory, start, end, found);
      }
    } finally {
      closeSync(memory);
    }
    return { found: [...found].sort(), bytes };
  }

  /** A file, or a region of memory, of which pages may be missing; gives how much was read. */
  #inRange(file: number, start: number, end: number, found: Set<string>): number {
    const overlap = this.#search.longestSpan;
    const buffer = Buffer.alloc(STEP + overlap);
    let kept = 0;
    let total = 0;
    for (let at = start; at < end; ) {
      const length = readAt(file, buffer, kept, Math.min(STEP, end - at), at);
      if (length === 0) break;
      this.in(buffer.subarray(0, kept + length), found);
      total += length;
      at += length;
      const tail = Math.min(overlap, kept + length);
      buffer.copy(buffer, 0, kept + length - tail, kept + length);
      kept = tail;
    }
    return total;
  }

  /** Files below a directory that changed since, by path; what vanished while we looked holds nothing. */
  inTree(
    directory: string,
    since: number,
    leaveOut: (path: string) => boolean,
  ): Readonly<Record<string, readonly string[]>> {
    const found: Record<string, readonly string[]> = {};
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (leaveOut(path)) continue;
      try {
        if (entry.isDirectory()) Object.assign(found, this.inTree(path, since, leaveOut));
        else if (entry.isFile() && statSync(path).mtimeMs >= since) {
          const here = this.inFile(path);
          if (here.length > 0) found[path] = here;
        }
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ENOENT' && code !== 'EACCES') throw error;
      }
    }
    return found;
  }

  /** Everything in the file system of a container, mounts aside. */
  async inFilesOf(container: Docker.Container): Promise<readonly string[]> {
    const found = new Set<string>();
    let kept = Buffer.alloc(0);
    for await (const chunk of await container.export()) {
      const bytes = Buffer.concat([kept, chunk as Buffer]);
      this.in(bytes, found);
      kept = Buffer.from(bytes.subarray(-this.#search.longestSpan));
    }
    return [...found].sort();
  }

  /** Environments and arguments of every process of this machine, by what it is. */
  inProcesses(): Readonly<Record<string, readonly string[]>> {
    const found: Record<string, readonly string[]> = {};
    for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        const here = this.in(Buffer.from(command + readFileSync(`/proc/${pid}/environ`, 'latin1'), 'latin1'));
        if (here.length > 0) found[`${pid} ${command.replaceAll('\0', ' ')}`] = here;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // It ended meanwhile, or is one that this machine keeps from everybody.
        if (code !== 'ENOENT' && code !== 'ESRCH' && code !== 'EACCES') throw error;
      }
    }
    return found;
  }
}

function readAt(file: number, buffer: Buffer, offset: number, length: number, at: number): number {
  try {
    return readSync(file, buffer, offset, length, at);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A page that is nowhere.
    if (code === 'EIO' || code === 'EFAULT') return 0;
    throw error;
  }
}

/** A process and all below it. */
export function familyOf(pid: number): readonly number[] {
  const parents = new Map<number, number[]>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'latin1'))?.[1]);
      parents.set(parent, [...(parents.get(parent) ?? []), Number(entry)]);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
    }
  }
  const family = [pid];
  for (const one of family) family.push(...(parents.get(one) ?? []));
  return family;
}
