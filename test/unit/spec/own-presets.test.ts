// Presets that are a person's own files: found, told, filled in, and never from where an agent could write one.

import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../../src/report/problem.ts';
import type { Bottle } from '../../../src/spec/bottle.ts';
import { type ParsedSpec, parseSpec } from '../../../src/spec/parse.ts';
import { renderBottle } from '../../../src/spec/render.ts';
import { surroundings } from './surroundings.ts';

const MYCORP = `version: 1
about: our build service
secrets: { MYCORP_TOKEN: [MYCORP_CI_TOKEN] }
parameters:
  host: { type: host, about: where it is installed }
  port: { type: port, about: its port, default: 443 }
  projects: { type: paths, about: projects, default: ["*"] }
  regions: { type: words, about: regions, default: [eu, us] }
  team: { type: word, about: a team, optional: true }
env: { MYCORP_URL: "https://{host}:{port}", MYCORP_TEAM: "{team}", MYCORP_REGION: "{regions}", MYCORP_FORM: '{"a":1}' }
allow:
  - host: "{host}"
    port: "{port}"
    rules: ["GET,HEAD /projects/{projects}/**", "POST /projects/{projects}/builds", "GET /teams/{team}"]
    auth: { type: header, name: x-token, template: "token {secret}", secret: MYCORP_TOKEN }
  - host: "logs.{regions}.mycorp.example"
    rules: ["GET /{regions}/**"]
`;

const HOME = '/home/me/.config/bottle/presets/mycorp.yaml';

function parse(egress: string, files: Readonly<Record<string, string>>, more = ''): ParsedSpec {
  const around = surroundings({
    ownPresets: () => new Map(Object.hasOwn(files, HOME) ? [['mycorp', HOME]] : []),
    readFile(path) {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
      return text;
    },
  });
  const secrets = 'secrets: { MYCORP_TOKEN: { env: A }, OTHER_TOKEN: { env: B } }';
  return parseSpec(`version: 1\n${secrets}\negress: { ${egress} }\n${more}`, 'specs/x.yaml', around);
}

function bottleOf(...given: Parameters<typeof parse>): Bottle {
  const parsed = parse(...given);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.bottle;
}

const problemsOf = (...given: Parameters<typeof parse>) => {
  const parsed = parse(...given);
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
};

describe('nothing of a preset goes unread', () => {
  const HEAD = 'version: 1\nabout: x\nneeds_secret: false\n';
  const told = (file: string, given = '{ p: b.example }') =>
    problemsOf(`use: [{ ./p.yaml: ${given} }]`, { '/home/me/src/web-shop/specs/p.yaml': `${HEAD}${file}` });

  it.each([
    ['a key in an entry for what may be left out', '{ host: "{p}", rulez: ["GET /x"] }', /unknown key "rulez"/],
    ['a value of another kind there', '{ host: "{p}", rules: [GET /x], auth: 7 }', /auth/],
  ])('%s', (_, entry, problem) => {
    const file = `parameters: { p: { type: host, about: x, optional: true } }\nallow:\n  - a.example\n  - ${entry}\n`;
    expect(told(file).join('\n')).toMatch(problem);
    expect(told(file.replace('  - a.example', '  - { host: a.example }')).join('\n')).toMatch(problem);
  });

  it.each(['{ type: host, about: x, default: "*.com" }', '{ type: url, about: x, example: no url }'])(
    'a parameter that brings what it could not be told: %s',
    (parameter) => {
      const file = `parameters: { p: ${parameter} }\nallow:\n  - { host: a.example, rules: ["GET /{p}"] }\n`;
      expect(told(file)).toMatchObject([expect.stringMatching(/parameters\.p\.(default|example) .*right form/)]);
    },
  );

  it('a URL names one host', () => {
    const file = 'parameters: { p: { type: url, about: x } }\nallow:\n  - { host: "{p_host}" }\n';
    expect(told(file, '{ p: "https://*.example.com/" }')).toMatchObject([expect.stringContaining('right form')]);
  });
});

