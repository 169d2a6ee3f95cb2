// Requests out of a HAR file (HTTP Archive 1.2, what browsers save): the same places that the proxy searches. Pure.

export interface HarRequest {
  /** `request 3 POST api.example`, for the place of a finding. */
  readonly name: string;
  readonly url: string;
  /** name, value, name, value, … */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly contentType: string;
  /** What was sent over the connection if it became a WebSocket. */
  readonly messages: readonly Buffer[];
}

/** null when the text is no HAR. */
export function readHar(text: string): readonly HarRequest[] | null {
  const entries = field(field(parse(text), 'log'), 'entries');
  if (!Array.isArray(entries)) return null;
  return entries.map((entry: unknown, index) => {
    const request = field(entry, 'request');
    const url = textOf(field(request, 'url'));
    const post = field(request, 'postData');
    const messages = listOf(field(entry, '_webSocketMessages'));
    return {
      name: `request ${index + 1} ${textOf(field(request, 'method'))} ${hostOf(url)}`,
      url,
      rawHeaders: listOf(field(request, 'headers')).flatMap((one) => [
        textOf(field(one, 'name')),
        textOf(field(one, 'value')),
      ]),
      body: bodyOf(post),
      contentType: textOf(field(post, 'mimeType')),
      messages: messages
        .filter((message) => field(message, 'type') === 'send')
        .map((message) => {
          const isBinary = field(message, 'opcode') === 2;
          return Buffer.from(textOf(field(message, 'data')), isBinary ? 'base64' : 'utf8');
        }),
    };
  });
}

/** Text as it was sent, or the fields of a form. */
function bodyOf(post: unknown): Buffer {
  const text = field(post, 'text');
  if (typeof text === 'string') return Buffer.from(text, field(post, 'encoding') === 'base64' ? 'base64' : 'utf8');
  const fields = listOf(field(post, 'params'));
  return Buffer.from(fields.map((one) => `${textOf(field(one, 'name'))}=${textOf(field(one, 'value'))}`).join('&'));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}
