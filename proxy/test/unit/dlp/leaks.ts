// Where a token stands when nobody hides it: dumps, diffs, logs, states, archives of requests. Whole bodies; data for the tests of recall.
import type { Dress } from './dresses.ts';

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const json = (value: unknown): string => JSON.stringify(value);
const lines = (text: string, before: string): string =>
  text
    .split('\n')
    .map((line) => before + line)
    .join('\n');
const wrap = (text: string, width: number): string[] => text.match(new RegExp(`.{1,${width}}`, 'gs')) ?? [];
const part = (head: string, body: string): string =>
  `--b0undary\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`;
const xml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const form = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');

/** What a token is put into, where nothing is meant to hide it. */
export const LEAKS: Readonly<Record<string, Dress>> = {
  'env dump': (text) => `SHELL=/bin/bash\nPWD=/work\nSERVICE_TOKEN=${text}\nHOME=/root\nLANG=C.UTF-8\n`,
  'env dump, NUL between': (text) => `SHELL=/bin/bash\0PWD=/work\0SERVICE_TOKEN=${text}\0HOME=/root\0`,
  'export lines': (text) => `export PATH="/usr/bin:$PATH"\nexport SERVICE_TOKEN="${text}"\ndeclare -x A='${text}'\n`,
  'env file in JSON': (text) =>
    json({ files: [{ path: '.env', content: `# local\nSERVICE_TOKEN=${text}\nPORT=3000\n` }] }),
  'diff, added': (text) =>
    `diff --git a/.env b/.env\n--- a/.env\n+++ b/.env\n@@ -1 +1,2 @@\n PORT=3000\n${lines(`TOKEN=${text}`, '+')}\n`,
  'diff, taken away': (text) =>
    `--- a/app.yaml\n+++ b/app.yaml\n@@ -4,3 +4,2 @@\n   port: 3000\n${lines(`  token: ${text}`, '-')}\n`,
  'diff in JSON': (text) => json({ patch: `@@ -1 +1,2 @@\n PORT=3000\n${lines(`TOKEN=${text}`, '+')}\n` }),
  'quoted mail': (text) => `On Monday you wrote:\n${lines(`the token is ${text}`, '> ')}\n> thanks\n`,
  'quoted mail in JSON': (text) => json({ body: `you wrote:\n${lines(`the token is ${text}`, '> > ')}\n` }),
  'log lines': (text) => lines(`config: token=${text}`, '2026-11-24T11:02:03.123Z [worker-3] DEBUG '),
  'container log': (text) => lines(`token=${text}`, 'api_1  | '),
  'numbered listing': (text) =>
    text
      .split('\n')
      .map((line, i) => `${String(i + 41).padStart(6)}\t${line}`)
      .join('\n'),
  'numbered listing in JSON': (text) =>
    json({
      content: text
        .split('\n')
        .map((line, i) => `${String(i + 1).padStart(6)}→${line}`)
        .join('\n'),
    }),
  'grep output': (text) => lines(`TOKEN = "${text}"`, 'src/config.py:12:'),
  'curl -v': (text) =>
    `* Connected to api.test (203.0.113.9) port 443\n> GET /v1/me HTTP/1.1\n> Host: api.test\n> Authorization: Bearer ${text}\n> Accept: */*\n>\n< HTTP/1.1 200 OK\n`,
  'curl command': (text) =>
    `curl -sS -H "Authorization: Bearer ${text}" -H 'X-Api-Key: ${text}' https://api.test/v1/items`,
  'curl --data': (text) => `curl -X POST https://api.test/hook --data-raw '{"token":"${text}"}'`,
  'HTTP request': (text) =>
    `POST /x HTTP/1.1\r\nHost: a.test\r\nCookie: a=1; session=${text}; theme=dark\r\nContent-Length: 0\r\n\r\n`,
  'Set-Cookie': (text) => `Set-Cookie: sid=${text}; Path=/; HttpOnly\r\n`,
  'docker inspect': (text) =>
    json([{ Id: 'a', Config: { Env: ['PATH=/usr/bin', `SERVICE_TOKEN=${text}`], Cmd: ['node'] } }]),
  'docker run': (text) => `docker run --rm -e SERVICE_TOKEN=${text} -e B=2 app:latest`,
  Dockerfile: (text) => `FROM node:24\nARG A=1\nENV SERVICE_TOKEN=${text} \\\n    B=2\nRUN npm ci\n`,
  'compose file': (text) => `services:\n  api:\n    environment:\n      - SERVICE_TOKEN=${text}\n      - B=2\n`,
  kubeconfig: (text) => `apiVersion: v1\nusers:\n- name: admin\n  user:\n    token: ${text}\n`,
  'Kubernetes secret': (text) => `apiVersion: v1\nkind: Secret\ndata:\n  token: ${base64(text)}\ntype: Opaque\n`,
  'Kubernetes secret, whole file': (text) => `kind: Secret\ndata:\n  .env: ${base64(`PORT=3000\nTOKEN=${text}\n`)}\n`,
  'Kubernetes secret in JSON': (text) => json({ kind: 'Secret', data: { token: base64(text), ca: base64('none') } }),
  'YAML, quoted': (text) => `a: 1\ntoken: "${text}"\nother: '${text}'\n`,
  'YAML, block': (text) => `key: |\n${lines(text, '    ')}\nnext: 1\n`,
  'YAML, folded': (text) => `key: >-\n${lines(text, '    ')}\nnext: 1\n`,
  'YAML, block in JSON': (text) => json({ yaml: `key: |\n${lines(text, '    ')}\nnext: 1\n` }),
  'Terraform state': (text) =>
    json({ version: 4, resources: [{ instances: [{ attributes: { id: 'x', secret: text, n: null } }] }] }),
  'Terraform variables': (text) => `region = "eu-1"\nservice_token = "${text}"\n`,
  'Terraform heredoc': (text) => `key = <<-EOT\n${lines(text, '    ')}\n  EOT\n`,
  HAR: (text) =>
    json({
      log: { entries: [{ request: { method: 'GET', headers: [{ name: 'Authorization', value: `token ${text}` }] } }] },
    }),
  'headers in JSON': (text) => json({ method: 'POST', headers: { Authorization: `Bearer ${text}`, Accept: '*/*' } }),
  'headers in JSON in JSON': (text) =>
    json({ tool: 'fetch', input: json({ headers: json({ authorization: `Bearer ${text}` }) }) }),
  'JSON in JSON in JSON in JSON': (text) => json({ a: json({ b: json({ c: json({ token: text }) }) }) }),
  'JSON, indented': (text) => JSON.stringify({ a: { token: text, list: [text] } }, null, 2),
  'JSON key': (text) => json({ [text]: true }),
  'JSON with ASCII only': (text) =>
    json({ a: 'ü', token: text }).replaceAll(/[^ -~]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
  'JSON with slashes escaped': (text) => json({ token: text }).replaceAll('/', '\\/'),
  JSON5: (text) => `{token: '${text}', /* c */ port: 1,}`,
  ndjson: (text) => `${json({ level: 'info', msg: 'start' })}\n${json({ level: 'debug', env: { TOKEN: text } })}\n`,
  'JSON sequence': (text) => `\x1e${json({ token: text })}\n`,
  'CSV, quoted': (text) => `id,name,token\n1,"Doe, J","${text}"\n2,"x","y"\n`,
  'CSV, bare': (text) => `id,name,token,last\n1,x,${text},2\n`,
  'CSV, semicolons': (text) => `id;name;token\n1;x;${text}\n`,
  TSV: (text) => `id\tname\ttoken\n1\tx\t${text}\t2\n`,
  'CSV in JSON': (text) => json({ csv: `id,token\n1,"${text}"\n` }),
  'markdown table': (text) => `| name | value |\n|---|---|\n| token | ${text} |\n`,
  'markdown table, code': (text) => `| token | \`${text}\` |`,
  'markdown code': (text) => `Use this:\n\n\`\`\`sh\nTOKEN=${text} ./run\n\`\`\`\n`,
  'markdown link': (text) => `[click](https://a.test/cb?token=${text}&x=1)`,
  'HTML attribute': (text) => `<input type="hidden" name="t" value="${xml(text)}"/>`,
  'HTML attribute, bare': (text) => `<div data-token=${text}>x</div>`,
  'HTML script': (text) => `<script>window.__CFG__={"token":"${text}"};</script>`,
  'HTML pre': (text) => `<pre><code>TOKEN=${xml(text)}</code></pre>`,
  'XML element': (text) => `<?xml version="1.0"?><c><token>${xml(text)}</token></c>`,
  'XML CDATA': (text) => `<c><token><![CDATA[${text}]]></token></c>`,
  SOAP: (text) => `<s:Envelope><s:Header><wsse:Password Type="x">${xml(text)}</wsse:Password></s:Header></s:Envelope>`,
  plist: (text) => `<plist><dict><key>token</key>\n<string>${xml(text)}</string></dict></plist>`,
  'SQL dump': (text) => `INSERT INTO users (id,email,token) VALUES (1,'a@b.test','${text}'),(2,'c','d');`,
  'SQL COPY': (text) => `COPY users (id, token) FROM stdin;\n1\t${text}\tt\n\\.\n`,
  'SQL dump in JSON': (text) => json({ sql: `INSERT INTO t VALUES (1,'${text}');` }),
  'MongoDB export': (text) => json({ _id: { $oid: '64b7f0c2a1b2c3d4e5f60718' }, auth: { token: text } }),
  'Python source': (text) => `TOKEN = '${text}'\nHEADERS = {"Authorization": f"Bearer {TOKEN}"}\n`,
  'Python repr of bytes': (text) => `b'${text.replaceAll('\n', '\\n')}'`,
  'Python repr in repr': (text) => `{'out': "b'${text.replaceAll('\n', '\\\\n')}'", 'code': 0}`,
  'Python triple quotes': (text) => `KEY = """${text}"""\n`,
  'Go source': (text) => `const token = "${text.replaceAll('\n', '\\n')}"\n`,
  'Go raw string': (text) => `var key = \`${text}\`\n`,
  'Java source': (text) => `private static final String T = "${text.replaceAll('\n', '\\n" +\n      "')}";`,
  'C source': (text) =>
    `static const char t[] =\n${text
      .split('\n')
      .map((line) => `  "${line}\\n"`)
      .join('\n')};\n`,
  'PHP source': (text) => `<?php define('TOKEN', '${text}'); $a = ['t' => "${text}"];`,
  'Ruby source': (text) => `config.token = %q(${text})\nt = :"${text}"\n`,
  properties: (text) => `service.url=https\\://a.test\nservice.token=${text.replaceAll('\n', '\\n')}\n`,
  ini: (text) => `[default]\nregion = eu-1\nservice_token = ${text}\n`,
  toml: (text) => `[auth]\ntoken = "${text.replaceAll('\n', '\\n')}"\n`,
  '.netrc': (text) => `machine api.test login bot password ${text}\n`,
  '.pypirc': (text) => `[pypi]\nusername = __token__\npassword = ${text}\n`,
  '.npmrc': (text) => `registry=https://r.test/\n//r.test/:_authToken=${text}\n`,
  '.git/config': (text) => `[remote "origin"]\n\turl = https://x-access-token:${text}@git.test/a/b.git\n`,
  'git credentials': (text) => `https://bot:${text}@git.test\n`,
  'basic authorization': (text) => `Authorization: Basic ${base64(`bot:${text}`)}\r\n`,
  'basic authorization in JSON': (text) => json({ headers: { authorization: `Basic ${base64(`:${text}`)}` } }),
  'docker config': (text) => json({ auths: { 'r.test': { auth: base64(`bot:${text}`) } } }),
  'GitHub workflow': (text) => `jobs:\n  a:\n    env:\n      TOKEN: ${text}\n    steps: []\n`,
  'workflow command': (text) => `::set-output name=token::${text}\n##[debug]x\n`,
  'shell heredoc': (text) => `cat > .env <<'EOF'\nTOKEN=${text}\nEOF\n`,
  'shell trace': (text) => `+ export TOKEN=${text}\n+ TOKEN=${text}\n+ curl -s x\n`,
  'shell history': (text) => `: 1763985723:0;export TOKEN=${text}\n  512  export TOKEN=${text}\n`,
  PowerShell: (text) => `$env:TOKEN = '${text}'\n[Environment]::SetEnvironmentVariable("T", "${text}")`,
  'Windows set': (text) => `set TOKEN=${text}\r\nsetx TOKEN "${text}"\r\n`,
  'systemd unit': (text) => `[Service]\nEnvironment="TOKEN=${text}" "B=2"\n`,
  nginx: (text) => `proxy_set_header Authorization "Bearer ${text}";\n`,
  'process list': (text) => `root  12  0.0  node server.js --token=${text} --port 3000\n`,
  'command line as list': (text) => json({ argv: ['node', 'x.js', `--token=${text}`, '-v'] }),
  '/proc/cmdline': (text) => `node\0x.js\0--token\0${text}\0-v\0`,
  'stack trace': (text) => `Error: 401 for https://a.test/?key=${text}\n    at f (/a.js:1:2)\n`,
  'URL query': (text) => `https://a.test/collect?v=1&t=${encodeURIComponent(text)}&z=3`,
  'URL fragment': (text) => `https://a.test/cb#access_token=${encodeURIComponent(text)}&expires=1`,
  'URL path': (text) => `https://a.test/files/${encodeURIComponent(text)}/raw`,
  'URL in URL': (text) => `https://a.test/r?u=${encodeURIComponent(`https://b.test/?t=${encodeURIComponent(text)}`)}`,
  form: (text) => `title=hello+world&body=${form(text)}&send=1`,
  'form with a sentence': (text) => `title=hello&body=${form(`the token is: ${text} & more`)}&send=1`,
  'form with JSON': (text) => `payload=${form(json({ text: `see ${text}` }))}`,
  'form, raw': (text) => `a=1&token=${text}&b=2`,
  'multipart field': (text) => `${part('name="token"', text)}--b0undary--\r\n`,
  'multipart file': (text) =>
    `${part('name="f"; filename=".env"\r\nContent-Type: text/plain', `A=1\r\nTOKEN=${text}\r\n`)}--b0undary--\r\n`,
  'multipart file name': (text) => `${part(`name="f"; filename="${text}"`, 'x')}--b0undary--\r\n`,
  'multipart JSON': (text) =>
    `${part('name="payload_json"\r\nContent-Type: application/json', json({ content: text }))}--b0undary--\r\n`,
  'multipart base64': (text) =>
    `${part('name="f"\r\nContent-Transfer-Encoding: base64', wrap(base64(`TOKEN=${text}\n`), 76).join('\r\n'))}--b0undary--\r\n`,
  'GraphQL variables': (text) => json({ query: 'mutation M($t:String!){add(t:$t){id}}', variables: { t: text } }),
  'GraphQL inline': (text) => json({ query: `mutation { add(t: "${text}") { id } }` }),
  SSE: (text) => `event: delta\ndata: ${json({ text })}\n\ndata: [DONE]\n\n`,
  'SSE, data lines': (text) => lines(text, 'data: '),
  'tool result': (text) =>
    json({ role: 'user', content: [{ type: 'tool_result', content: [{ type: 'text', text: `TOKEN=${text}\n` }] }] }),
  'tool call': (text) =>
    json({
      choices: [
        { message: { tool_calls: [{ function: { name: 'bash', arguments: json({ command: `export T=${text}` }) } }] } },
      ],
    }),
  'JSON-RPC': (text) =>
    json({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x', arguments: { t: text } } }),
  'issue comment': (text) => json({ body: `Steps:\n\n1. \`export T=${text}\`\n2. run\n` }),
  'chat message': (text) =>
    json({ channel: 'C1', blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `*key*: ${text}` } }] }),
  'chat form': (text) => `payload=${encodeURIComponent(json({ text: `key: ${text}` }))}`,
  telemetry: (text) =>
    json({
      resourceSpans: [
        {
          scopeSpans: [
            { spans: [{ attributes: [{ key: 'http.url', value: { stringValue: `https://a.test/?k=${text}` } }] }] },
          ],
        },
      ],
    }),
  statsd: (text) => `app.start:1|c|#env:prod,token:${text}\n`,
  syslog: (text) => `<34>1 2026-11-24T11:00:00Z host app 1 - - token=${text}\n`,
  CEF: (text) => `CEF:0|v|p|1|1|n|5|cs1=${text} cs1Label=token\n`,
  logfmt: (text) => `level=info msg="up" token=${text} port=1\n`,
  'MIME mail, base64': (text) =>
    `MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n${wrap(base64(`Hello,\nthe token is ${text}\nBye`), 76).join('\r\n')}\r\n`,
  'MIME subject': (text) => `Subject: =?UTF-8?B?${base64(`token ${text}`)}?=\r\n`,
  'raw mail in JSON': (text) =>
    json({ raw: Buffer.from(`To: a@b.test\r\nSubject: x\r\n\r\ntoken ${text}\r\n`).toString('base64url') }),
  'contents API': (text) => json({ message: 'add', content: wrap(base64(`A=1\nTOKEN=${text}\n`), 60).join('\n') }),
  'blob API': (text) => json({ encoding: 'base64', content: base64(`const t = "${text}";\n`) }),
  gist: (text) => json({ public: true, files: { 'a.env': { content: `T=${text}\n` } } }),
  'data URL': (text) => json({ image: `data:text/plain;charset=utf-8;base64,${base64(text)}` }),
  'data URL, percent': (text) => `<a href="data:text/plain,${encodeURIComponent(text)}">x</a>`,
  SVG: (text) => `<svg xmlns="http://www.w3.org/2000/svg"><text x="1">${xml(text)}</text></svg>`,
  CSS: (text) => `a::after{content:"${text.replaceAll('\n', '\\a ')}"}`,
  'source map': (text) => json({ version: 3, sourcesContent: [`const t = '${text}';\n`], mappings: 'AAAA' }),
  notebook: (text) => json({ cells: [{ cell_type: 'code', source: ['import os\n', `t = "${text}"\n`] }] }),
  'JWT claim': (text) =>
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(json({ sub: 'x', t: text })).toString('base64url')}.x`,
  'DNS name in JSON': (text) => json({ host: `${wrap(Buffer.from(text).toString('hex'), 60).join('.')}.a.test` }),
  'between brackets': (text) => `[${text}] (${text}) <${text}> {${text}}`,
  'glued to words': (text) => `token:${text}, done`,
  'after an equals sign': (text) => `x=${text}`,
  'in quotes that are escaped twice': (text) => json(json(json(`TOKEN="${text}"`))),
  'at the end': (text) => `the key is ${text}`,
  'end of a sentence': (text) => `My key is ${text}. Please keep it. And ${text}!`,
  alone: (text) => text,
};