describe("a preset of one's own", () => {
  it.each([
    ['by its name, from the directory of presets', 'mycorp', HOME],
    ['by its path, relative to the spec', './presets/mycorp.yaml', '/home/me/src/web-shop/specs/presets/mycorp.yaml'],
    ['by its path in the home', '~/corp/mycorp.yml', '/home/me/corp/mycorp.yml'],
  ])('is found %s, and becomes what it says', (_, reference, path) => {
    const { egress, agent } = bottleOf(`use: [{ "${reference}": { host: ci.example } }]`, { [path]: MYCORP });
    expect(
      egress.allow.map(({ id, host, ports, rules, auth }) => [
        id,
        host,
        ports,
        rules.flatMap((rule) => rule.paths),
        auth,
      ]),
    ).toEqual([
      [
        'use.mycorp.0',
        'ci.example',
        [443],
        ['/projects/*/**', '/projects/*/builds'],
        { type: 'header', name: 'x-token', template: 'token {secret}', secret: 'MYCORP_TOKEN' },
      ],
      ['use.mycorp.1', 'logs.eu.mycorp.example', [443], ['/eu/**'], null],
      ['use.mycorp.2', 'logs.us.mycorp.example', [443], ['/us/**'], null],
    ]);
    expect(agent.env).toEqual({ MYCORP_URL: 'https://ci.example:443', MYCORP_REGION: 'eu', MYCORP_FORM: '{"a":1}' });
  });

  it('takes lists, numbers and the name that its secret has here; twice with different words are two', () => {
    const told =
      '{ host: b.example, port: 8443, projects: [x/y, z], regions: [eu], team: red, MYCORP_TOKEN: OTHER_TOKEN }';
    const { egress } = bottleOf(`use: [{ mycorp: { host: a.example, regions: [us] } }, { mycorp: ${told} }]`, {
      [HOME]: MYCORP,
    });
    expect(egress.allow.map(({ id, host, ports }) => `${id} ${host}:${ports}`)).toEqual([
      'use.mycorp.0 a.example:443',
      'use.mycorp.1 logs.us.mycorp.example:443',
      'use.mycorp-2.0 b.example:8443',
      'use.mycorp-2.1 logs.eu.mycorp.example:443',
    ]);
    expect(egress.allow[2]?.auth?.secret).toBe('OTHER_TOKEN');
    expect(egress.allow[2]?.rules.flatMap(({ paths }) => paths)).toEqual([
      ...['/projects/x/y/**', '/projects/z/**', '/projects/x/y/builds', '/projects/z/builds', '/teams/red'],
    ]);
  });

  it('brings files of placeholders for the secrets that the spec has, and they go where files of a spec may go', () => {
    const files = `${MYCORP}files:
  ~/.mycorp/auth.json: { json: { at: "{host}", token: "{placeholder:MYCORP_TOKEN}" } }
  ~/.mycorp/extra: { text: "{placeholder:NEVER_THERE}" }\n`;
    const use = 'use: [{ mycorp: { host: ci.example, MYCORP_TOKEN: OTHER_TOKEN } }]';
    expect(bottleOf(use, { [HOME]: files }).agent.files).toEqual([
      {
        path: '/home/agent/.mycorp/auth.json',
        text: '{\n  "at": "ci.example",\n  "token": "{placeholder:OTHER_TOKEN}"\n}\n',
      },
    ]);
    for (const path of ['/etc/passwd', '/workspace/.git/hooks/post-checkout', '~/../x', '~root/.profile']) {
      expect(problemsOf(use, { [HOME]: files.replace('~/.mycorp/auth.json', path) })).toEqual([
        expect.stringMatching(/mycorp\.yaml:19:3: .* is no place for a file/),
      ]);
    }
  });

  it('loses entries whose host nobody has told, and rules and variables with them; keys have holes, too', () => {
    const text = `version: 1
about: x
parameters: { host: { type: host, about: x }, mirror: { type: host, about: x, optional: true } }
env: { MIRROR: "https://{mirror}" }
files: { ~/.x/config.json: { json: { hosts: { "{host}": 1, "{mirror}": 2 } } } }
allow:
  - { host: "{host}", rules: ["GET /a", "GET /{mirror}/**"] }
  - { host: "{mirror}" }
  - { host: other.example, rules: ["GET /{mirror}"] }
`;
    const { egress, agent } = bottleOf('use: [{ mycorp: { host: ci.example } }]', { [HOME]: text });
    expect(egress.allow.map(({ host, rules }) => [host, rules.flatMap(({ paths }) => paths)])).toEqual([
      ['ci.example', ['/a']],
    ]);
    expect(agent.env).toEqual({});
    expect(agent.files[0]?.text).toBe('{\n  "hosts": {\n    "ci.example": 1\n  }\n}\n');
    const all = bottleOf('use: [{ mycorp: { host: ci.example, mirror: m.example } }]', { [HOME]: text });
    expect(all.egress.allow.map(({ host }) => host)).toEqual(['ci.example', 'm.example', 'other.example']);
  });

  it('is printed expanded, as a spec that means the same', () => {
    const bottle = bottleOf('use: [{ mycorp: { host: ci.example } }]', { [HOME]: MYCORP });
    const again = parseSpec(renderBottle(bottle), 'specs/x.yaml', surroundings());
    expect(again.ok && again.bottle.egress).toEqual(bottle.egress);
  });

  it('is hidden from the agent, like the spec, when it lies in the workspace', () => {
    const files = {
      '/home/me/src/web-shop/specs/presets/mycorp.yaml': MYCORP,
      '/home/me/src/web-shop/tools/a.yaml': MYCORP,
    };
    const use = 'use: [{ ./presets/mycorp.yaml: { host: a.example } }, { ../tools/a.yaml: { host: b.example } }]';
    const { workspace } = bottleOf(use, files, 'workspace: { path: $PWD }');
    expect(workspace.hide).toEqual(['specs', 'tools']);
  });

  it('is never found by a name in the workspace, beside the spec, or where bottle was started', () => {
    const places = [
      'mycorp',
      'mycorp.yaml',
      'presets/mycorp.yaml',
      '.config/bottle/presets/mycorp.yaml',
      '.bottle/presets/mycorp.yaml',
    ];
    const roots = ['/home/me/src/web-shop', '/home/me/src/web-shop/specs'];
    const files = Object.fromEntries(roots.flatMap((root) => places.map((place) => [`${root}/${place}`, MYCORP])));
    expect(problemsOf('use: [mycorp]', files, 'workspace: { path: $PWD }')).toEqual([
      expect.stringContaining('3:17: no preset is called "mycorp"'),
    ]);
  });

  it('with the name of one of ours is refused: nobody could tell which is meant', () => {
    const around = surroundings({
      ownPresets: () => new Map([['github-read', '/home/me/.config/bottle/presets/github-read.yaml']]),
    });
    const parsed = parseSpec('version: 1\negress: { use: [github-read] }', 'x.yaml', around);
    expect(parsed.ok ? [] : parsed.problems.map(({ what }) => what)).toEqual(['two presets are called "github-read"']);
  });

  it.each([
    ['a comma and a path', 'a.example/x'],
    ['a pattern', '*.example'],
    ['another hole', '{port}'],
    ['a line break', 'a.example\\nb.example'],
    ['a user', 'me@a.example'],
  ])('takes no host with %s', (_, host) => {
    expect(problemsOf(`use: [{ mycorp: { host: "${host}" } }]`, { [HOME]: MYCORP })).toEqual([
      expect.stringMatching(/3:35: use\.0\.mycorp\.host .* is not in the right form/),
    ]);
  });

  it('holds no literal secret', () => {
    const token = `ghp_${'Ab1'.repeat(12)}`;
    const problems = problemsOf('use: [{ mycorp: { host: a.example } }]', { [HOME]: `${MYCORP}# ${token}\n` });
    expect(problems).toEqual([expect.stringContaining('mycorp.yaml:18:3: a GitHub token stands here')]);
    expect(problems.join()).not.toContain(token);
  });
});
