// Keys of model providers and of the services around them.
import { ALNUM, HEX_LOWER, WORD, WORD_DASH } from '../charsets.ts';
import { run, text } from '../shape.ts';
import { type Detector, detector, isExample, isMixed, token, variety } from './detector.ts';

const INFIX = 'T3BlbkFJ';
/** Longest part of an OpenAI key before its infix, in bytes. */
const BEFORE_INFIX = 180;

const isVaried = (found: string): boolean => isMixed(found) && variety(found) > 12 && !isExample(found);

export const models: readonly Detector[] = [
  detector({
    ...token({
      id: 'anthropic-key',
      description: 'Anthropic API key, admin key, OAuth and session token',
      source: 'Anthropic API reference, "Authentication", "Admin API": https://docs.anthropic.com/',
      forms: [[text('sk-ant-'), run(WORD_DASH, 40, 256)]],
      accept: (found) => isVaried(found.slice(7)) && /[0-9]/.test(found.slice(14)),
      falsePositives: () => [
        'sk-ant-api03-your_key_here_please_replace_it_now_thanks',
        'sk-ant-...',
        `sk-ant-api03-${'x'.repeat(93)}`,
        'sk-ant-api03-REPLACE-ME',
      ],
    }),
    truePositives: (random) =>
      ['api03-', 'admin01-', 'oat01-', 'ort01-', 'sid01-'].map(
        (kind) => `sk-ant-${kind}${random.chars('A-Za-z0-9_-', 90)}4AA`,
      ),
  }),
  detector({
    id: 'openai-key',
    description: 'OpenAI key: project, service account, admin, and the first format',
    source: 'OpenAI, "API authentication": https://platform.openai.com/docs/api-reference/authentication',
    keywords: [INFIX, 'sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-None-'],
    match(view, at) {
      if (!view.startsWith(INFIX, at)) {
        const end = view.runEnd(WORD_DASH, at);
        return end - at >= 48 ? { start: at, end: Math.min(end, at + 320) } : null;
      }
      const before = view.runBefore(WORD_DASH, at, BEFORE_INFIX);
      const start = lastBefore(view, at, at - before);
      const end = view.runEnd(WORD_DASH, at);
      return start >= 0 && at - start >= 16 && end - at >= 20 ? { start, end: Math.min(end, at + 180) } : null;
    },
    accept: isVaried,
    truePositives: (random) => [
      `sk-${random.chars('A-Za-z0-9', 20)}${INFIX}${random.chars('A-Za-z0-9', 20)}`,
      ...['proj', 'svcacct', 'admin'].map(
        (kind) => `sk-${kind}-${random.chars('A-Za-z0-9_-', 74)}${INFIX}${random.chars('A-Za-z0-9_-', 74)}`,
      ),
      `sk-proj-${random.chars('A-Za-z0-9', 64)}`,
    ],
    falsePositives: () => [
      'sk-proj-your_key_here',
      `sk-proj-${'x'.repeat(60)}`,
      `echo -n OpenAI | base64 gives ${INFIX}`,
      'class="risk-project-management-overview-table-with-many-words-in-kebab-case-and-more"',
    ],
  }),
  token({
    id: 'sk-key',
    description:
      'Keys that follow the sk- convention: OpenAI (first format), DeepSeek, OpenRouter, Moonshot, LiteLLM, Langfuse and others',
    source: 'OpenRouter Docs, "Authentication"; DeepSeek API Docs, "Your first API call"',
    forms: [
      [text('sk-or-v1-'), run(HEX_LOWER, 64)],
      [
        text('sk-lf-'),
        run(HEX_LOWER, 8),
        text('-'),
        run(HEX_LOWER, 4),
        text('-'),
        run(HEX_LOWER, 4),
        text('-'),
        run(HEX_LOWER, 4),
        text('-'),
        run(HEX_LOWER, 12),
      ],
      [text('sk-'), run(ALNUM, 32, 64)],
    ],
    edges: { left: ALNUM, leftMost: 0, right: WORD_DASH },
    accept: (found) => !found.includes(INFIX) && !isExample(found) && isMixed(found.slice(3)) && variety(found) > 8,
    falsePositives: (random) => [
      `sk-${random.chars('a-z', 40)}`,
      `task-${random.chars('a-z0-9', 32)}`,
      `sk-${random.chars('a-z0-9', 16)}`,
      '<div class="sk-loading sk-circle sk-cube-grid">',
    ],
  }),
  token({
    id: 'huggingface-token',
    description: 'Hugging Face user access token and organisation token',
    source: 'Hugging Face Docs, "User access tokens": https://huggingface.co/docs/hub/security-tokens',
    forms: [
      [text('hf_'), run(ALNUM, 34, 40)],
      [text('api_org_'), run(ALNUM, 34)],
    ],
    edges: { left: ALNUM, leftMost: 0, right: WORD },
    accept: (found) => !isExample(found) && /[A-Z]/.test(found) && variety(found) > 12,
    falsePositives: () => ['hf_hub_download(repo_id)', `hf_${'x'.repeat(34)}`, 'hf_your_token'],
  }),
];

/** Where the `sk-` that begins the key ending in an infix at `at` stands, not before `least`; -1 for none. */
function lastBefore(view: { startsWith(text: string, at: number): boolean }, at: number, least: number): number {
  for (let start = at - 3; start >= least; start--) if (view.startsWith('sk-', start)) return start;
  return -1;
}
