// The request of `bottle why` as a person writes it -> method, URL, header fields; wrong input is refused with the fix.
import { BottleError, EXIT } from '../report/bottle-error.ts';

/** Upper case. */
export function parseMethod(text: string): string {
  if (/^[A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]*$/.test(text)) return text.toUpperCase();
  throw wrong(`"${text}" is no method`, 'a method is one word', 'write GET, POST, ...');
}

const SCHEMES: Readonly<Record<string, 'https' | 'http'>> = {
  'https:': 'https',
  'wss:': 'https',
  'http:': 'http',
  'ws:': 'http',
};

/** The text as it was written: normalising is the proxy's business. */
export function parseUrl(text: string): {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly scheme: 'https' | 'http';
} {
  let parsed: URL;
  try {
    parsed = new URL(text);
  } catch (error) {
    throw wrong(
      `"${text}" is no URL`,
      'it cannot be parsed',
      'write an absolute one, like https://api.github.com/user',
      error,
    );
  }
  const scheme = SCHEMES[parsed.protocol];
  if (scheme === undefined) {
    throw wrong(
      `"${text}" has the scheme ${parsed.protocol.slice(0, -1)}`,
      'the proxy lets no other than http and https through',
      'write https://...',
    );
  }
  const port = parsed.port === '' ? (scheme === 'https' ? 443 : 80) : Number(parsed.port);
  return { url: text, host: parsed.hostname.replace(/^\[|\]$/g, ''), port, scheme };
}

/** `name: value`. */
export function parseHeader(text: string): readonly [string, string] {
  const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)$/.exec(text);
  if (parts?.[1] !== undefined && parts[2] !== undefined) return [parts[1], parts[2].trimEnd()];
  throw wrong(
    `--header does not understand "${text}"`,
    'it is not "name: value"',
    'write --header "content-type: text/plain"',
  );
}

function wrong(what: string, why: string, fix: string, cause?: unknown): BottleError {
  return new BottleError({ what, why, fix, exitCode: EXIT.input, cause });
}
