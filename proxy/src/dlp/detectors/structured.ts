// JSON Web Tokens, and credentials inside URLs and connection strings.
import { AUTHORITY, charset, DIGIT, WORD_DASH } from '../charsets.ts';
import { type Detector, detector, isExample } from './detector.ts';

const DATABASES = [
  'postgres',
  'postgresql',
  'mysql',
  'mariadb',
  'mongodb',
  'mongodb+srv',
  'redis',
  'rediss',
  'amqp',
  'amqps',
  'mssql',
];
const MORE_DATABASES = [
  'sqlserver',
  'clickhouse',
  'cockroachdb',
  'nats',
  'kafka',
  'ldap',
  'ldaps',
  'postgresql+psycopg2',
  'postgresql+asyncpg',
  'mysql+pymysql',
  'cloudinary',
];
const WEB = [
  'http',
  'https',
  'ftp',
  'ftps',
  'sftp',
  'ssh',
  'git',
  'smtp',
  'smtps',
  'imap',
  'imaps',
  'ws',
  'wss',
  'socks5',
  'git+https',
];
const SCHEMES = new Set([...DATABASES, ...MORE_DATABASES, ...WEB]);
/** Longest `user:password@host` that is looked at, in bytes. */
const AUTHORITY_BYTES = 512;

/** What stands where a password would: common words, templates, ports. */
const NO_PASSWORD =
  /^(?:postgres|postgresql|mysql|mongo|mongodb|redis|rabbitmq|root|admin|administrator|user|username|guest|test|tests|testing|testpass|example|secret|mysecret|mysecretpassword|my[_-]?password|p(?:a|%40|@)ss(?:word\d{0,3}|wd)|passwd|passw0rd|pass|p4ss|pwd|pw|hunter2|token|api[_-]?key|key|changeme|change[_-]me|default|local|dev|development|foo|bar|baz|qwerty|letmein|x+|\*+|\.+|-+|_+|1234(?:5(?:6(?:78?9?0?)?)?)?|.*(?:your|placeholder|redacted|<|>|\{|\}|\$|\*\*\*|\.\.\.|%[sd]|xxxx).*)$/i;

