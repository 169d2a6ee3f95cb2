// How the command line tools of subscriptions keep a login in a file, and how they ask for its next access token. Pure.
// Sources: Codex' own sources (codex-rs/login), what Claude Code writes and sends; docs/research/2026-11-24-subscription-logins.md.
import { parseJsonObject } from '../../json-object.ts';
import type { LoginService } from '../../spec/bottle.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface Login {
  readonly access: string;
  /** null = it cannot be renewed. */
  readonly refresh: string | null;
  /** Milliseconds since 1970; null = nobody says. */
  readonly expiresAtMs: number | null;
  /** Granted scopes, where the file says them. */
  readonly scope: string | null;
}

export interface LoginShape {
  /** How its tool is told to log in. */
  readonly command: string;
  readonly tokenUrl: string;
  /** Public: it stands in the tool. */
  readonly clientId: string;
  read(file: Fields): Login | null;
  /** The file with the tokens of an answer; everything else in it stays. */
  renew(file: Fields, answer: Fields, now: Date): Fields;
}

const CLAUDE: LoginShape = {
  command: 'claude',
  tokenUrl: 'https://platform.claude.com/v1/oauth/token',
  clientId: '9d1c250a-e61b-44d9-88ed-5944d1962f5e',
  read(file) {
    const tokens = fieldsOf(file.claudeAiOauth);
    const access = textOf(tokens.accessToken);
    if (access === null) return null;
    const scopes = Array.isArray(tokens.scopes) ? tokens.scopes.filter((scope) => typeof scope === 'string') : [];
    return {
      access,
      refresh: textOf(tokens.refreshToken),
      expiresAtMs: typeof tokens.expiresAt === 'number' ? tokens.expiresAt : null,
      scope: scopes.length === 0 ? null : scopes.join(' '),
    };
  },
  renew(file, answer, now) {
    const tokens = fieldsOf(file.claudeAiOauth);
    const lifeSeconds = Number(answer.expires_in);
    const scope = textOf(answer.scope);
    const renewed = {
      ...tokens,
      accessToken: answer.access_token,
      refreshToken: textOf(answer.refresh_token) ?? tokens.refreshToken,
      ...(lifeSeconds > 0 ? { expiresAt: now.getTime() + lifeSeconds * 1000 } : {}),
      ...(scope === null ? {} : { scopes: scope.split(' ') }),
    };
    return { ...file, claudeAiOauth: renewed };
  },
};

const CODEX: LoginShape = {
  command: 'codex login',
  tokenUrl: 'https://auth.openai.com/oauth/token',
  clientId: 'app_EMoamEEZ73f0CkXaXp7hrann',
  read(file) {
    const tokens = fieldsOf(file.tokens);
    const access = textOf(tokens.access_token);
    if (access === null) return null;
    return { access, refresh: textOf(tokens.refresh_token), expiresAtMs: jwtExpiry(access), scope: null };
  },
  renew(file, answer, now) {
    const given = ['id_token', 'access_token', 'refresh_token'].flatMap((name) => {
      const value = textOf(answer[name]);
      return value === null ? [] : [[name, value]];
    });
    const tokens = { ...fieldsOf(file.tokens), ...Object.fromEntries(given) };
    return { ...file, tokens, last_refresh: now.toISOString() };
  },
};

export const LOGIN_SHAPES: Readonly<Record<LoginService, LoginShape>> = { claude: CLAUDE, codex: CODEX };

/** Milliseconds since 1970, of a token that is a JWT and says so; the signature is its issuer's business. */
function jwtExpiry(token: string): number | null {
  const payload = token.split('.')[1];
  if (payload === undefined) return null;
  const claims = parseJsonObject(Buffer.from(payload, 'base64url').toString('utf8'));
  return typeof claims?.exp === 'number' ? claims.exp * 1000 : null;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
