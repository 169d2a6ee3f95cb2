// Answers of model APIs in the form that their vendors document, with figures of our own.

export interface ModelAnswer {
  readonly name: string;
  readonly contentType: string;
  readonly body: string;
  readonly input: number;
  readonly output: number;
}

const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const data = (value: object | string): string =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
const EVENTS = 'text/event-stream; charset=utf-8';
/** A model may write of usage: inside of a string its quotes are escaped. */
const TALK = 'See {"usage": {"input_tokens": 1, "output_tokens": 999999}} and "usage":{"prompt_tokens":7}.';

export const anthropicStream = (input: number, output: number): string =>
  [
    event('message_start', {
      type: 'message_start',
      message: {
        ...{ id: 'msg_0', type: 'message', role: 'assistant', model: 'claude-test-1', content: [], stop_reason: null },
        usage: {
          input_tokens: input - 5,
          cache_creation_input_tokens: 2,
          cache_read_input_tokens: 3,
          cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 0 },
          output_tokens: 1,
        },
      },
    }),
    event('content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    event('ping', { type: 'ping' }),
    ...TALK.split(' ').map((word) =>
      event('content_block_delta', {
        ...{ type: 'content_block_delta', index: 0 },
        delta: { type: 'text_delta', text: `${word} ` },
      }),
    ),
    event('content_block_stop', { type: 'content_block_stop', index: 0 }),
    event('message_delta', {
      ...{ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null } },
      usage: { output_tokens: output },
    }),
    event('message_stop', { type: 'message_stop' }),
  ].join('');

export const anthropicWhole = (input: number, output: number, toolInput: object = {}): string =>
  JSON.stringify({
    ...{ id: 'msg_0', type: 'message', role: 'assistant', model: 'claude-test-1' },
    content: [
      { type: 'text', text: TALK },
      { type: 'tool_use', id: 'toolu_0', name: 'note', input: toolInput },
    ],
    stop_reason: 'tool_use',
    usage: {
      ...{ input_tokens: input - 5, cache_creation_input_tokens: 2, cache_read_input_tokens: 3 },
      ...{ output_tokens: output, service_tier: 'standard' },
    },
  });

const chunk = (delta: object, usage: object | null): string =>
  data({
    ...{ id: 'chatcmpl-0', object: 'chat.completion.chunk', created: 1, model: 'gpt-test-1' },
    choices: usage === null ? [{ index: 0, delta, logprobs: null, finish_reason: null }] : [],
    usage,
  });

export const chatStream = (input: number, output: number, hasUsage = true): string =>
  [
    chunk({ role: 'assistant', content: '' }, null),
    ...TALK.split(' ').map((word) => chunk({ content: `${word} ` }, null)),
    ...(hasUsage
      ? [
          chunk(
            {},
            {
              ...{ prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
              prompt_tokens_details: { cached_tokens: Math.floor(input / 2), audio_tokens: 0 },
              completion_tokens_details: { reasoning_tokens: 1, accepted_prediction_tokens: 0 },
            },
          ),
        ]
      : []),
    data('[DONE]'),
  ].join('');

export const responsesCompleted = (input: number, output: number): object => ({
  type: 'response.completed',
  sequence_number: 9,
  response: {
    ...{ id: 'resp_0', object: 'response', status: 'completed', model: 'gpt-test-1' },
    output: [{ type: 'message', content: [{ type: 'output_text', text: TALK }] }],
    usage: {
      ...{ input_tokens: input, input_tokens_details: { cached_tokens: 1 } },
      ...{ output_tokens: output, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: input + output },
    },
    ...{ user: null, metadata: {} },
  },
});

export const responsesCreated: object = {
  type: 'response.created',
  sequence_number: 0,
  response: { id: 'resp_0', object: 'response', status: 'in_progress', model: 'gpt-test-1', usage: null },
};

const responsesStream = (input: number, output: number): string =>
  [
    event('response.created', responsesCreated),
    ...TALK.split(' ').map((word) =>
      event('response.output_text.delta', { type: 'response.output_text.delta', delta: word }),
    ),
    event('response.completed', responsesCompleted(input, output)),
  ].join('');

const googlePart = (text: string, input: number, output: number): object => ({
  candidates: [{ content: { parts: [{ text }], role: 'model' }, index: 0 }],
  usageMetadata: {
    ...{ promptTokenCount: input, candidatesTokenCount: output - 2, thoughtsTokenCount: 2 },
    ...{ totalTokenCount: input + output, cachedContentTokenCount: 4 },
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: input }],
  },
  modelVersion: 'gemini-test-1',
  responseId: 'r0',
});
const googleParts = (input: number, output: number): readonly object[] =>
  TALK.split(' ').map((word, index, all) => googlePart(word, input, index === all.length - 1 ? output : 3));

export const MODEL_ANSWERS: readonly ModelAnswer[] = [
  {
    name: 'Anthropic Messages',
    contentType: 'application/json',
    body: anthropicWhole(100, 20),
    input: 100,
    output: 20,
  },
  { name: 'Anthropic Messages, streamed', contentType: EVENTS, body: anthropicStream(200, 30), input: 200, output: 30 },
  { name: 'Chat Completions, streamed', contentType: EVENTS, body: chatStream(300, 40), input: 300, output: 40 },
  {
    name: 'OpenRouter',
    contentType: 'application/json',
    body: JSON.stringify({
      ...{ id: 'gen-0', model: 'lab/test-1', object: 'chat.completion', choices: [{ message: { content: TALK } }] },
      usage: { prompt_tokens: 50, completion_tokens: 5, total_tokens: 55, cost: 0.25, cost_details: {} },
    }),
    ...{ input: 50, output: 5 },
  },
  { name: 'Responses, streamed', contentType: EVENTS, body: responsesStream(400, 50), input: 400, output: 50 },
  {
    name: 'generateContent',
    contentType: 'application/json; charset=UTF-8',
    body: JSON.stringify(googlePart(TALK, 60, 7), null, 2),
    ...{ input: 60, output: 7 },
  },
  {
    name: 'streamGenerateContent, an array',
    contentType: 'application/json; charset=UTF-8',
    body: JSON.stringify(googleParts(70, 8), null, 2),
    ...{ input: 70, output: 8 },
  },
  {
    name: 'streamGenerateContent, events',
    contentType: 'text/event-stream',
    body: googleParts(80, 9).map(data).join(''),
    ...{ input: 80, output: 9 },
  },
];
