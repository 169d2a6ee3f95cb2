// Is the request line one that proxy and upstream read alike? Framing is net's own work; this looks at method, target and host.
import type { RequestView } from './types.ts';

export interface Flaw {
  readonly rule: 'bad-method' | 'bad-target' | 'bad-host';
  readonly reason: string;
  readonly fix: string;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/;
/** TRACE sends a request's fields back, credentials included; CONNECT would open a tunnel that nobody reads. */
const REFUSED_METHODS = new Set(['TRACE', 'TRACK', 'CONNECT']);

export function checkHead(view: RequestView): Flaw | null {
  if (!TOKEN.test(view.method)) return badMethod('the request method is not a token');
  if (REFUSED_METHODS.has(view.method.toUpperCase()))
    return badMethod(`${view.method.toUpperCase()} is never passed on`);
  if (view.host === '' || /[\x00-\x20/?#@\\]/.test(view.host)) {
    return {
      rule: 'bad-host',
      reason: 'the request names no usable host',
      fix: 'send a Host that is a plain host name',
    };
  }
  if (view.target === '*') return view.method === 'OPTIONS' ? null : badTarget('the target * belongs to OPTIONS alone');
  if (!view.target.startsWith('/')) return badTarget('the request target does not begin with a slash');
  // A `#` starts a fragment for some servers and is a character for others; white space ends the target for some.
  if (/[\x00-\x20\x7f#]/.test(view.target))
    return badTarget('the request target holds a character that must be encoded');
  return null;
}

function badMethod(reason: string): Flaw {
  return { rule: 'bad-method', reason, fix: 'use a standard method such as GET or POST' };
}

function badTarget(reason: string): Flaw {
  return { rule: 'bad-target', reason, fix: 'percent-encode what a URL may not hold' };
}