export const structured: readonly Detector[] = [
  detector({
    id: 'jwt',
    description: 'JSON Web Token: signed (three parts) or encrypted (five parts)',
    source: 'RFC 7519; RFC 7515 section 3; RFC 7516 section 3',
    // Base64url of `{"a`, `{"t`, `{"k`, ... : the first letter of the header's first member.
    keywords: ['eyJh', 'eyJ0', 'eyJr', 'eyJj', 'eyJ4', 'eyJl', 'eyJi', 'eyJq', 'eyJ6', 'eyJ1', 'ewog', 'ewoJ', 'eyAi'],
    match(view, at) {
      const ends = [view.runEnd(WORD_DASH, at)];
      while (ends.length < 5 && view.bytes[ends.at(-1)!] === 0x2e) ends.push(view.runEnd(WORD_DASH, ends.at(-1)! + 1));
      const header = ends[0]!;
      if (ends.length < 3 || header - at < 14 || header - at > 4096) return null;
      const signature = ends[2]! - ends[1]! - 1;
      const isEncrypted = ends.length === 5 && ends[4]! - ends[3]! > 16;
      if (isEncrypted) return { start: at, end: ends[4]! };
      return ends[1]! - header > 8 && signature >= 20 ? { start: at, end: ends[2]! } : null;
    },
    accept(found) {
      const [header, payload] = found.split('.');
      const fields = decodeObject(header!);
      if (fields === null || typeof fields.alg !== 'string' || fields.alg.toLowerCase() === 'none') return false;
      if ('enc' in fields) return true;
      // Claims are an object; what is signed otherwise says so in its header.
      if (!/^e[w-z]/.test(payload!) && fields.cty === undefined && fields.b64 === undefined) return false;
      // The token that the format's own web site and every tutorial shows.
      return !/"name":\s*"John Doe"/.test(Buffer.from(payload!, 'base64url').toString('latin1'));
    },
    truePositives(random) {
      const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const body = part({ sub: random.chars('a-z0-9', 12), exp: random.number(1e9, 2e9) });
      return [
        `${part({ alg: 'HS256', typ: 'JWT' })}.${body}.${random.chars('A-Za-z0-9_-', 43)}`,
        `${part({ typ: 'JWT', alg: 'RS256', kid: random.chars('a-f0-9', 20) })}.${body}.${random.chars('A-Za-z0-9_-', 342)}`,
        `${part({ alg: 'dir', enc: 'A256GCM' })}..${random.chars('A-Za-z0-9_-', 16)}.${random.chars('A-Za-z0-9_-', 80)}.${random.chars('A-Za-z0-9_-', 22)}`,
      ];
    },
    falsePositives: (random) => [
      Buffer.from(JSON.stringify({ after: random.chars('a-z0-9', 20), offset: 10 })).toString('base64url'),
      `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.${Buffer.from('{"sub":"1234567890","name":"John Doe","iat":1516239022}').toString('base64url')}.${random.chars('A-Za-z0-9_-', 43)}`,
      `eyJhbGciOi.${random.chars('a-z', 10)}.min.js`,
      `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${random.chars('A-Z', 30)}.${random.chars('A-Za-z0-9', 43)}`,
      `${Buffer.from('{"after":"x","first":20}').toString('base64url')}.${random.chars('A-Za-z0-9', 30)}.${random.chars('A-Za-z0-9', 30)}`,
    ],
  }),
  detector({
    id: 'url-password',
    description: 'User and password inside a URL or connection string',
    source: "RFC 3986 section 3.2.1 (userinfo); the databases' connection string documentation",
    keywords: ['p://', 's://', 'l://', 'b://', 'q://', 'v://', 'r://', 'h://', 't://', '2://', 'y://', '5://', 'a://'],
    match(view, at) {
      const start = at + 4;
      const end = Math.min(view.runEnd(AUTHORITY, start), start + AUTHORITY_BYTES);
      let sign = -1;
      let colon = -1;
      for (let i = start; i < end; i++) {
        if (view.bytes[i] === 0x40) sign = i;
        else if (view.bytes[i] === 0x3a && colon < 0) colon = i;
      }
      if (sign < 0 || colon < 0 || colon > sign - 5 || end - sign < 3) return null;
      const before = view.runBefore(SCHEME, at + 1, 24);
      if (!SCHEMES.has(view.text(at + 1 - before, at + 1).toLowerCase())) return null;
      return { start: at + 1 - before, end: hostEnd(view.bytes, sign + 1, end) };
    },
    accept(found) {
      const sign = found.lastIndexOf('@');
      const userinfo = found.slice(found.indexOf('://') + 3, sign);
      const user = userinfo.slice(0, userinfo.indexOf(':'));
      const password = userinfo.slice(user.length + 1);
      if (password.length < 4 || NO_PASSWORD.test(password) || password.toLowerCase() === user.toLowerCase())
        return false;
      if (/^\d{2,5}\/?$/.test(password) || isBracketed(userinfo)) return false;
      const host = found.slice(sign + 1);
      if (!/^[A-Za-z0-9[_]/.test(host)) return false;
      // On one's own machine a short word is a convention, not a secret.
      return (
        !/^(?:localhost|127\.|\[?::1|0\.0\.0\.0|host\.docker)/.test(host) ||
        (password.length >= 12 && /\d/.test(password))
      );
    },
    truePositives(random) {
      const password = (): string =>
        `${random.chars('A-Za-z', 6)}${random.chars('0-9', 3)}${random.chars('A-Za-z0-9_-', 9)}`;
      return [
        ...[...DATABASES, 'https', 'ftp'].map((scheme) => `${scheme}://app:${password()}@db.internal.test:5432/main`),
        `redis://:${password()}@cache:6379/0`,
        `git clone https://x-access-token:${password()}@git.test/acme/app.git`,
        `DATABASE_URL="postgres://u:${random.chars('A-Za-z0-9', 4)}%40${random.chars('A-Za-z0-9', 8)}@10.1.2.3/db"`,
      ];
    },
    falsePositives: () => [
      ...[
        'postgres://postgres:postgres@localhost:5432/app',
        'mysql://root:password@db/app',
        'https://user:pass@host.test/',
        'http://jane:p%40ssword@host.test',
      ],
      ...[
        'https://example.test:8443/a@b',
        'redis://localhost:6379',
        `postgres://user:$${'{PASSWORD}'}@db/app`,
        'http://a.test/x?y=z:w@v',
      ],
      ...[
        'postgres://USER:<your password>@host/db',
        'git@host.test:acme/app.git',
        'https://host.test/@scope/name:1.2.3@latest',
      ],
      ...['amqp://guest:guest@rabbit:5672', 'https://medium.test/@name/title-1234', 'mongodb://user:****@host'],
    ],
  }),
  detector({
    id: 'connection-password',
    description: 'Password of an ADO.NET, ODBC, JDBC or libpq connection string',
    source:
      'Microsoft Learn, "Connection string syntax"; PostgreSQL Docs, "Connection strings"; JDBC drivers\' documentation',
    keywords: ['password=', 'pwd='],
    anyCase: true,
    match(view, at, keyword) {
      const start = at + keyword.length;
      const end = Math.min(view.runEnd(CONNECTION_VALUE, start), start + PASSWORD_BYTES);
      if (end - start < 6 || view.runBefore(WORD_DASH, at, 1) > 0) return null;
      if (at < view.reached(NO_CONNECTION)) return null;
      const from = Math.max(0, at - CONNECTION_BYTES);
      // One look for many passwords that stand close together.
      const far = at + CONNECTION_STEP + PASSWORD_BYTES + CONNECTION_BYTES;
      if (!isConnection(`;${view.text(from, Math.min(view.length, far))}`)) {
        view.setReached(NO_CONNECTION, at + CONNECTION_STEP);
        return null;
      }
      const to = Math.min(view.length, end + CONNECTION_BYTES);
      return isConnection(`;${view.text(from, at)};${view.text(end, to)}`) ? { start, end } : null;
    },
    accept: (found) => !isExample(found) && !NO_PASSWORD.test(found) && !/^[%$({<]|^process\.|\(/.test(found),
    truePositives(random) {
      const password = (): string => `${random.chars('A-Za-z', 6)}9${random.chars('A-Za-z0-9', 8)}`;
      return [
        `Server=tcp:db.test,1433;Database=app;User ID=svc;Password=${random.chars('A-Za-z', 6)}9!${random.chars('A-Za-z0-9', 8)};Encrypt=True`,
        `Password=${password()};User ID=svc;Data Source=db.test;Initial Catalog=app`,
        `Driver={ODBC Driver 18 for SQL Server};Server=db.test;UID=svc;PWD=${password()}`,
        `jdbc:postgresql://db.test:5432/app?user=svc&password=${password()}`,
        `jdbc:mysql://db.test/app?user=svc&password=${password()}&useSSL=true`,
        `jdbc:sqlserver://db.test:1433;databaseName=app;user=svc;password=${password()}`,
        `host=db.test port=5432 dbname=app user=svc password=${password()} sslmode=require`,
      ];
    },
    falsePositives: () => [
      'Server=db;User Id=sa;Password=changeme;',
      'a;password=x',
      'Server=db;User Id=sa;Password={your_password};',
      'username=me&password=correct-horse-9-battery',
      'host=db dbname=app user=svc password=$DB_PASSWORD1',
    ],
  }),
];

const SCHEME = charset('A-Za-z0-9+_-');
const CONNECTION_VALUE = charset('A-Za-z0-9%._~!$()*+,=:@?#^{}|[]/-');
/** How far around a password the rest of its connection string is looked for, in bytes. */
const CONNECTION_BYTES = 240;
const PASSWORD_BYTES = 128;
/** Where no connection string was, there is none so many bytes further. */
const CONNECTION_STEP = 256;
const NO_CONNECTION = {};
const CONNECTION =
  /jdbc:[a-z0-9]{2,20}:|(?:[;"'`\s=]|\\[nrt])(?:server|data source|datasource|address|addr|network address|dsn|driver)\s?=/i;
const CONNECTION_HOST = /(?:[\s;"'`=]|\\[nrt])host(?:name|addr)?=/i;
const CONNECTION_DATABASE = /(?:[\s;"'`=]|\\[nrt])(?:dbname|database|port)=/i;

const isConnection = (around: string): boolean =>
  CONNECTION.test(around) || (CONNECTION_HOST.test(around) && CONNECTION_DATABASE.test(around));

const isBracketed = (userinfo: string): boolean => /^[[{<].*[\]}>]$/.test(userinfo);

function hostEnd(bytes: Uint8Array, from: number, most: number): number {
  let end = from;
  while (end < most && (DIGIT.table[bytes[end]!] !== 0 || HOST.test(String.fromCharCode(bytes[end]!)))) end++;
  return end;
}
const HOST = /[A-Za-z0-9._:[\]-]/;

function decodeObject(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null; // Not JSON, so not a token's header: the answer, not an error.
  }
}
