// What each client is asked to do, and what must come of it. Scripts for bash, in an empty directory.

export interface ClientCase {
  readonly name: string;
  readonly script: string;
  readonly code: number;
  /** Each must be somewhere in stdout or stderr. */
  readonly shows: readonly (string | RegExp)[];
  /** None of them may be there. */
  readonly hides?: readonly (string | RegExp)[];
  /** It goes to an address literal by itself: only a sealed session captures that, elsewhere it meets nobody. */
  readonly isLiteral?: boolean;
}

/** A program for Node's or Python's stdin. */
const node = (program: string) => `node --input-type=module <<'END'\n${program}\nEND`;
const python = (program: string) => `python3 - <<'END'\n${program}\nEND`;

const KNOWN = '"isKnown":true';

/** A WebSocket client as the common library is: it opens its own TLS connection and reads no proxy variable. */
const rawWebSocket = `
import https from 'node:https';
import tls from 'node:tls';
const request = https.get('https://api.clients.test/ws', {
  defaultPort: 443,
  createConnection: (options) => tls.connect({ host: options.host, port: 443, servername: options.host }),
  headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': 13,
    'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==' },
});
request.on('response', (response) => { console.log(response.statusCode); response.pipe(process.stdout); });
request.on('upgrade', (response, socket) => {
  const text = Buffer.from('hello');
  const mask = Buffer.from([1, 2, 3, 4]);
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask, text.map((byte, i) => byte ^ mask[i % 4])]));
  socket.once('data', (frame) => { console.log(response.statusCode, frame.subarray(2).toString()); socket.destroy(); });
});`;

const webSocket = (message: string) => `
const socket = new WebSocket('wss://api.clients.test/ws');
socket.onopen = () => socket.send(${message});
socket.onmessage = ({ data }) => { console.log(data); socket.close(); };
socket.onclose = ({ code, reason }) => console.log('closed', code, reason);
socket.onerror = ({ message }) => console.log('error', message);`;

/** The server sends an event only when the one before was acknowledged: whoever gathers them waits for ever. */
const events = (id: string) => `
const base = 'https://api.clients.test';
const response = await fetch(base + '/events?id=${id}-' + process.pid, { signal: AbortSignal.timeout(20_000) });
let text = '';
for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
  text += chunk;
  for (const [, n] of chunk.matchAll(/data: (\\d+)/g)) {
    console.log('event', n);
    await fetch(base + '/acknowledge?id=${id}-' + process.pid + '&n=' + n);
  }
}`;

/** A token of the right form, made in the shell; its parts are apart so that nobody takes this file for a leak. */
const STOLEN = "ghp_$(head -c 90 /dev/urandom | base64 -w0 | tr -dc 'A-Za-z0-9' | head -c 36)";

