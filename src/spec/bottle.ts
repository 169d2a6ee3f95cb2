// What a spec means: every default filled in, bases and presets merged, sugar removed, paths absolute. Made by parse.ts, read by plan/.

import type {
  Auth,
  ErrorShape,
  GraphqlRule,
  OnMatch,
  PlaceholderSwap,
  ProfileName,
  ProxyLimits,
  PushRule,
  Quota,
  RouteRule,
  ThirdPartyRule,
  UpstreamProxy,
} from '../../proxy/src/contract.ts';
import type { Until } from './expires.ts';

export interface Bottle {
  readonly version: 1;
  /** Lower-case letters, digits and dashes; the file's name when the spec gives none. */
  readonly name: string;
  /** Absolute path of the spec. */
  readonly file: string;
  readonly agent: Agent;
  readonly workspace: Workspace;
  /** By name; the agent sees an environment variable of that name which holds a placeholder. */
  readonly secrets: Readonly<Record<string, SecretSource>>;
  readonly egress: Egress;
  readonly dlp: Dlp;
  readonly logs: Logs;
}

export interface Agent {
  /** Image reference; null = our own agent image. */
  readonly image: string | null;
  /** Program and arguments; empty = what the image starts by itself. */
  readonly command: readonly string[];
  /** Plain values only, with those that presets ask for. Never collides with the variables that bottle sets, nor with a secret's name. */
  readonly env: Readonly<Record<string, string>>;
  /** Found by it at its start. By path; the spec's and those that presets bring. */
  readonly files: readonly AgentFile[];
  /** `UID`, `UID:GID` or `agent`, never root; null = the person who starts it (or the image's agent user when that is root). */
  readonly user: string | null;
  readonly network: 'sealed' | 'internal';
  readonly runtime: 'runc';
  readonly resources: {
    /** CPUs, fractions allowed; the session lowers it to what the engine has. */
    readonly cpus: number;
    readonly memoryBytes: number;
    /** Most processes and threads at once. */
    readonly pids: number;
  };
}

/** A small file of the agent's own user, for it alone, made of placeholders. */
export interface AgentFile {
  /** Absolute, in the agent's home or in /tmp; plain characters only. */
  readonly path: string;
  /** With `{placeholder:NAME}` where the placeholder of that secret goes. */
  readonly text: string;
}

export interface Workspace {
  /** Absolute host path that the agent sees as /workspace; null = none, an empty tmpfs. */
  readonly path: string | null;
  readonly mode: 'mount';
  /** Globs below `path` that the agent sees empty. The spec itself is among them when it lies in the workspace. */
  readonly hide: readonly string[];
}

export type SecretSource = SecretOrigin & {
  /** The value is a part of what the origin gives; null or left out = all of it. */
  readonly pick?: Pick | null;
  /** It is read again so long after the last time, in ms; null or left out = once, and when an upstream says 401. */
  readonly ttlMs?: number | null;
  /** After it nothing that needs the secret may be sent; left out = while the session lives. */
  readonly expires?: Until;
};

export type SecretOrigin =
  /** Variable of the environment that `bottle` was started in. */
  | { readonly kind: 'env'; readonly env: string }
  /** Absolute path; the content without its last line break. */
  | { readonly kind: 'file'; readonly file: string }
  /** Program and arguments; its stdout without the last line break. */
  | { readonly kind: 'cmd'; readonly cmd: readonly string[]; readonly timeoutMs?: number | null }
  /** A store of secrets, by its own CLI. */
  | { readonly kind: 'store'; readonly store: SecretStore; readonly timeoutMs?: number | null }
  /** A token that a service issues for a time; another one is asked for before that is over. */
  | { readonly kind: 'token'; readonly issuer: TokenIssuer };

export interface Pick {
  readonly format: 'json' | 'yaml' | 'dotenv' | 'netrc' | 'ini';
  /** json, yaml: `a.b.0` or a JSON pointer; dotenv: the variable; netrc: `MACHINE` or `MACHINE LOGIN`; ini: `SECTION.KEY`. */
  readonly key: string;
}

export type TokenIssuer =
  /** RFC 6749, sections 4.4 and 6. */
  | {
      readonly kind: 'oauth2';
      readonly tokenUrl: string;
      readonly clientId: string;
      /** Name of a secret; null = a public client. */
      readonly clientSecret: string | null;
      /** Name of a secret; null = the grant is client_credentials. */
      readonly refreshToken: string | null;
      readonly scope: string | null;
      readonly audience: string | null;
      /** How the client names itself: HTTP Basic or fields of the form. */
      readonly clientAuth: 'basic' | 'body';
    }
  /** RFC 7523. A Google service-account file says all but the scope. */
  | {
      readonly kind: 'jwt_bearer';
      /** Absolute path: PEM, or JSON of a service account. */
      readonly key: string;
      readonly tokenUrl: string | null;
      readonly issuer: string | null;
      readonly scope: string | null;
    }
  /** An installation token of a GitHub App, for some repositories and permissions. */
  | {
      readonly kind: 'github_app';
      readonly appId: string;
      readonly installationId: string;
      /** Absolute path of a PEM file. */
      readonly key: string;
      readonly api: string;
      /** Empty = all of the installation. */
      readonly repositories: readonly string[];
      /** Empty = all of the installation. */
      readonly permissions: Readonly<Record<string, string>>;
    }
  /** Signed here: the service knows the key, and no token endpoint is asked (RFC 7519). */
  | {
      readonly kind: 'jwt';
      /** Absolute path: PEM, which says the algorithm; with `hs256` any text. */
      readonly key: string;
      readonly hs256: boolean;
      readonly keyId: string | null;
      readonly issuer: string | null;
      readonly subject: string | null;
      readonly audience: string | null;
      /** Further ones; iss, sub, aud, iat, exp and jti are none of them. */
      readonly claims: Readonly<Record<string, string | number | boolean>>;
      readonly lifeMs: number;
    }
  /** The login to a subscription that a tool on this machine keeps in a file. */
  | {
      readonly kind: 'login';
      readonly of: LoginService;
      /** Absolute path. */
      readonly file: string;
      /** null = that of the service. */
      readonly tokenUrl: string | null;
      /** It is renewed, and what comes is written into the file; otherwise it is only read. */
      readonly writeBack: boolean;
    };

