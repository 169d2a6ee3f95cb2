// Messages that agents really send and that hold no secret, made up anew each time: what must pass untouched.
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import type { Random } from '../../../src/dlp/detectors/random.ts';

export type Message = readonly [name: string, contentType: string, body: string | Buffer];

const json = (value: unknown): string => JSON.stringify(value);
const chat = (...contents: string[]): string =>
  json({
    model: 'm-1',
    max_tokens: 4096,
    messages: contents.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })),
  });
const sha = (algorithm: string, encoding: 'hex' | 'base64'): string =>
  createHash(algorithm).update(randomBytes(32)).digest(encoding);
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

export function benignMessages(random: Random): readonly Message[] {
  const { chars, number } = random;
  const word = (): string => chars('a-z', number(3, 9));
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), randomBytes(30_000)]);
  const jpeg = Buffer.concat([Buffer.from('ffd8ffe000104a46494600', 'hex'), randomBytes(60_000)]);
  const key = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  const lock = json({
    lockfileVersion: 3,
    packages: Object.fromEntries(
      many(200, () => [
        `node_modules/@${word()}/${word()}`,
        {
          version: `${number(0, 20)}.${number(0, 20)}.0`,
          resolved: `https://r.test/${word()}/-/${word()}-1.0.0.tgz`,
          integrity: `sha512-${sha('sha512', 'base64')}`,
          engines: { node: '>=18' },
        },
      ]),
    ),
  });
  const code = `export class TokenStore {\n  private readonly apiKey: string;\n  constructor(env: NodeJS.ProcessEnv) {\n    this.apiKey = env.ANTHROPIC_API_KEY ?? '';\n    if (!this.apiKey.startsWith('sk-ant-')) throw new Error('ANTHROPIC_API_KEY must begin with sk-ant-');\n  }\n  get secret_access_key() { return process.env.AWS_SECRET_ACCESS_KEY; }\n}\n`;
  const minified = many(
    400,
    () =>
      `function ${chars('a-z', 2)}(${chars('a-z', 1)}){return ${chars('a-zA-Z', 3)}[${number(0, 99)}]?${chars('a-z', 2)}.${chars('a-zA-Z', 6)}("${chars('A-Za-z0-9', 6)}"):0x${chars('0-9a-f', 4)}}`,
  ).join(';');
  const diff = `diff --git a/src/${word()}.ts b/src/${word()}.ts\nindex ${chars('0-9a-f', 7)}..${chars('0-9a-f', 7)} 100644\n--- a/src/x.ts\n+++ b/src/x.ts\n@@ -1,4 +1,6 @@\n-const token = process.env.GITHUB_TOKEN;\n+const token = readToken(env, 'GITHUB_TOKEN');\n+if (token.startsWith('ghp_')) warn('classic tokens are going away');\n`;
  const yaml = `services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: postgres\n  web:\n    environment:\n      DATABASE_URL: postgres://postgres:postgres@db:5432/app\n      REDIS_URL: redis://redis:6379/0\n      SECRET_KEY: \${SECRET_KEY}\n`;
  return [
    ['a conversation', 'application/json', chat('hello', 'How can I help?', `please look at src/${word()}.ts`)],
    ['a conversation with code', 'application/json', chat(`Here is the file:\n\`\`\`ts\n${code}\`\`\``, 'Thanks.')],
    ['a conversation with a diff', 'application/json', chat(diff)],
    ['a conversation with a compose file', 'application/json', chat(yaml)],
    [
      'a conversation about token prefixes',
      'application/json',
      chat(
        'GitHub tokens begin with ghp_, gho_, ghu_, ghs_ or github_pat_; GitLab has glpat-, Slack xoxb- and xoxp-, Stripe sk_live_ and sk_test_, AWS AKIA and ASIA, npm npm_, Anthropic sk-ant-api03-, OpenAI sk-proj-.',
      ),
    ],
    [
      'documentation with placeholders',
      'text/markdown',
      'export GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nexport ANTHROPIC_API_KEY=sk-ant-api03-...\nexport OPENAI_API_KEY=your-api-key-here\nexport STRIPE_KEY=sk_live_xxxxxxxxxxxxxxxxxxxxxxxx\nexport SLACK=xoxb-your-bot-token-goes-right-here\n',
    ],
    [
      'the examples of AWS documentation',
      'text/plain',
      '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n',
    ],
    ['a lock file', 'application/json', lock],
    ['a lock file in a conversation', 'application/json', chat(lock)],
    [
      'a yarn lock',
      'text/plain',
      many(
        50,
        () =>
          `"@${word()}/${word()}@^1.0.0":\n  version "1.0.${number(0, 9)}"\n  resolved "https://r.test/${word()}.tgz#${sha('sha1', 'hex')}"\n  integrity sha512-${sha('sha512', 'base64')}\n`,
      ).join('\n'),
    ],
    [
      'a go.sum',
      'text/plain',
      many(
        80,
        () =>
          `github.com/${word()}/${word()} v1.2.${number(0, 40)} h1:${sha('sha256', 'base64')}\ngithub.com/${word()}/${word()} v0.1.0/go.mod h1:${sha('sha256', 'base64')}`,
      ).join('\n'),
    ],
    [
      'a Cargo.lock',
      'text/plain',
      many(
        60,
        () =>
          `[[package]]\nname = "${word()}"\nversion = "0.${number(1, 30)}.0"\nchecksum = "${sha('sha256', 'hex')}"\n`,
      ).join('\n'),
    ],
    [
      'a poetry.lock',
      'text/plain',
      many(60, () => `    {file = "${word()}-1.0-py3-none-any.whl", hash = "sha256:${sha('sha256', 'hex')}"},`).join(
        '\n',
      ),
    ],
    [
      'a git log',
      'text/plain',
      many(60, () => `commit ${sha('sha1', 'hex')}\nAuthor: A <a@b.test>\n\n    ${word()} ${word()}\n`).join('\n'),
    ],
    [
      'a git packet-line negotiation',
      'application/x-git-upload-pack-request',
      many(30, () => `0032want ${sha('sha1', 'hex')}\n`).join(''),
    ],
    [
      'a git pack',
      'application/x-git-receive-pack-request',
      Buffer.concat([
        Buffer.from(`00a0${sha('sha1', 'hex')} ${sha('sha1', 'hex')} refs/heads/main\0 report-status0000PACK`),
        ...many(30, () => deflateSync(`blob ${code}${word()}`)),
      ]),
    ],
    [
      'UUIDs',
      'application/json',
      json(many(100, () => ({ id: randomUUID(), parent: randomUUID(), trace: chars('0-9a-f', 32) }))),
    ],
    [
      'trace headers',
      'application/json',
      json(
        many(50, () => ({
          traceparent: `00-${chars('0-9a-f', 32)}-${chars('0-9a-f', 16)}-01`,
          span: chars('0-9a-f', 16),
        })),
      ),
    ],
    [
      'telemetry',
      'application/json',
      json({
        resourceSpans: many(40, () => ({
          traceId: chars('0-9a-f', 32),
          spanId: chars('0-9a-f', 16),
          name: 'POST',
          startTimeUnixNano: `${number(1e9, 2e9)}000000000`,
        })),
      }),
    ],
    [
      'telemetry as NDJSON',
      'application/x-ndjson',
      many(60, () => json({ event: word(), ts: Date.now(), session: randomUUID(), ok: true })).join('\n'),
    ],
    [
      'a PNG in a conversation',
      'application/json',
      json({
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png.toString('base64') } },
            ],
          },
        ],
      }),
    ],
    ['a JPEG as a data URL', 'application/json', json({ url: `data:image/jpeg;base64,${jpeg.toString('base64')}` })],
    ['a JPEG as it is', 'image/jpeg', jpeg],
    ['random binary', 'application/octet-stream', randomBytes(300_000)],
    ['base64 of random binary', 'application/json', json({ blob: randomBytes(300_000).toString('base64') })],
    ['base64url of random binary', 'application/json', json({ blob: randomBytes(200_000).toString('base64url') })],
    ['hex of random binary', 'text/plain', randomBytes(100_000).toString('hex')],
    [
      'MIME base64',
      'message/rfc822',
      `Content-Transfer-Encoding: base64\r\n\r\n${randomBytes(60_000).toString('base64').replaceAll(/.{76}/g, '$&\r\n')}`,
    ],
    [
      'a font in CSS',
      'text/css',
      `@font-face{src:url(data:font/woff2;base64,${randomBytes(40_000).toString('base64')})}`,
    ],
    [
      'embeddings',
      'application/json',
      json({ data: many(10, () => ({ embedding: many(500, () => number(-1e9, 1e9) / 1e9) })) }),
    ],
    [
      'embeddings as base64',
      'application/json',
      json({
        embedding: Buffer.from(new Float32Array(many(1536, () => number(-1e6, 1e6) / 1e6)).buffer).toString('base64'),
      }),
    ],
    ['token ids', 'application/json', json({ tokens: many(3000, () => number(0, 50_000)) })],
    ['pixels', 'application/json', json({ pixels: many(5000, () => number(0, 255)) })],
    ['small numbers', 'text/csv', many(400, () => many(10, () => number(0, 120)).join(',')).join('\n')],
    ['minified JavaScript', 'application/javascript', minified],
    ['minified JavaScript in a conversation', 'application/json', chat(minified)],
    [
      'a source map',
      'application/json',
      json({ version: 3, sources: [word()], mappings: many(2000, () => chars('A-Za-z0-9+/', number(4, 8))).join(',') }),
    ],
    ['a public key', 'text/plain', key.publicKey],
    ['a public key in a conversation', 'application/json', chat(key.publicKey)],
    [
      'a certificate',
      'text/plain',
      `-----BEGIN CERTIFICATE-----\n${many(20, () => chars('A-Za-z0-9+/', 64)).join('\n')}\n-----END CERTIFICATE-----\n`,
    ],
    [
      'a certificate request',
      'application/json',
      json({
        csr: `-----BEGIN CERTIFICATE REQUEST-----\n${many(10, () => chars('A-Za-z0-9+/', 64)).join('\n')}\n-----END CERTIFICATE REQUEST-----\n`,
      }),
    ],
    [
      'an authorized_keys line',
      'text/plain',
      `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${chars('A-Za-z0-9+/', 43)} me@host\nssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ${chars('A-Za-z0-9+/', 500)} me@host\n`,
    ],
    [
      'a JWKS',
      'application/json',
      json({
        keys: [
          { ...jwk, use: 'sig', kid: chars('A-Za-z0-9_-', 43) },
          { kty: 'RSA', n: chars('A-Za-z0-9_-', 342), e: 'AQAB', kid: chars('0-9a-f', 40) },
        ],
      }),
    ],
    [
      'a PGP message',
      'text/plain',
      `-----BEGIN PGP SIGNATURE-----\n\n${many(8, () => chars('A-Za-z0-9+/', 64)).join('\n')}\n-----END PGP SIGNATURE-----\n`,
    ],
    [
      'code that handles keys',
      'application/json',
      chat(
        "if (text.includes('-----BEGIN RSA PRIVATE KEY-----') || text.includes('-----BEGIN OPENSSH PRIVATE KEY-----')) {\n  throw new Error('a private key must not be committed to the repository under any circumstances whatsoever');\n}\n",
      ),
    ],
    [
      'signatures of thinking blocks',
      'application/json',
      json({
        messages: [
          {
            role: 'assistant',
            content: [{ type: 'thinking', thinking: 'Let me see.', signature: `${chars('A-Za-z0-9+/', 600)}==` }],
          },
        ],
      }),
    ],
    [
      'page tokens',
      'application/json',
      json({
        pageToken: Buffer.from(json({ after: chars('a-z0-9', 20), limit: 50 })).toString('base64'),
        next_cursor: chars('A-Za-z0-9_=-', 60),
      }),
    ],
    [
      'tool call ids',
      'application/json',
      json(
        many(30, () => ({
          id: `toolu_${chars('A-Za-z0-9', 24)}`,
          call: `call_${chars('A-Za-z0-9', 24)}`,
          msg: `msg_${chars('A-Za-z0-9', 24)}`,
          req: `req_${chars('A-Za-z0-9', 24)}`,
          chat: `chatcmpl-${chars('A-Za-z0-9', 29)}`,
        })),
      ),
    ],
    [
      'ids of a payment service',
      'application/json',
      json(
        many(30, () => ({
          customer: `cus_${chars('A-Za-z0-9', 14)}`,
          intent: `pi_${chars('A-Za-z0-9', 24)}`,
          key: `pk_live_${chars('A-Za-z0-9', 24)}`,
          event: `evt_${chars('A-Za-z0-9', 24)}`,
        })),
      ),
    ],
    [
      'CSS classes',
      'text/html',
      `<div class="sk-loading sk-cube-grid sk-ant-design-wrapper risk-management-dashboard task-list-item-checkbox-wrapper">${many(40, () => `<i class="css-${chars('a-z0-9', 8)} sc-${chars('a-zA-Z', 6)}"></i>`).join('')}</div>`,
    ],
    [
      'HTML with entities',
      'text/html',
      many(60, () => `<p>${word()} &amp; ${word()} &lt;${word()}&gt; &#39;${word()}&#39; &nbsp; &#x2019;</p>`).join(''),
    ],
    [
      'a URL list',
      'text/plain',
      many(
        60,
        () =>
          `https://${word()}.test/${word()}/${chars('A-Za-z0-9_-', 11)}?utm_source=${word()}&id=${number(1, 1e6)}#${word()}`,
      ).join('\n'),
    ],
    [
      'URLs with users, ports and at signs',
      'text/plain',
      'https://host.test:8443/@scope/pkg\nhttps://medium.test/@me/post-1a2b\ngit@git.test:acme/app.git\nssh://git@git.test:22/acme/app.git\nhttp://localhost:3000/a:b@c\nhttps://user@host.test/x\n',
    ],
    [
      'a search query',
      'application/x-www-form-urlencoded',
      `q=${encodeURIComponent('how to rotate a "github_pat_" token & keep sk-live keys safe?')}&page=2&lang=en`,
    ],
    [
      'a form',
      'application/x-www-form-urlencoded',
      `name=A+B&comment=${encodeURIComponent('100% sure, 5 < 6 & 7 > 3; naïve café')}&csrf=${chars('A-Za-z0-9', 43)}`,
    ],
    [
      'a multipart upload',
      'multipart/form-data; boundary=x7',
      Buffer.concat([
        Buffer.from(
          `--x7\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--x7\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n`,
        ),
        png,
        Buffer.from('\r\n--x7--\r\n'),
      ]),
    ],
    [
      'a package upload',
      'application/json',
      json({
        name: word(),
        _attachments: { 'x.tgz': { data: gzipSync(code.repeat(200)).toString('base64') } },
        dist: { shasum: sha('sha1', 'hex'), integrity: `sha512-${sha('sha512', 'base64')}` },
      }),
    ],
    [
      'a GraphQL query',
      'application/json',
      json({
        query:
          'query($owner:String!,$name:String!){repository(owner:$owner,name:$name){pullRequests(first:20,after:"Y3Vyc29yOnYyOpHOAA"){nodes{id title}}}}',
        variables: { owner: word(), name: word() },
      }),
    ],
    [
      'node ids',
      'application/json',
      json(many(40, () => ({ node_id: `PR_kwDO${chars('A-Za-z0-9_-', 14)}`, sha: sha('sha1', 'hex') }))),
    ],
    [
      'a Kubernetes manifest',
      'application/yaml',
      `apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata:\n  tls.crt: ${chars('A-Za-z0-9+/', 800)}\n  ca.crt: ${chars('A-Za-z0-9+/', 400)}\n`,
    ],
    [
      'a Dockerfile',
      'text/plain',
      `FROM node:24@sha256:${sha('sha256', 'hex')}\nARG NPM_TOKEN\nRUN --mount=type=secret,id=npm npm config set //registry/:_authToken=\${NPM_TOKEN}\n`,
    ],
    [
      'a workflow file',
      'text/plain',
      `env:\n  GITHUB_TOKEN: \${{ secrets.GITHUB_TOKEN }}\n  AWS_SECRET_ACCESS_KEY: \${{ secrets.AWS_SECRET_ACCESS_KEY }}\n  NPM_TOKEN: \${{ secrets.NPM_TOKEN }}\n`,
    ],
    [
      'an environment template',
      'text/plain',
      'DATABASE_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE\nREDIS_URL=redis://:password@localhost:6379\nJWT_SECRET=change-me\nAPI_KEY=<your-api-key>\nAWS_ACCESS_KEY_ID=\nAWS_SECRET_ACCESS_KEY=\n',
    ],
    [
      'a stack trace',
      'text/plain',
      many(
        30,
        () =>
          `    at ${chars('A-Za-z', 12)} (file:///app/node_modules/${word()}/dist/${word()}.js:${number(1, 999)}:${number(1, 99)})`,
      ).join('\n'),
    ],
    [
      'a hex dump',
      'text/plain',
      many(
        80,
        (i) =>
          `${(i * 16).toString(16).padStart(8, '0')}: ${many(8, () => chars('0-9a-f', 4)).join(' ')}  ${chars('a-z.', 16)}`,
      ).join('\n'),
    ],
    [
      'MAC addresses and fingerprints',
      'text/plain',
      many(
        40,
        () =>
          `${many(6, () => chars('0-9a-f', 2)).join(':')} SHA256:${sha('sha256', 'base64').slice(0, 43)} ${many(16, () => chars('0-9A-F', 2)).join(':')}`,
      ).join('\n'),
    ],
    [
      'Russian',
      'text/plain',
      'Это обычный текст на русском языке, с API и HTTP/2, и в нём нет ничего особенного. '.repeat(60),
    ],
    [
      'Chinese with Latin words',
      'text/plain',
      '请使用API接口读取README文件，然后运行npm install。全角字符：ＡＢＣ１２３。'.repeat(60),
    ],
    [
      'emoji and typographic quotes',
      'application/json',
      chat(
        '“Smart” quotes — and dashes – and ellipses… and emoji 👩‍👩‍👧‍👦 🇩🇪 👍🏽, naïve café, non breaking­hyphen'.repeat(
          20,
        ),
      ),
    ],
    [
      'JSON with escaped Unicode',
      'application/json',
      `{"text":"${'Stra\\u00dfe \\u2019 caf\\u00e9 \\ud83d\\ude00 \\u4f60\\u597d '.repeat(100)}"}`,
    ],
    [
      'terminal output',
      'text/plain',
      many(60, () => `\\u001b[32m✓\\u001b[0m ${word()} \\x1b[1m${number(1, 999)}ms\\033[0m`).join('\n'),
    ],
    [
      'a regular expression list',
      'application/json',
      json({
        rules: [
          'ghp_[0-9A-Za-z]{36}',
          'AKIA[0-9A-Z]{16}',
          'xox[baprs]-[0-9A-Za-z-]{10,48}',
          'sk-ant-[\\w-]{90,}',
          '-----BEGIN[ A-Z]*PRIVATE KEY',
          'eyJ[\\w-]+\\.eyJ[\\w-]+\\.[\\w-]+',
        ],
      }),
    ],
    [
      'the token that every JWT tutorial shows',
      'text/plain',
      `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.${Buffer.from('{"sub":"1234567890","name":"John Doe","iat":1516239022}').toString('base64url')}.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c`,
    ],
    [
      'a cache key',
      'application/json',
      json({
        key: `node-modules-linux-x64-${sha('sha256', 'hex')}`,
        etag: `W/"${chars('A-Za-z0-9+/', 27)}"`,
        'idempotency-key': `stainless-node-retry-${randomUUID()}`,
      }),
    ],
    [
      'protobuf',
      'application/grpc',
      Buffer.concat(
        many(100, () =>
          Buffer.concat([
            Buffer.from([0x0a, 12]),
            Buffer.from(chars('a-z', 12)),
            Buffer.from([0x12, 4]),
            randomBytes(4),
          ]),
        ),
      ),
    ],
    [
      'UTF-16 text',
      'text/plain; charset=utf-16le',
      Buffer.from('An ordinary text in another encoding, nothing to see here. '.repeat(50), 'utf16le'),
    ],
    ['wasm', 'application/wasm', Buffer.concat([Buffer.from('0061736d01000000', 'hex'), randomBytes(100_000)])],
    ['prose', 'text/plain', many(3000, word).join(' ')],
    ['prose of short words', 'text/plain', many(3000, () => chars('a-z', number(1, 3))).join(' ')],
    [
      'camel case and constants',
      'text/plain',
      many(
        400,
        () =>
          `${word()}${chars('A-Z', 1)}${word()}${chars('A-Z', 1)}${word()} ${chars('A-Z', 6)}_${chars('A-Z', 5)}_KEY get${chars('A-Z', 1)}${word()}By${chars('A-Z', 1)}${word()}Id`,
      ).join(' '),
    ],
  ];
}