export const WORKING: readonly ClientCase[] = [
  {
    name: 'curl',
    script: 'curl -sS -H "authorization: Bearer mine" "https://api.clients.test/echo?a=1&b=%20"',
    code: 0,
    shows: [KNOWN, '"url":"/echo?a=1&b=%20"', '"host":"api.clients.test"'],
  },
  {
    name: 'curl that waits for 100-continue',
    script:
      'head -c 3000000 /dev/zero | tr "\\0" "x" > body; sha256sum < body; curl -sS -H "expect: 100-continue" --data-binary @body https://api.clients.test/echo',
    code: 0,
    shows: ['"bytes":3000000', /^([0-9a-f]{64}) {2}-\n.*"sha256":"\1"/s],
  },
  { name: 'curl over plain HTTP', script: 'curl -sS http://plain.clients.test/a', code: 0, shows: ['"url":"/a"'] },
  {
    name: 'curl to an address in place of a name',
    script: 'curl -sS --resolve api.clients.test:443:203.0.113.9 https://api.clients.test/echo',
    code: 0,
    shows: [KNOWN],
    isLiteral: true,
  },
  {
    name: 'curl of a page that repeats the credential',
    script: 'curl -sS -i https://api.clients.test/repeat; curl -sS -i --compressed https://api.clients.test/repeat',
    code: 0,
    shows: [/(you sent Bearer (?!clients-).*){2}/s, /x-sent: Bearer /i],
    hides: [/clients-[0-9a-f]{40}/],
  },
  { name: 'wget', script: 'wget -q -O - https://api.clients.test/echo', code: 0, shows: [KNOWN] },
  { name: 'wget over plain HTTP', script: 'wget -q -O - http://plain.clients.test/a', code: 0, shows: ['"url":"/a"'] },
  {
    name: 'git clone, fetch and log',
    script:
      'git clone -q https://git.clients.test/shop.git && cd shop && git fetch -q --all && git log --format=%s && ls | wc -l',
    code: 0,
    shows: ['first', '40'],
  },
  {
    name: 'git clone with an ssh remote',
    script: 'git clone -q git@git.clients.test:shop.git && git -C shop log --format=%s',
    code: 0,
    shows: ['first'],
  },
  {
    name: 'git clone of a private repository, without a credential',
    script: 'git clone -q https://private.clients.test/shop.git && git -C shop log --format=%s',
    code: 0,
    shows: ['first'],
  },
  {
    name: 'git clone of a private repository, with the placeholder as password',
    script: 'git clone -q https://swap.clients.test/shop.git && git -C shop log --format=%s',
    code: 0,
    shows: ['first'],
  },
  {
    name: 'git push',
    script: `git clone -q https://git.clients.test/open.git && cd open && git config user.name t && git config user.email t@t.test &&
      branch=b-$RANDOM$RANDOM && git checkout -q -b $branch && echo new > new.txt && git add . && git commit -q -m second &&
      git push -q origin $branch && git ls-remote origin $branch`,
    code: 0,
    shows: ['refs/heads/b-'],
  },
  {
    name: 'npm install',
    script:
      'npm install --registry https://npm.clients.test/ --no-audit --no-fund left-hand && node -p "require(\'left-hand\')"',
    code: 0,
    shows: ['added 1 package', 'from the tarball'],
  },
  {
    name: 'npm install of a private package, with the placeholder in .npmrc',
    script: `printf '//npm.clients.test/:_authToken=\${API_TOKEN}\\n' > .npmrc
      npm install --registry https://npm.clients.test/ --no-audit --no-fund private-hand && node -p 'require("private-hand")'`,
    code: 0,
    shows: ['added 1 package', 'from the tarball'],
  },
  {
    name: 'pip install',
    script:
      'pip install -q --no-cache-dir --target . --index-url https://pypi.clients.test/simple/ right-hand && python3 -c "import right_hand; print(right_hand.text)"',
    code: 0,
    shows: ['from the wheel'],
  },
  {
    name: 'node fetch',
    script: node("const r = await fetch('https://api.clients.test/echo'); console.log(r.status, await r.text());"),
    code: 0,
    shows: ['200', KNOWN],
  },
  {
    name: 'node https.get',
    script: node(
      "import https from 'node:https';\nhttps.get('https://api.clients.test/echo', (r) => r.pipe(process.stdout));",
    ),
    code: 0,
    shows: [KNOWN],
  },
  {
    name: 'node fetch over plain HTTP',
    script: node("console.log(await (await fetch('http://plain.clients.test/a')).text());"),
    code: 0,
    shows: ['"url":"/a"'],
  },
  {
    name: 'python urllib',
    script: python(
      "import urllib.request\nprint(urllib.request.urlopen('https://api.clients.test/echo', b'k=v').read().decode())",
    ),
    code: 0,
    shows: [KNOWN, '"method":"POST"', '"body":"k=v"'],
  },
  {
    name: 'python requests, as pip brings it along',
    script: python("from pip._vendor import requests\nprint(requests.get('https://api.clients.test/echo').text)"),
    code: 0,
    shows: [KNOWN],
  },
  {
    name: 'openssl s_client',
    script: `proxy=\${https_proxy:+-proxy \${https_proxy#http://}}
      printf 'GET /echo HTTP/1.1\\r\\nHost: api.clients.test\\r\\nConnection: close\\r\\n\\r\\n' |
      openssl s_client -quiet -verify_return_error -verify_hostname api.clients.test -servername api.clients.test $proxy -connect api.clients.test:443`,
    code: 0,
    shows: ['HTTP/1.1 200', KNOWN, /O = bottle/],
  },
  {
    name: 'events, with node fetch',
    script: node(events('fetch')),
    code: 0,
    shows: [/event 1\nevent 2\nevent 3\nevent 4\nevent 5/],
  },
  {
    name: 'events, with curl',
    script: `id=curl-$RANDOM$RANDOM
      curl -sSN --max-time 20 "https://api.clients.test/events?id=$id" | while read -r word n; do
        [ "$word" = data: ] && echo "event $n" && curl -sS "https://api.clients.test/acknowledge?id=$id&n=$n"
      done; true`,
    code: 0,
    shows: [/event 1\nevent 2\nevent 3\nevent 4\nevent 5/],
  },
  { name: 'a WebSocket of the platform', script: node(webSocket("'hello'")), code: 0, shows: ['/ws hello'] },
  { name: 'a WebSocket that reads no variables', script: node(rawWebSocket), code: 0, shows: ['101 /ws hello'] },
];

