// The access token of a login that a tool keeps in a file, which that tool and other sessions use as well: the file is the only truth. When the
// token is about to expire, or is refused, the next one is asked for, and what came goes into the file before anybody uses it: the refresh
// token that was asked with may be good once only.
import { parseJsonObject } from '../../json-object.ts';
import type { TokenIssuer } from '../../spec/bottle.ts';
import type { IssuedToken, IssueParts } from '../issue-token.ts';
import { askForToken } from '../token-endpoint.ts';
import { Unresolved } from '../unresolved.ts';
import { withLock } from './lock.ts';
import { LOGIN_SHAPES, type Login } from './login-shapes.ts';
import { assertReplaceable, replaceFile } from './replace-file.ts';

type LoginIssuer = Extract<TokenIssuer, { kind: 'login' }>;

/** With less left of it, a token is renewed: whoever keeps it fresh comes five minutes before the end. In ms. */
const MARGIN_MS = 6 * 60_000;

export async function loginToken(issuer: LoginIssuer, parts: IssueParts): Promise<IssuedToken> {
  const first = await read(issuer, parts);
  if (isGood(first.login, parts)) return issued(first.login, parts);
  if (!issuer.writeBack) return asItIs(issuer, first.login, parts);
  try {
    return await withLock(issuer.file, async () => {
      // Another session, or the tool itself, may have been here meanwhile.
      const { text, fields, login } = await read(issuer, parts);
      if (isGood(login, parts)) return issued(login, parts);
      return renew(issuer, { text, fields, login }, parts);
    });
  } catch (error) {
    // Good for a while: whoever keeps it fresh tries again.
    if (error instanceof Unresolved && isAlive(first.login, parts)) return issued(first.login, parts);
    throw error;
  }
}

interface Found {
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly login: Login;
}

async function read({ of, file }: LoginIssuer, { readKey }: IssueParts): Promise<Found> {
  const text = await readKey(file);
  const fields = parseJsonObject(text);
  const login = fields === null ? null : LOGIN_SHAPES[of].read(fields);
  if (fields === null || login === null)
    throw new Unresolved(`there is no login in the file; run ${LOGIN_SHAPES[of].command} on this machine`);
  return { text, fields, login };
}

async function renew(issuer: LoginIssuer, found: Found, parts: IssueParts): Promise<IssuedToken> {
  const shape = LOGIN_SHAPES[issuer.of];
  const { refresh, scope } = found.login;
  if (refresh === null) throw new Unresolved(`the login cannot be renewed; run ${shape.command} on this machine`);
  // Before the old refresh token is used up.
  await assertReplaceable(issuer.file);
  const body = {
    ...{ grant_type: 'refresh_token', refresh_token: refresh, client_id: shape.clientId },
    ...(scope === null ? {} : { scope }),
  };
  const answer = await askForToken({
    url: issuer.tokenUrl ?? shape.tokenUrl,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    // Not broken off when the session ends: what the answer holds takes the place of what was used up by asking.
    ...{ roots: parts.roots, signal: undefined },
  });
  if (typeof answer.access_token !== 'string' || answer.access_token === '')
    throw new Unresolved('the token endpoint gave no token');
  const renewed = shape.renew(found.fields, answer, parts.now);
  const login = shape.read(renewed);
  if (login === null) throw new Unresolved('the token endpoint gave no token');
  const isWritten = await replaceFile(issuer.file, found.text, `${JSON.stringify(renewed, null, 2)}\n`);
  // Somebody logged in while we asked: theirs is the newer login.
  return issued(isWritten ? login : (await read(issuer, parts)).login, parts);
}

/** The file's own token, for people who let nothing be written: their tool renews it. */
function asItIs(issuer: LoginIssuer, login: Login, parts: IssueParts): IssuedToken {
  if (isAlive(login, parts) || login.access === parts.refused) return issued(login, parts);
  const { command } = LOGIN_SHAPES[issuer.of];
  throw new Unresolved(`the login has expired; start ${command} on this machine, or set write_back: true`);
}

const leftMs = ({ expiresAtMs }: Login, { now }: IssueParts): number =>
  expiresAtMs === null ? Number.POSITIVE_INFINITY : expiresAtMs - now.getTime();

/** Nobody refused it, and it lasts. */
const isGood = (login: Login, parts: IssueParts): boolean =>
  login.access !== parts.refused && leftMs(login, parts) > MARGIN_MS;

const isAlive = (login: Login, parts: IssueParts): boolean =>
  login.access !== parts.refused && leftMs(login, parts) > 0;

function issued(login: Login, parts: IssueParts): IssuedToken {
  const left = leftMs(login, parts);
  return { value: login.access, lifeMs: Number.isFinite(left) ? Math.max(0, left) : null, rotated: null };
}
