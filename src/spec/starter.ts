// The commented spec that `bottle init` writes.

const SCHEMA_FILE = new URL('../../bottles/bottle.schema.json', import.meta.url);

export function starterSpec(): string {
  return `# yaml-language-server: $schema=${SCHEMA_FILE.href}
#
# What an agent may use, see and reach. Check it with \`bottle check FILE\`, see what it means with \`bottle show FILE\`,
# run it with \`bottle start FILE\`. What is not allowed here is refused; \`bottle logs --blocked\` says what to add.
version: 1

agent:
  # Program and arguments; without it the image decides. \`bottle start FILE -- PROGRAM …\` overrules it.
  command: [bash]
  # Plain values only: a token here would be the agent's to leak, and is refused.
  env:
    NODE_ENV: development
  resources:
    cpus: 2
    memory: 4g

workspace:
  # Where you start bottle. A path is relative to this file; ~/… works, too.
  path: $PWD
  # What the agent sees empty.
  hide: [".env*"]

# Where real values come from: a variable, a file, or a command. The agent gets a placeholder in a variable of the same name;
# the proxy puts the real value into requests to the host that it belongs to.
secrets: {}
#  ANTHROPIC_API_KEY: { env: ANTHROPIC_API_KEY }
#  GH_TOKEN: { cmd: [gh, auth, token] }

egress:
  # Ready-made entries: \`bottle presets\` lists them. A model preset needs its secret above.
  use: []
  #  - anthropic
  #  - github-read
  #  - npm
  allow: []
  #  - api.example.com                # a host: every request to it
  #  - host: api.example.com          # or the parts
  #    access: read                   # GET, HEAD, OPTIONS
  #    rules: ["GET /v1/**"]          # * stops at /, ** does not
  #    auth: { type: bearer, secret: EXAMPLE_TOKEN }
  # Never, whatever is allowed above.
  deny: []
`;
}
