// Model APIs.
import { type Answered, type Arrived, bearer, type FakeService } from './fake-service.ts';
import { type PresetCase, TOKENS, type TokenName } from './preset-case.ts';

interface ModelCase {
  readonly preset: string;
  readonly secret: TokenName;
  readonly host: string;
  /** Where the key is. */
  readonly keyOf: (request: Arrived) => string;
  readonly refusal: Answered;
  readonly call: string;
  readonly answer: unknown;
  readonly script: string;
  readonly refused: readonly string[];
  readonly echo: string;
  readonly tools?: readonly string[];
}

const json = (data: unknown) => `-H 'content-type: application/json' -d '${JSON.stringify(data)}'`;
const messages = [{ role: 'user', content: 'hello' }];
const openAiRefusal = (message: string): Answered => ({
  status: 401,
  body: { error: { message, type: 'invalid_request_error', param: null, code: 'invalid_api_key' } },
});
const anthropic = {
  preset: 'anthropic',
  host: 'api.anthropic.com',
  refusal: {
    status: 401,
    body: { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' }, request_id: 'req_1' },
  },
  call: 'POST /v1/messages',
  answer: { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn' },
  refused: [
    'POST https://api.anthropic.com/v1/files {}',
    'GET https://api.anthropic.com/v1/organizations/api_keys',
    'POST https://api.anthropic.com/api/event_logging/v2/batch {}',
  ],
  echo: 'GET https://api.anthropic.com/v1/models',
};
const anthropicBody = json({ model: 'm', max_tokens: 9, messages });

const CASES: readonly ModelCase[] = [
  {
    ...anthropic,
    secret: 'ANTHROPIC_API_KEY',
    keyOf: ({ headers }) => String(headers['x-api-key']),
    script: `curl -sS https://api.anthropic.com/v1/messages -H "x-api-key: $ANTHROPIC_API_KEY" -H 'anthropic-version: 2023-06-01' ${anthropicBody}`,
  },
  {
    ...anthropic,
    secret: 'CLAUDE_CODE_OAUTH_TOKEN',
    keyOf: (request) => (request.headers['anthropic-beta'] === 'oauth-2025-04-20' ? bearer(request) : ''),
    tools: ['curl', 'the file of Claude Code, renewed (test/integration/logins.test.ts)'],
    script: `curl -sS https://api.anthropic.com/v1/messages -H "authorization: Bearer $CLAUDE_CODE_OAUTH_TOKEN" -H 'anthropic-beta: oauth-2025-04-20' -H 'anthropic-version: 2023-06-01' ${anthropicBody}`,
  },
  {
    preset: 'codex',
    secret: 'CODEX_LOGIN',
    host: 'chatgpt.com',
    keyOf: (request) => (request.headers['chatgpt-account-id'] === 'a-1' ? bearer(request) : ''),
    refusal: { status: 401, body: { detail: 'Unauthorized' } },
    call: 'POST /backend-api/codex/responses',
    answer: { object: 'response', output: [{ type: 'message', content: [{ text: 'hi' }] }] },
    // As Codex does: from its own file.
    script: `field() { python3 -c 'import json, os, sys; print(json.load(open(os.environ["HOME"] + "/.codex/auth.json"))["tokens"][sys.argv[1]])' $1; }; curl -sS https://chatgpt.com/backend-api/codex/responses -H "authorization: Bearer $(field access_token)" -H "chatgpt-account-id: $(field account_id)" ${json({ model: 'm', input: 'hello' })}`,
    refused: ['POST https://chatgpt.com/backend-api/conversation {}', 'GET https://chatgpt.com/backend-api/me'],
    echo: '',
    tools: ['curl (with the file of Codex)', 'renewed (test/integration/logins.test.ts)'],
  },
  {
    preset: 'openai',
    secret: 'OPENAI_API_KEY',
    host: 'api.openai.com',
    keyOf: bearer,
    refusal: openAiRefusal('Incorrect API key provided.'),
    call: 'POST /v1/responses',
    answer: { object: 'response', status: 'completed', output: [{ type: 'message', content: [{ text: 'hi' }] }] },
    script: `curl -sS https://api.openai.com/v1/responses -H "Authorization: Bearer $OPENAI_API_KEY" ${json({ model: 'm', input: 'hello' })}`,
    refused: [
      'POST https://api.openai.com/v1/files {}',
      'GET https://api.openai.com/v1/organization/admin_api_keys',
      'POST https://api.openai.com/v1/fine_tuning/jobs {}',
    ],
    echo: 'GET https://api.openai.com/v1/models',
  },
  {
    preset: 'google-ai',
    secret: 'GEMINI_API_KEY',
    host: 'generativelanguage.googleapis.com',
    keyOf: ({ headers }) => String(headers['x-goog-api-key']),
    refusal: {
      status: 400,
      body: {
        error: { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' },
      },
    },
    call: 'POST /v1beta/models/gemini-pro:generateContent',
    answer: { candidates: [{ content: { parts: [{ text: 'hi' }] }, finishReason: 'STOP' }] },
    script: `curl -sS https://generativelanguage.googleapis.com/v1beta/models/gemini-pro:generateContent -H "x-goog-api-key: $GEMINI_API_KEY" ${json({ contents: [{ parts: [{ text: 'hello' }] }] })}`,
    refused: [
      'POST https://generativelanguage.googleapis.com/upload/v1beta/files {}',
      'POST https://generativelanguage.googleapis.com/v1beta/cachedContents {}',
    ],
    echo: 'GET https://generativelanguage.googleapis.com/v1beta/models',
  },
  {
    preset: 'openrouter',
    secret: 'OPENROUTER_API_KEY',
    host: 'openrouter.ai',
    keyOf: bearer,
    refusal: { status: 401, body: { error: { message: 'No auth credentials found', code: 401 } } },
    call: 'POST /api/v1/chat/completions',
    answer: { object: 'chat.completion', choices: [{ message: { role: 'assistant', content: 'hi' } }] },
    script: `curl -sS https://openrouter.ai/api/v1/chat/completions -H "Authorization: Bearer $OPENROUTER_API_KEY" ${json({ model: 'm', messages })}`,
    refused: ['POST https://openrouter.ai/api/v1/keys {}', 'GET https://openrouter.ai/api/v1/credits'],
    echo: 'GET https://openrouter.ai/api/v1/models',
  },
];

export const MODEL_CASES: readonly PresetCase[] = CASES.map((one) => {
  const service: FakeService = {
    hosts: [one.host],
    authenticate: (request) => (one.keyOf(request) === TOKENS[one.secret] ? null : one.refusal),
    routes: { [one.call]: () => ({ body: one.answer }), 'GET /**': () => ({ body: { data: [] } }) },
    notFound: { status: 404, body: one.refusal.body },
  };
  const [method, path] = one.call.split(' ');
  return {
    preset: one.preset,
    use: one.preset,
    secrets: [one.secret],
    service,
    tools: one.tools ?? ['curl'],
    calls: [{ script: one.script, shows: '"hi"', arrives: [`${method} https://${one.host}${path}`] }],
    refused: one.refused,
    echo: one.echo,
  };
});