export type LoginService = 'claude' | 'codex';

export type SecretStore =
  /** The desktop's: `security` on macOS, `secret-tool` elsewhere. */
  | { readonly kind: 'keychain'; readonly service: string; readonly account: string | null }
  /** 1Password: `op://VAULT/ITEM/FIELD`. */
  | { readonly kind: 'op'; readonly reference: string }
  | { readonly kind: 'vault'; readonly path: string; readonly field: string }
  /** AWS Secrets Manager. */
  | {
      readonly kind: 'aws';
      readonly secret: string;
      readonly region: string | null;
      readonly profile: string | null;
    }
  /** Google Cloud's Secret Manager. */
  | { readonly kind: 'gcp'; readonly secret: string; readonly version: string; readonly project: string | null };

export interface Egress {
  readonly mode: 'enforce';
  /** The spec's own entries first, then those of presets. Order matters: the first that matches decides. */
  readonly allow: readonly AllowEntry[];
  readonly deny: readonly DenyEntry[];
  /** What becomes of a request that no rule allows: `hold` asks a person. */
  readonly onDeny: 'block' | 'hold';
  /** Of all entries together; null = none. */
  readonly quota: Quota | null;
  /** null = the world is reached directly. */
  readonly upstreamProxy: UpstreamProxySpec | null;
  /** Those that the spec sets. */
  readonly limits: Partial<ProxyLimits>;
}

export interface UpstreamProxySpec extends UpstreamProxy {
  /** Absolute path of a PEM file: roots besides the machine's own, for the proxy and for what it presents; null = none. */
  readonly ca: string | null;
}

export interface AllowEntry {
  /** `allow.N`, `use.PRESET.N`, or the name that the spec gives. */
  readonly id: string;
  /** Lower case; a name, `*.x`, or an IP literal without brackets. */
  readonly host: string;
  readonly ports: readonly number[];
  /** `tls`: https that is passed through; `tls` and `tcp` are not inspected. */
  readonly scheme: 'https' | 'http' | 'tls' | 'tcp';
  /** Never empty. */
  readonly rules: readonly RouteRule[];
  /** Left out = requests may be anything. */
  readonly graphql?: GraphqlRule;
  /** Left out = pushes are requests like any other. */
  readonly push?: PushRule;
  readonly auth: Auth | null;
  /** Names of secrets, PEM: what the host sees in the TLS handshake; left out = nothing. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  readonly placeholder: PlaceholderSwap | null;
  /** Its answers hold tokens; left out = they pass as they are. */
  readonly tokens?: {
    readonly fields: readonly string[];
    /** Ids or hosts of the entries that take them; null = those of its own host. */
    readonly for: readonly string[] | null;
  };
  /** Ids of the entries whose tokens it takes; left out = of none. */
  readonly tokensFrom?: readonly string[];
  readonly dlp: {
    readonly onMatch: OnMatch;
    /** Detector ids, fingerprints, or `DETECTOR:FINGERPRINT`. */
    readonly except: readonly string[];
    /** By detector, before the bottle's own. */
    readonly actions: Readonly<Record<string, OnMatch>>;
  };
  /** Left out = cookies pass as they are. */
  readonly cookies?: 'hold';
  readonly allowPrivate: boolean;
  /** What was judged of a body of unknown length leaves while more may come; left out = bodies are held. */
  readonly holdRequest?: false;
  /** May the workspace's own source go there in large pieces? Counts with `dlp.workspace` alone. */
  readonly source: 'allowed' | 'refused';
  readonly errorShape: ErrorShape;
  readonly quota: Quota | null;
  /** Left out = while the session lives. */
  readonly expires?: Until;
}

export interface DenyEntry {
  /** `deny.N` */
  readonly id: string;
  readonly host: string;
}

export interface Dlp {
  /** What entries without a `dlp.on_match` of their own use. */
  readonly onMatch: OnMatch;
  readonly profile: ProfileName;
  /** Absolute path of a file of rules; null = none. */
  readonly rulesFile: string | null;
  readonly rules: readonly ThirdPartyRule[];
  /** Ids of the detectors that are on. */
  readonly detectors: readonly string[];
  /** What happens on a find of a detector, where not what `onMatch` says: the profile's and the spec's. */
  readonly actions: Readonly<Record<string, OnMatch>>;
  /** Names of secrets that are watched for only: the agent gets no placeholder for them. All other secrets are watched for as well. */
  readonly known: readonly string[];
  /** Fake secrets are planted in the agent. */
  readonly canaries: boolean;
  /** Large verbatim pieces of the workspace's own source are findings. */
  readonly workspace: boolean;
}

export interface Logs {
  /** Absolute directory that gets a copy of the audit log; null = the session's own directory alone. */
  readonly dir: string | null;
  /** How many ended sessions of this name keep their log. */
  readonly keep: number;
  readonly bodies: 'never';
}

/** Names of the secrets that a token is asked for with. */
export function inputsOf(source: SecretSource): readonly string[] {
  if (source.kind !== 'token' || source.issuer.kind !== 'oauth2') return [];
  return [source.issuer.clientSecret, source.issuer.refreshToken].filter((name) => name !== null);
}
