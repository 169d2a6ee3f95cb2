// Asks a token endpoint: one POST, an answer in JSON, a bound on time and size. Neither tokens nor answers are in an error.
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { parseJsonObject } from '../json-object.ts';
import { Unresolved } from './unresolved.ts';

const TIMEOUT_MS = 30_000;
const ANSWER_LIMIT_BYTES = 256 * 1024;

export interface TokenQuestion {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** PEM text: what the endpoint's certificate is verified against. */
  readonly roots: string;
  readonly signal: AbortSignal | undefined;
}

/** The answer's object; throws Unresolved. */
export async function askForToken(question: TokenQuestion): Promise<Readonly<Record<string, unknown>>> {
  const { status, text } = await post(question);
  const answer = parseJsonObject(text);
  if (status < 200 || status >= 300) {
    // RFC 6749, 5.2: the code is a word; a description may hold anything.
    const code = typeof answer?.error === 'string' && /^[a-z_]{1,64}$/.test(answer.error) ? ` (${answer.error})` : '';
    throw new Unresolved(`the token endpoint answered ${status}${code}`);
  }
  if (answer === null) throw new Unresolved('the token endpoint answered with something that is no JSON object');
  return answer;
}

function post({ url, headers, body, roots, signal }: TokenQuestion): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Unresolved(why));
    const isSecure = url.startsWith('https:');
    const options = {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'user-agent': 'bottle',
        'content-length': Buffer.byteLength(body),
        ...headers,
      },
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal === undefined ? [] : [signal])]),
      agent: false,
    } as const;
    const request = isSecure ? secureRequest(url, { ...options, ca: roots }) : plainRequest(url, options);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_LIMIT_BYTES) request.destroy(new Unresolved('the token endpoint answered too much'));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', () => fail('the token endpoint broke off its answer'));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error instanceof Unresolved) reject(error);
      else if (error.name === 'TimeoutError') fail(`the token endpoint did not answer within ${TIMEOUT_MS / 1000} s`);
      else fail(`the token endpoint cannot be asked (${error.code ?? error.name})`);
    });
    request.end(body);
  });
}
