// A git host: repositories in a directory, served by `git http-backend` (CGI, RFC 3875).
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Answered, Arrived } from './fake-service.ts';

/** Root of bare repositories; `path` is one with a first commit, like `acme/shop.git`. */
export function makeRepositories(path: string): string {
  const root = mkdtempSync(join(tmpdir(), 'bottle-git-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.test', ...args], { cwd: root, stdio: 'pipe' });
  git('init', '-q', '-b', 'main', 'work');
  writeFileSync(join(root, 'work', 'README'), 'from the fake\n');
  git('-C', 'work', 'add', '.');
  git('-C', 'work', 'commit', '-q', '-m', 'first');
  git('clone', '-q', '--bare', 'work', path);
  git('-C', path, 'config', 'http.receivepack', 'true');
  return root;
}

export async function gitAnswer(root: string, { method, path, query, headers, body }: Arrived): Promise<Answered> {
  const field = (name: string, header: string) => {
    const value = headers[header];
    return typeof value === 'string' ? { [name]: value } : {};
  };
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: query.toString(),
      REQUEST_METHOD: method,
      REMOTE_USER: 'agent',
      CONTENT_LENGTH: String(body.length),
      ...field('CONTENT_TYPE', 'content-type'),
      ...field('HTTP_CONTENT_ENCODING', 'content-encoding'),
      ...field('GIT_PROTOCOL', 'git-protocol'),
    },
  });
  child.stdin.on('error', () => {}); // It may answer before it has read everything.
  child.stdin.end(body);
  const answer = await buffer(child.stdout);
  const end = answer.indexOf('\r\n\r\n');
  const fields = answer
    .subarray(0, end)
    .toString()
    .split('\r\n')
    .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const);
  const { status = '200', ...rest } = Object.fromEntries(fields);
  return { status: Number.parseInt(status, 10), headers: rest, body: answer.subarray(end + 4) };
}
