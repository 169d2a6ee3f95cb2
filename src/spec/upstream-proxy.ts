// `egress.upstream_proxy` -> where the proxy is, what it wants to know, and what goes past it.

import { isIP } from 'node:net';
import { checkSecretName } from './auth.ts';
import type { UpstreamProxySpec } from './bottle.ts';
import type { Report } from './report.ts';
import type { FilledSpec } from './schema.ts';
import { resolvePath, type Surroundings } from './surroundings.ts';
import { shown } from './words.ts';

export function readUpstreamProxy(spec: FilledSpec, around: Surroundings, report: Report): UpstreamProxySpec | null {
  const written = spec.egress.upstream_proxy;
  if (written === undefined) return null;
  const place = readUrl(written.url, report.below('url'));
  const { auth, ca, no_proxy = [] } = written;
  if (auth !== undefined) checkSecretName(auth.secret, Object.keys(spec.secrets), report.below('auth', 'secret'));
  no_proxy.forEach((entry, index) => {
    checkBypass(entry, report.below('no_proxy', index));
  });
  if (place === null) return null;
  return {
    ...place,
    credentials: auth ?? null,
    noProxy: no_proxy,
    ca: ca === undefined ? null : resolvePath(ca, report.file(['ca']), around),
  };
}

function readUrl(text: string, report: Report): Pick<UpstreamProxySpec, 'secure' | 'host' | 'port'> | null {
  const problem = (why: string, fix = 'write it like http://proxy.example.com:3128'): null => {
    report.problem({ what: `${report.name()} is not the address of a proxy`, why, fix });
    return null;
  };
  if (/\/\/[^/]*@/.test(text)) return problem('it holds a user', 'name user and secret in `auth:`');
  if (!URL.canParse(text)) return problem('it is no URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return problem(`${url.protocol.slice(0, -1)} is not supported`);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return problem('it has more than host and port');
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return { secure, host, port: url.port === '' ? (secure ? 443 : 80) : Number(url.port) };
}

function checkBypass(entry: string, report: Report): void {
  const [, bracketed, address = bracketed ?? '', bits, port] =
    /^(?:\[([^\]%]*)\]|([^[\]/%]*))(?:\/(\d+)|(?<=\]):(\d+))?$/.exec(entry) ?? [];
  const family = isIP(address);
  const isAddress = family !== 0 && Number(bits ?? 0) <= (family === 4 ? 32 : 128);
  const name = /^(?:\*?\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?(?::(\d+))?$/i.exec(entry);
  const isPort = Number(port ?? name?.[1] ?? 1) <= 65_535;
  if (entry === '*' || ((isAddress || name !== null) && isPort)) return;
  report.problem({
    what: `${report.name()} ${shown(entry)} is nothing that a host could match`,
    why: '',
    fix: 'write a name, `.name`, an address, a CIDR, or host:port',
  });
}
