// A company's proxy between us and the world: which hosts go through it, and the CONNECT that opens a tunnel (RFC 9110, 9.3.6).
import { createHash } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import type { ProxyConfig, SecretValue, UpstreamProxy } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';
import { isWithin, network, parseAddress } from './address.ts';
import { DialRefused } from './dial-refused.ts';
import { HeadFinder } from './h1/head-finder.ts';

const HEAD_BYTES = 16 * 1024;

/** Asks whether a place is reached without the proxy. Names match themselves and what is below them; addresses match as written. */
export function createBypass(noProxy: readonly string[]): (host: string, port: number) => boolean {
  const tests = noProxy.map(bypassOf);
  return (host, port) => tests.some((matches) => matches(host, port));
}

function bypassOf(entry: string): (host: string, port: number) => boolean {
  const text = entry.trim().toLowerCase();
  if (text === '*') return () => true;
  if (text.includes('/')) {
    const range = network(text.replace(/[[\]]/g, ''));
    return (host) => {
      const address = parseAddress(host);
      return address !== null && isWithin(address.bytes, range);
    };
  }
  const { name, port } = splitPort(text);
  const isPort = (to: number): boolean => port === null || port === to;
  if (isIP(name) !== 0) {
    const literal = parseAddress(name)?.text;
    return (host, to) => isPort(to) && parseAddress(host)?.text === literal;
  }
  const below = name.replace(/^\*?\./, '');
  const includesItself = below === name;
  // A name at its end with a dot is the same name; those that we are asked for come without it.
  const bare = below.replace(/\.$/, '');
  return (host, to) => isPort(to) && ((includesItself && host === bare) || host.endsWith(`.${bare}`));
}

/** Without brackets; what has colons and no brackets is an address without port. */
function splitPort(text: string): { readonly name: string; readonly port: number | null } {
  if (isIP(text) !== 0) return { name: text, port: null };
  const [, bracketed, name = bracketed ?? text, port] = /^(?:\[(.*)\]|(.*?))(?::(\d+))?$/.exec(text) ?? [];
  return { name, port: port === undefined ? null : Number(port) };
}

export interface ProxyTunnel {
  /** Opens the tunnel on a connection to the proxy; owns `socket` from here on. */
  open(socket: Socket, host: string, port: number, signal: AbortSignal): Promise<Socket>;
}

/** How this proxy names itself to the next (RFC 9110, 7.6.3): seen on a CONNECT that comes in, it has gone round in a circle. Says nothing of the session. */
export function viaOf(session: string): string {
  return `1.1 bottle-${createHash('sha256').update(session).digest('hex').slice(0, 16)}`;
}

/** `via`: as `viaOf` gives it. */
export function createProxyTunnel(proxy: UpstreamProxy, secrets: ProxyConfig['secrets'], via: string): ProxyTunnel {
  const authorization = authorizationOf(proxy, secrets);
  const name = `the upstream proxy ${proxy.host}:${proxy.port}`;
  return {
    open: (socket, host, port, signal) => {
      const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      const { promise, resolve, reject } = Promise.withResolvers<Socket>();
      let bytes: Buffer = Buffer.alloc(0);
      const finder = new HeadFinder(HEAD_BYTES);
      const done = (): void => {
        signal.removeEventListener('abort', onAbort);
        socket.off('data', onData).off('error', onEnd).off('close', onEnd).off('end', onEnd);
        socket.pause();
      };
      const fail = (error: unknown): void => {
        done();
        socket.on('error', () => {}); // Destroyed by ourselves.
        socket.destroy();
        reject(error);
      };
      const onAbort = (): void => fail(signal.reason);
      const onEnd = (): void => {
        fail(refusal('proxy-response', `${name} closed the connection without an answer to CONNECT`, CHECK));
      };
      const onData = (chunk: Buffer): void => {
        bytes = Buffer.concat([bytes, chunk]);
        const end = finder.find(bytes);
        if (end === null) return;
        const problem =
          typeof end === 'number' ? problemOf(name, authority, bytes.toString('latin1', 0, end)) : unreadable(name);
        if (problem !== null) {
          fail(problem);
          return;
        }
        done();
        // A server that speaks first may have spoken already.
        const rest = bytes.subarray((end as number) + 4);
        if (rest.length > 0) socket.unshift(rest);
        resolve(socket);
      };
      socket.on('data', onData).on('error', onEnd).on('close', onEnd).on('end', onEnd);
      if (signal.aborted) onAbort();
      else {
        signal.addEventListener('abort', onAbort);
        socket.write(
          `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nVia: ${via}\r\n${authorization}\r\n`,
          'latin1',
        );
        socket.resume();
      }
      return promise;
    },
  };
}

/** Our own answer, wherever it came back through. */
const LOOP = /^x-bottle-block: protocol loop /im;
const CHECK = 'check egress.upstream_proxy, and that the proxy works';

function problemOf(name: string, authority: string, head: string): DialRefused | null {
  const status = /^HTTP\/1\.[01] (\d{3})(?: |\r\n|$)/.exec(head)?.[1];
  if (status === undefined) return unreadable(name);
  if (status === '407') {
    const fix = 'check the secret that egress.upstream_proxy.auth names';
    return refusal('proxy-auth', `${name} does not accept our credential (407)`, fix);
  }
  if (LOOP.test(head)) {
    const fix = 'name another proxy in egress.upstream_proxy, or add the host to its no_proxy';
    return refusal('proxy-loop', `${name} leads back to this proxy`, fix);
  }
  if (!status.startsWith('2')) {
    const fix = 'ask who runs the proxy to allow it, or add the host to egress.upstream_proxy.no_proxy';
    return refusal('proxy-refused', `${name} answered ${status} to CONNECT ${authority}`, fix);
  }
  // A portal's page is no tunnel.
  if (/^(?:content-length:[ \t]*0*[1-9]|transfer-encoding:)/im.test(head)) {
    return refusal('proxy-response', `${name} answered CONNECT ${authority} with a page instead of a tunnel`, CHECK);
  }
  return null;
}

function unreadable(name: string): DialRefused {
  return refusal('proxy-response', `the answer of ${name} to CONNECT is not HTTP`, CHECK);
}

/** What went wrong on the way to the proxy itself is told apart from what went wrong behind it. */
export function aboutProxy(error: unknown): unknown {
  if (!(error instanceof DialRefused)) return error;
  const { rule, reason, fix } = error;
  return refusal(`proxy-${rule}`, `the upstream proxy: ${reason}`, fix, error);
}

function refusal(rule: string, reason: string, fix: string, cause?: unknown): DialRefused {
  return new DialRefused({ stage: 'upstream', rule, reason, fix }, cause);
}

function authorizationOf({ credentials }: UpstreamProxy, secrets: readonly SecretValue[]): string {
  if (credentials === null) return '';
  const value = secrets.find(({ name }) => name === credentials.secret)?.value;
  const pair = `${credentials.username}:${value ?? ''}`;
  if (value === undefined || /[\r\n\0]/.test(pair) || credentials.username.includes(':')) {
    throw new ProxyFailure({
      what: `cannot use the secret ${credentials.secret} for the upstream proxy`,
      why: value === undefined ? 'it has no value' : 'it holds line breaks, or the name a colon',
      fix: 'correct egress.upstream_proxy.auth',
    });
  }
  return `Proxy-Authorization: Basic ${Buffer.from(pair, 'utf8').toString('base64')}\r\n`;
}
