// Presets of model APIs: only the calls that agents make, findings redacted so that a conversation goes on, errors in the API's own form.

import type { SpecAuth, SpecEntry } from '../schema.ts';
import type { Preset } from './preset.ts';

interface ModelApi {
  readonly name: string;
  readonly about: string;
  readonly host: string;
  readonly rules: readonly string[];
  readonly errorShape: NonNullable<SpecEntry['error_shape']>;
  /** By the name of the secret, best first. */
  readonly auth: Readonly<Record<string, (secret: string) => SpecAuth>>;
  readonly env: Readonly<Record<string, string>>;
}

const bearer = (secret: string): SpecAuth => ({ type: 'bearer', secret });
const header = (name: string) => (secret: string) => ({ type: 'header', name, secret }) as const;

const APIS: readonly ModelApi[] = [
  {
    name: 'anthropic',
    about: 'Anthropic API: Claude Code, opencode and other clients',
    host: 'api.anthropic.com',
    rules: [
      'POST /v1/messages',
      'POST /v1/messages/count_tokens',
      'GET /v1/models',
      'GET /v1/models/*',
      'GET,HEAD /api/hello',
      // Settings and limits of the account, asked at the start of Claude Code. Its event log is not among them.
      'GET /api/claude_code/**',
      'GET /api/oauth/**',
    ],
    errorShape: 'anthropic',
    auth: { ANTHROPIC_API_KEY: header('x-api-key'), CLAUDE_CODE_OAUTH_TOKEN: bearer, ANTHROPIC_AUTH_TOKEN: bearer },
    env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' },
  },
  {
    name: 'openai',
    about: 'OpenAI API: Codex with an API key, and other clients',
    host: 'api.openai.com',
    rules: [
      'POST /v1/responses',
      'POST /v1/responses/**',
      // The upgrade to a WebSocket.
      'GET /v1/responses',
      'POST /v1/chat/completions',
      'POST /v1/embeddings',
      'GET /v1/models',
      'GET /v1/models/*',
    ],
    errorShape: 'openai',
    auth: { OPENAI_API_KEY: bearer, CODEX_API_KEY: bearer },
    env: {},
  },
  {
    name: 'google-ai',
    about: 'Gemini API with an API key: gemini-cli and other clients',
    host: 'generativelanguage.googleapis.com',
    rules: [
      'GET /v1beta/models',
      'GET /v1beta/models/*',
      'POST /v1beta/models/*',
      'GET /v1/models',
      'GET /v1/models/*',
      'POST /v1/models/*',
      'POST /v1beta/openai/chat/completions',
    ],
    errorShape: 'google',
    auth: { GEMINI_API_KEY: header('x-goog-api-key'), GOOGLE_API_KEY: header('x-goog-api-key') },
    env: {},
  },
  {
    name: 'openrouter',
    about: 'OpenRouter API',
    host: 'openrouter.ai',
    rules: [
      'POST /api/v1/chat/completions',
      'POST /api/v1/responses',
      'POST /api/v1/messages',
      'GET /api/v1/models',
      'GET /api/v1/models/**',
    ],
    errorShape: 'openai',
    auth: { OPENROUTER_API_KEY: bearer },
    env: {},
  },
];

export const MODEL_PRESETS: readonly Preset[] = APIS.map((api) => ({
  name: api.name,
  about: api.about,
  secrets: Object.keys(api.auth),
  needsSecret: true,
  expand: ({ secret }) => ({
    entries: [
      {
        host: api.host,
        rules: [...api.rules],
        ...(secret === null ? {} : { auth: api.auth[secret]!(secret) }),
        dlp: { on_match: 'redact' },
        source: 'allowed',
        error_shape: api.errorShape,
      },
    ],
    env: api.env,
  }),
}));
