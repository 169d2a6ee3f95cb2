// A bottle as the text of a spec: every default written out, presets expanded, sugar removed. Reading it again gives the same bottle.

import { stringify } from 'yaml';
import type { Auth, ProxyLimits, Quota } from '../../proxy/src/contract.ts';
import type { AllowEntry, Bottle, SecretSource, TokenIssuer, UpstreamProxySpec } from './bottle.ts';
import { writtenExpires } from './expires.ts';
import { writtenLimits } from './limits.ts';

type Yaml = Record<string, unknown>;

/** The text of `bottle show`, and of the copy that a session keeps. */
export function renderBottle(bottle: Bottle): string {
  const head = `# What ${bottle.file} means: every default written out, presets expanded.\n`;
  return head + stringify(specOf(bottle), { lineWidth: 0, version: '1.2', aliasDuplicateObjects: false });
}

/** The same as data: in the words of a spec, not in those of our code. */
export function specOf(bottle: Bottle): Yaml {
  const { agent, workspace, egress, dlp, logs } = bottle;
  return {
    version: bottle.version,
    name: bottle.name,
    agent: {
      image: agent.image,
      command: agent.command,
      env: agent.env,
      ...(agent.files.length === 0
        ? {}
        : { files: Object.fromEntries(agent.files.map(({ path, text }) => [path, { text }])) }),
      user: agent.user,
      network: agent.network,
      runtime: agent.runtime,
      resources: {
        cpus: agent.resources.cpus,
        memory: memoryText(agent.resources.memoryBytes),
        pids: agent.resources.pids,
      },
    },
    workspace: { path: workspace.path, mode: workspace.mode, hide: workspace.hide },
    secrets: Object.fromEntries(Object.entries(bottle.secrets).map(([name, source]) => [name, sourceOf(source)])),
    egress: {
      mode: egress.mode,
      use: [],
      allow: egress.allow.map(entryOf),
      deny: egress.deny.map(({ host }) => host),
      on_deny: egress.onDeny,
      ...(egress.upstreamProxy === null ? {} : { upstream_proxy: upstreamProxyOf(egress.upstreamProxy) }),
      ...limitsOf(egress.quota, egress.limits),
    },
    dlp: {
      on_match: dlp.onMatch,
      profile: dlp.profile,
      detectors: dlp.detectors,
      actions: dlp.actions,
      known: dlp.known,
      canaries: dlp.canaries,
      ...(dlp.rulesFile === null ? {} : { rules: dlp.rulesFile }),
      workspace: dlp.workspace,
    },
    logs: { dir: logs.dir, keep: logs.keep, bodies: logs.bodies },
  };
}

function entryOf(entry: AllowEntry): Yaml {
  const isAnything = entry.rules.some(({ methods, paths, query, headers, confirm }) => {
    return methods === null && paths === null && isEmpty(query) && isEmpty(headers) && confirm === undefined;
  });
  return {
    id: entry.id,
    host: entry.host,
    ports: entry.ports,
    scheme: entry.scheme === 'tls' ? 'https' : entry.scheme,
    access: 'full',
    ...(isAnything && entry.rules.length === 1 ? {} : { rules: entry.rules.map(ruleOf) }),
    ...(entry.graphql === undefined ? {} : { graphql: entry.graphql }),
    ...(entry.push === undefined ? {} : { push: entry.push }),
    ...(entry.auth === null ? {} : { auth: authOf(entry.auth) }),
    ...(entry.clientCertificate === undefined ? {} : { client_certificate: entry.clientCertificate }),
    ...(entry.placeholder === null ? {} : { placeholder: entry.placeholder }),
    ...(entry.tokens === undefined ? {} : { tokens: tokensOf(entry.tokens) }),
    tls: entry.scheme === 'tls' ? 'passthrough' : 'inspect',
    // What nobody reads has no search.
    ...(entry.scheme === 'tls' || entry.scheme === 'tcp' ? {} : { dlp: searchOf(entry.dlp) }),
    ...(entry.cookies === undefined ? {} : { cookies: entry.cookies }),
    allow_private: entry.allowPrivate,
    ...(entry.holdRequest === false ? { hold_request: false } : {}),
    source: entry.source,
    error_shape: entry.errorShape,
    ...limitsOf(entry.quota),
    ...(entry.expires === undefined ? {} : { expires: writtenExpires(entry.expires) }),
  };
}

