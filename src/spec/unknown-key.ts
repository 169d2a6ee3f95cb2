// A key that the vocabulary does not have: the one that was meant, where it belongs, or why there is none.

import { nearest } from '../report/nearest.ts';
import type { Words } from './shape-words.ts';
import { shown } from './words.ts';

/** Parts of a schema that errors speak of. */
export interface SchemaPart {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaPart>>;
  readonly items?: SchemaPart;
}

// Words that people bring along from other tools.
const MEANT: Readonly<Record<string, string>> = {
  environment: 'env',
  envs: 'env',
  entrypoint: 'command',
  cmd: 'command',
  args: 'command',
  mem: 'memory',
  cpu: 'cpus',
  hostname: 'host',
  domain: 'host',
  url: 'host',
  method: 'methods',
  path: 'paths',
  allowlist: 'allow',
  whitelist: 'allow',
  allowed: 'allow',
  denylist: 'deny',
  blocklist: 'deny',
  blacklist: 'deny',
  presets: 'use',
  exclude: 'hide',
  ignore: 'hide',
  network: 'egress',
  header: 'name',
  param: 'name',
  parameter: 'name',
  user: 'username',
  format: 'template',
  prefix: 'template',
  token: 'secret',
  value: 'env',
};

// What would open the container: left out of the vocabulary on purpose.
const NEVER =
  /^(?:privileged|cap_?add|capabilities|devices?|sysctls?|security_opt|network_mode|pid|ipc|uts|userns(?:_mode)?|cgroup_parent|mounts?|binds?|docker|docker_socket|links|extra_hosts)$/;

export function unknownKey(key: string, parent: string, part: SchemaPart, schema: object): Words {
  const what = `unknown key ${shown(key)}${parent === '' ? '' : ` in ${parent}`}`;
  if (NEVER.test(key)) {
    return { what, why: 'it would open the container, so the vocabulary leaves it out on purpose', fix: 'remove it' };
  }
  const known = Object.keys(part.properties ?? {});
  const meant = MEANT[key.toLowerCase()];
  if (meant !== undefined && known.includes(meant)) return { what, why: '', fix: `did you mean "${meant}"?` };
  const home = key.length > 2 ? homeOf(key, schema as SchemaPart, '') : null;
  const near = nearest(key, known);
  if (home !== null && (near === undefined || home.key === key)) {
    return {
      what,
      why: '',
      fix:
        home.under === ''
          ? `"${home.key}" stands at the top level; move it there`
          : `"${home.key}" belongs under ${home.under}; move it there`,
    };
  }
  if (near !== undefined) return { what, why: '', fix: `did you mean ${shown(near)}?` };
  return {
    what,
    why: `${parent === '' ? 'a spec' : 'it'} has ${known.join(', ')}`,
    fix: 'use one of these, or remove it',
  };
}

/** Where in the vocabulary a key of exactly this name stands. */
function homeOf(key: string, part: SchemaPart, under: string): { readonly key: string; readonly under: string } | null {
  const own = part.properties ?? {};
  if (Object.hasOwn(own, key)) return { key, under };
  for (const [name, child] of Object.entries(own)) {
    const found = homeOf(key, child.items?.properties ? child.items : child, under === '' ? name : `${under}.${name}`);
    if (found) return found;
  }
  return null;
}
