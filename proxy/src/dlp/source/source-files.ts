// Which files of a workspace are its own source: not what was generated, downloaded or copied from what everybody has. Pure.

/** A larger file is data. In bytes. */
export const LARGEST_BYTES = 2 * 1024 * 1024;

const FOREIGN_FOLDERS: ReadonlySet<string> = new Set([
  ...[
    '.git',
    '.hg',
    '.svn',
    'node_modules',
    'bower_components',
    'vendor',
    'third_party',
    'site-packages',
    '.venv',
    'venv',
  ],
  ...['dist', 'build', 'out', 'target', 'coverage', '.next', '.nuxt', '.cache', '__pycache__', 'Pods'],
]);
/** What comes with every project, is written by a tool, or is a copy. */
const FOREIGN_FILES = [
  /^(?:licen[cs]e|copying|notice|copyright|unlicense|patents|authors|contributors|code_of_conduct)[\w.-]*?(?:\.(?:md|txt|rst|html))?$/i,
  /\.lockb?$|^(?:package-lock|npm-shrinkwrap)\.json$|^pnpm-lock\.ya?ml$|^(?:go|go\.work)\.sum$|^(?:gradlew|mvnw)/i,
  /\.min\.\w+$|\.map$|\.svg$|\.snap$|\.pb\.go$|_pb2\.py$/i,
];
/** Of a name like one of the first row, this is source all the same. */
const SOURCE_FILES = /\.(?:[cm]?[jt]sx?|py|go|rs|java|kt|c|cc|cpp|h|hpp|cs|rb|php|swift|scala|vue|svelte)$/i;

/** `path`: relative, with slashes. */
export function isOwnSource(path: string): boolean {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  if (parts.some((part) => FOREIGN_FOLDERS.has(part))) return false;
  const [everybodys, ...written] = FOREIGN_FILES;
  return !written.some((pattern) => pattern.test(name)) && (SOURCE_FILES.test(name) || !everybodys!.test(name));
}

/** Binary content has NULs near its start. */
export function isTextContent(content: Buffer): boolean {
  return !content.subarray(0, 8192).includes(0);
}

/** The content without a comment about rights at its head: that text is everybody's. */
export function withoutLicence(content: Buffer): Buffer {
  const head = content.toString('latin1', 0, HEAD_BYTES);
  const comment =
    /^(?:#![^\n]*\n)?\s*(?:\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->|"""[\s\S]*?"""|(?:(?:\/\/|#|--|;|%)[^\n]*\n\s*)+)/.exec(
      head,
    );
  if (comment === null || !/licen[cs]e|copyright|warrant/i.test(comment[0])) return content;
  return content.subarray(comment[0].length);
}

const HEAD_BYTES = 16 * 1024;