/** Once a way in: 200 MB each. */
export const LARGE: readonly ClientCase[] = [
  {
    name: 'a large download',
    script:
      'curl -sS "https://api.clients.test/download?bytes=200000000" | sha256sum; curl -sS "https://api.clients.test/digest?bytes=200000000"',
    code: 0,
    shows: [/^([0-9a-f]{64}) {2}-\n\1$/],
  },
  {
    name: 'a large upload',
    script: `head -c 1048573 /dev/urandom > block; for i in $(seq 190); do cat block; done | tee >(sha256sum > digest) |
      curl -sS -T - https://api.clients.test/echo; echo; until [ -s digest ]; do sleep 0.1; done; cat digest`,
    code: 0,
    shows: ['"bytes":199228870', /"sha256":"([0-9a-f]{64})".*\n\1 {2}-/],
  },
];

const TEXT = /bottle: elsewhere\.test is not in the allow list; .*\([a-z0-9]{12}\)/;

export const REFUSED: readonly ClientCase[] = [
  {
    name: 'curl',
    script: 'curl -sS -D - https://elsewhere.test/',
    code: 0,
    shows: [TEXT, /HTTP\/(?:1\.1|2) 403/, /x-bottle-block: policy default [a-z0-9]{12}/i, '"blocked":true'],
  },
  { name: 'curl over plain HTTP', script: 'curl -sS http://elsewhere.test/', code: 0, shows: [TEXT] },
  {
    name: 'curl to a raw address',
    script: 'curl -sS https://203.0.113.9/',
    code: 0,
    shows: ['bottle: 203.0.113.9 is not in the allow list'],
    isLiteral: true,
  },
  {
    name: 'curl that posts a token',
    script: `curl -sS -d "note=${STOLEN}" https://api.clients.test/echo`,
    code: 0,
    shows: [/bottle: github-token in body/],
    hides: [/ghp_/],
  },
  {
    name: 'wget',
    script: 'wget -nv -O - https://elsewhere.test/',
    code: 8,
    shows: [/ERROR 403: Forbidden; bottle: elsewhere/],
  },
  {
    name: 'python urllib',
    script: python("import urllib.request\nurllib.request.urlopen('https://elsewhere.test/')"),
    code: 1,
    shows: [/HTTP Error 403: Forbidden; bottle: elsewhere\.test is not in the allow list/],
  },
  {
    name: 'git clone',
    script: 'git clone https://elsewhere.test/shop.git',
    code: 128,
    shows: [/remote: bottle: elsewhere\.test is not in the allow list/, 'error: 403'],
  },
  {
    name: 'git push',
    script: `git clone -q https://git.clients.test/shop.git && cd shop && git config user.name t && git config user.email t@t.test &&
      echo new > new.txt && git add . && git commit -q -m second && git push origin main`,
    code: 1,
    shows: [/remote: bottle: /, /! \[remote rejected\] main -> main \(blocked by bottle/],
  },
  {
    name: 'npm install',
    script: 'npm install --registry https://elsewhere.test/ --no-audit --no-fund left-hand',
    code: 1,
    shows: [TEXT, /E403/],
    hides: ['[object Object]'],
  },
  {
    name: 'node fetch',
    script: node("const r = await fetch('https://elsewhere.test/'); console.log(r.status, (await r.json()).error);"),
    code: 0,
    shows: ['403', TEXT],
  },
  {
    name: 'python requests, as pip brings it along',
    script: python("from pip._vendor import requests\nprint(requests.get('https://elsewhere.test/').text)"),
    code: 0,
    shows: [TEXT],
  },
  {
    // It says of every index that fails, for whatever reason, only that it has no such package; it does not try again for long.
    name: 'pip install',
    script: 'pip install --no-cache-dir --target . --index-url https://elsewhere.test/simple/ right-hand',
    code: 1,
    shows: ['No matching distribution found'],
  },
  {
    name: 'pip install of an address',
    script: 'pip install --no-cache-dir --target . https://elsewhere.test/right_hand-1.2.3-py3-none-any.whl',
    code: 1,
    shows: [/403 Client Error: Forbidden; bottle: elsewhere\.test is not in the allow list/],
  },
  {
    name: 'a WebSocket that reads no variables',
    script: node(rawWebSocket.replace('api.clients.test', 'elsewhere.test')),
    code: 0,
    shows: ['403', TEXT],
  },
  {
    name: 'a WebSocket that sends a token',
    script: node(
      webSocket("'ghp_' + Buffer.from(crypto.getRandomValues(new Uint8Array(36))).map((b) => 97 + (b % 26))"),
    ),
    code: 0,
    shows: [/closed 1008 .*github-token/],
    hides: ['/ws ghp_'],
  },
  {
    name: 'a port that nobody captures',
    script: 'curl -sS --noproxy "*" --max-time 5 https://api.clients.test:8443/',
    code: 7,
    shows: [/refused|Failed to connect/],
  },
];
