// Secrets of frameworks and of tools' own configuration files.
import { ALNUM, BASE64_PADDED, BASE64_STD, charset, HEX_LOWER } from '../charsets.ts';
import { run, text } from '../shape.ts';
import type { View } from '../view.ts';
import { type Detector, detector, isExample, token, variety } from './detector.ts';
import { contextual, isVaried } from './vendor.ts';

const NETRC_BYTES = 200;
const NETRC_VALUE = charset('!-~');

export const frameworks: readonly Detector[] = [
  token({
    id: 'django-secret',
    description: 'Secret key of a Django project as its generator writes it',
    source: 'Django Docs, "Settings": SECRET_KEY',
    forms: [[text('django-insecure-'), run(charset('a-z0-9!@#$%^&*()=+_-'), 50)]],
  }),
  contextual({
    id: 'rails-master-key',
    description: 'Master key of a Rails application',
    source: 'Ruby on Rails Guides, "Securing Rails applications": custom credentials',
    words: ['rails_master_key', 'master.key', 'secret_key_base'],
    values: [[run(HEX_LOWER, 32)], [run(HEX_LOWER, 128)]],
    examples: ['RAILS_MASTER_KEY=$'],
  }),
  token({
    id: 'laravel-key',
    description: 'Application key of a Laravel project',
    source: 'Laravel Docs, "Encryption": configuration',
    forms: [[text('APP_KEY=base64:'), run(BASE64_STD, 43), text('=')]],
  }),
  token({
    id: 'npmrc-auth',
    description: 'Credential in an npm configuration file',
    source: 'npm Docs, "npmrc": auth related configuration',
    forms: [
      [text(':_authToken='), run(charset('A-Za-z0-9_.~+/=-'), 20, 400)],
      [text(':_auth=', ':_password='), run(BASE64_PADDED, 16, 400)],
    ],
    accept: (found) => isVaried(found.slice(found.indexOf('=') - 3)) && !found.includes('$'),
    falsePositives: () => [`//registry.test/:_authToken=$${'{NPM_TOKEN}'}`],
  }),
  contextual({
    id: 'docker-config-auth',
    description: 'Credential of a registry in a Docker configuration file',
    source: 'Docker Docs, "docker login": credential stores',
    words: ['"auths'],
    values: [[run(ALNUM, 4), run(BASE64_STD, 16, 396)]],
    examples: ['{"auths":{"r.test":{"auth":"$"}}}'],
  }),
  detector({
    id: 'netrc-password',
    description: 'Password of a netrc file',
    source: 'GNU Inetutils manual, "The .netrc file"',
    keywords: [' password ', '\tpassword ', '\npassword ', '\\npassword '],
    match(view: View, at: number, keyword: string) {
      const before = view.text(Math.max(0, at - NETRC_BYTES), at);
      if (!/(?:machine\s+\S+|default)(?:\s|\\n)+login\s+\S+$/.test(before.trimEnd())) return null;
      const start = at + keyword.length;
      let end = start;
      while (
        end < view.length &&
        end - start < 256 &&
        NETRC_VALUE.table[view.bytes[end]!] !== 0 &&
        !'"\'\\'.includes(view.text(end, end + 1))
      )
        end++;
      return end - start >= 6 ? { start, end } : null;
    },
    accept: (found) => !isExample(found) && variety(found) > 4 && !/^[<$[{]|^(?:password|string)$/i.test(found),
    truePositives: (random) => [
      `machine git.test login me password ${random.chars('A-Za-z0-9', 20)}`,
      `machine git.test\n  login me\n password ${random.chars('A-Za-z0-9', 20)}`,
    ],
    falsePositives: () => [
      'machine git.test login me password <password>',
      'machine test login username password password',
      'enter your login name and the password again please',
    ],
  }),
  detector({
    id: 'wireguard-key',
    description: 'Private key of a WireGuard interface',
    source: 'WireGuard, wg(8): configuration file format',
    keywords: ['PrivateKey'],
    match(view: View, at: number) {
      const glue = /^\s{0,2}(?:=|["'\\]{1,2}\s?:)\s{0,2}["'\\]{0,2}/.exec(
        view.text(at + 10, Math.min(view.length, at + 22)),
      );
      if (glue === null) return null;
      const start = at + 10 + glue[0].length;
      const end = view.runEnd(BASE64_STD, start);
      return end - start === 43 && view.bytes[end] === 0x3d ? { start, end: end + 1 } : null;
    },
    truePositives: (random) => [`[Interface]\nPrivateKey = ${random.chars('A-Za-z0-9+/', 42)}A=`],
    falsePositives: (random) => [`PublicKey = ${random.chars('A-Za-z0-9+/', 43)}=`],
  }),
  token({
    id: 'minisign-key',
    description: 'Secret key of minisign',
    source: 'minisign documentation, "Secret key format"',
    forms: [[text('RWRTY0Iy'), run(BASE64_PADDED, 190, 240)]],
  }),
  token({
    id: 'password-hash',
    description: 'Password hash of a htpasswd file',
    source: 'Apache HTTP Server Docs, "Password formats"',
    byDefault: false,
    forms: [
      [text('$2y$', '$2b$', '$2a$'), run(ALNUM, 2), text('$'), run(charset('A-Za-z0-9./'), 53)],
      [text('$apr1$'), run(charset('A-Za-z0-9./'), 8), text('$'), run(charset('A-Za-z0-9./'), 22)],
    ],
  }),
];