function upstreamProxyOf({ secure, host, port, credentials, ca, noProxy }: UpstreamProxySpec): Yaml {
  return {
    url: `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ...(credentials === null ? {} : { auth: credentials }),
    ...(ca === null ? {} : { ca }),
    no_proxy: noProxy,
  };
}

function tokensOf({ fields, for: takers }: NonNullable<AllowEntry['tokens']>): Yaml {
  return { fields, ...(takers === null ? {} : { for: takers }) };
}

function searchOf({ onMatch, except, actions }: AllowEntry['dlp']): Yaml {
  return { on_match: onMatch, except, ...(isEmpty(actions) ? {} : { actions }) };
}

function ruleOf({ methods, paths, query, headers, confirm }: AllowEntry['rules'][number]): string | Yaml {
  if (confirm === undefined && paths?.length === 1 && isEmpty(query) && isEmpty(headers)) {
    return `${methods === null ? '*' : methods.join(',')} ${paths[0]}`;
  }
  return {
    ...(methods === null ? {} : { methods }),
    ...(paths === null ? {} : { paths }),
    ...(isEmpty(query) ? {} : { query }),
    ...(isEmpty(headers) ? {} : { headers }),
    ...(confirm === undefined ? {} : { confirm }),
  };
}

function issuerOf(issuer: TokenIssuer): Yaml {
  const set = (parts: Yaml) => Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== null));
  switch (issuer.kind) {
    case 'oauth2': {
      const { tokenUrl, clientId, clientSecret, refreshToken, scope, audience, clientAuth } = issuer;
      const client = { token_url: tokenUrl, client_id: clientId, client_secret: clientSecret };
      return { oauth2: set({ ...client, refresh_token: refreshToken, scope, audience, client_auth: clientAuth }) };
    }
    case 'jwt_bearer': {
      const { key, tokenUrl, issuer: signer, scope } = issuer;
      return { jwt_bearer: set({ key, token_url: tokenUrl, issuer: signer, scope }) };
    }
    case 'github_app': {
      const { appId, installationId, key, api, repositories, permissions } = issuer;
      return {
        github_app: {
          ...{ app_id: appId, installation_id: installationId, key, api },
          ...(repositories.length === 0 ? {} : { repositories }),
          ...(isEmpty(permissions) ? {} : { permissions }),
        },
      };
    }
    case 'jwt': {
      const { key, hs256, keyId, issuer: iss, subject, audience, claims, lifeMs } = issuer;
      return {
        jwt: set({
          ...{ key, algorithm: hs256 ? 'HS256' : null, key_id: keyId, issuer: iss, subject, audience },
          ...{ claims: isEmpty(claims) ? null : claims, life_seconds: lifeMs / 1000 },
        }),
      };
    }
    case 'login': {
      const { of, file, writeBack, tokenUrl } = issuer;
      return { login: set({ of, file, write_back: writeBack, token_url: tokenUrl }) };
    }
    default:
      return issuer satisfies never;
  }
}

function authOf(auth: Auth): Yaml {
  if (auth.type === 'hmac') {
    const { secretEncoding, accessKey, headers, query, ...rest } = auth;
    return {
      ...{ ...rest, secret_encoding: secretEncoding },
      ...(accessKey === null ? {} : { access_key: accessKey }),
      ...(isEmpty(headers) ? {} : { headers }),
      ...(isEmpty(query) ? {} : { query }),
    };
  }
  if (auth.type !== 'sigv4') return { ...auth };
  const { type, accessKey, secret, sessionToken, services, regions } = auth;
  return {
    ...{ type, access_key: accessKey, secret },
    ...(sessionToken === null ? {} : { session_token: sessionToken }),
    ...(services === null ? {} : { services }),
    ...(regions === null ? {} : { regions }),
  };
}

function sourceOf(source: SecretSource): Yaml {
  const { pick, ttlMs } = source;
  const timeoutMs = source.kind === 'cmd' || source.kind === 'store' ? source.timeoutMs : null;
  return {
    ...originOf(source),
    ...(pick ? { [pick.format]: pick.key } : {}),
    ...(ttlMs ? { ttl_seconds: ttlMs / 1000 } : {}),
    ...(source.expires === undefined ? {} : { expires: writtenExpires(source.expires) }),
    ...(timeoutMs ? { timeout_seconds: timeoutMs / 1000 } : {}),
  };
}

function originOf(source: SecretSource): Yaml {
  switch (source.kind) {
    case 'env':
      return { env: source.env };
    case 'file':
      return { file: source.file };
    case 'cmd':
      return { cmd: source.cmd };
    case 'token':
      return issuerOf(source.issuer);
    case 'store': {
      const { kind, ...parts } = source.store;
      if (kind === 'op') return { op: source.store.reference };
      return { [kind]: Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== null)) };
    }
    default:
      return source satisfies never;
  }
}

function limitsOf(quota: Quota | null, limits: Partial<ProxyLimits> = {}): Yaml {
  const written = writtenLimits(quota, limits);
  return {
    ...(isEmpty(written) ? {} : { limits: written }),
    ...(limits.workers === undefined ? {} : { workers: limits.workers }),
  };
}

function memoryText(bytes: number): string {
  for (const [unit, size] of [
    ['g', 1024 ** 3],
    ['m', 1024 ** 2],
  ] as const) {
    if (bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes / 1024}k`;
}

const isEmpty = (map: Readonly<Record<string, unknown>>) => Object.keys(map).length === 0;
