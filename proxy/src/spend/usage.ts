// What an answer of a model API says it used -> tokens. Pure. Of several statements about one answer the larger number counts: what streams says
// partial sums first, and an object that only looks like a statement can make an answer dearer, never cheaper.

/** Tokens, each counted once. */
export interface Usage {
  /** Read, and not from a cache. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** What the service says that it cost, in US dollars; 0 = it does not say. */
  readonly reportedUsd: number;
}

export const NO_USAGE: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reportedUsd: 0 };

/** More in one answer is no number of tokens. */
const MOST = 1e12;

type Fields = Readonly<Record<string, unknown>>;

/** null when the object is none. */
export function usageOf(object: Fields): Usage | null {
  if (['promptTokenCount', 'candidatesTokenCount', 'totalTokenCount'].some((name) => name in object)) {
    return ofGoogle(object);
  }
  if ('prompt_tokens' in object || 'completion_tokens' in object) return ofChat(object);
  if ('input_tokens' in object || 'output_tokens' in object) return ofMessages(object);
  return null;
}

export function tokensOf({ input, output, cacheRead, cacheWrite }: Usage): number {
  return input + output + cacheRead + cacheWrite;
}

export const largerUsage = (a: Usage, b: Usage): Usage => combine(a, b, Math.max);
export const addUsage = (a: Usage, b: Usage): Usage => combine(a, b, (x, y) => x + y);

function combine(a: Usage, b: Usage, join: (x: number, y: number) => number): Usage {
  return {
    input: join(a.input, b.input),
    output: join(a.output, b.output),
    cacheRead: join(a.cacheRead, b.cacheRead),
    cacheWrite: join(a.cacheWrite, b.cacheWrite),
    reportedUsd: join(a.reportedUsd, b.reportedUsd),
  };
}

/** `usageMetadata` of generateContent: thoughts and tools stand beside the candidates and the prompt, the cache within the prompt. */
function ofGoogle(object: Fields): Usage {
  const cacheRead = numberOf(object, 'cachedContentTokenCount');
  const read = numberOf(object, 'promptTokenCount') + numberOf(object, 'toolUsePromptTokenCount');
  const output = numberOf(object, 'candidatesTokenCount') + numberOf(object, 'thoughtsTokenCount');
  return withTotal({ ...NO_USAGE, ...split(read, cacheRead), output }, numberOf(object, 'totalTokenCount'));
}

/** Chat Completions; OpenRouter says the price as well. */
function ofChat(object: Fields): Usage {
  const details = fieldsOf(object, 'prompt_tokens_details');
  const parts = split(numberOf(object, 'prompt_tokens'), numberOf(details, 'cached_tokens'));
  const usage = { ...NO_USAGE, ...parts, output: numberOf(object, 'completion_tokens') };
  return { ...withTotal(usage, numberOf(object, 'total_tokens')), reportedUsd: numberOf(object, 'cost') };
}

/** Anthropic Messages, whose caches stand beside the input, and OpenAI Responses, whose cache stands within it. */
function ofMessages(object: Fields): Usage {
  const output = numberOf(object, 'output_tokens');
  const input = numberOf(object, 'input_tokens');
  const reportedUsd = numberOf(object, 'cost');
  const details = fieldsOf(object, 'input_tokens_details');
  if ('cached_tokens' in details) {
    const parts = split(input, numberOf(details, 'cached_tokens'));
    return { ...withTotal({ ...NO_USAGE, ...parts, output }, numberOf(object, 'total_tokens')), reportedUsd };
  }
  const cacheRead = numberOf(object, 'cache_read_input_tokens');
  const cacheWrite = numberOf(object, 'cache_creation_input_tokens');
  return { input, output, cacheRead, cacheWrite, reportedUsd };
}

function split(all: number, cached: number): Pick<Usage, 'input' | 'cacheRead'> {
  const cacheRead = Math.min(all, cached);
  return { input: all - cacheRead, cacheRead };
}

/** What the sum holds beyond its parts is counted as the dearer kind. */
function withTotal(usage: Usage, total: number): Usage {
  return { ...usage, output: usage.output + Math.max(0, total - tokensOf(usage)) };
}

function numberOf(object: Fields, name: string): number {
  const value = object[name];
  return typeof value === 'number' && value >= 0 && value <= MOST ? value : 0;
}

function fieldsOf(object: Fields, name: string): Fields {
  const value = object[name];
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
