// Mail and message delivery.
import { ALNUM, HEX_LOWER, WORD, WORD_DASH } from '../charsets.ts';
import { run, text } from '../shape.ts';
import { type Detector, detector, token, variety } from './detector.ts';
import { contextual, isVaried, UUID, vendor } from './vendor.ts';

export const mail: readonly Detector[] = [
  detector({
    id: 'twilio-key',
    description: 'Twilio API key or auth token beside the word twilio',
    source: 'Twilio Docs, "API keys overview": https://www.twilio.com/docs/iam/api-keys',
    keywords: ['twilio'],
    anyCase: true,
    match(view, at) {
      const last = Math.min(view.length, at + TWILIO_WINDOW);
      for (let start = Math.max(at - 64, view.reached(TWILIO), 0); start < last; start++) {
        const end = view.runEnd(WORD, start);
        if (end === start) continue;
        const isKey = end - start === 34 && view.startsWith('SK', start) && view.runEnd(HEX_LOWER, start + 2) === end;
        const isToken =
          end - start === 32 &&
          view.runEnd(HEX_LOWER, start) === end &&
          isTokenNamed(view.text(Math.max(0, start - 24), start));
        if (isKey || isToken) return { start, end };
        start = end;
      }
      view.setReached(TWILIO, last);
      return null;
    },
    accept: (found) => variety(found) > 8,
    truePositives: (random) => [
      `TWILIO_API_KEY=SK${random.chars('0-9a-f', 32)}`,
      `twilio: { authToken: "${random.chars('0-9a-f', 32)}" }`,
    ],
    falsePositives: (random) => [
      `twilio commit ${random.chars('0-9a-f', 40)}`,
      `twilio build ${random.chars('0-9a-f', 32)}`,
      `twilio SK${'0'.repeat(32)}`,
    ],
  }),
  token({
    id: 'mailgun-key',
    description: 'Mailgun API key',
    source: 'Mailgun Docs, "API keys"',
    forms: [[text('key-'), run(HEX_LOWER, 32)]],
    edges: { left: WORD_DASH, leftMost: 0, right: WORD_DASH },
    accept: isVaried,
    falsePositives: (random) => [`api-key-${random.chars('0-9a-f', 32)}`, 'key-value store'],
  }),
  token({
    id: 'resend-key',
    description: 'Resend API key',
    source: 'Resend Docs, "API keys"',
    forms: [[text('re_'), run(ALNUM, 8, 9), text('_'), run(ALNUM, 20, 28)]],
    edges: { left: WORD_DASH, leftMost: 0, right: WORD_DASH },
    accept: (found) => isVaried(found) && isResendKey(found),
    falsePositives: () => ['re_compile_something_else'],
  }),
  vendor({
    id: 'sendgrid-key',
    description: 'SendGrid API key',
    source: 'Twilio Docs, "SendGrid API keys"',
    forms: [[text('SG.'), run(WORD_DASH, 16, 32), text('.'), run(WORD_DASH, 32, 64)]],
    falsePositives: () => ['SG.example.domain', 'SG.Controls.Add(x)'],
  }),
  vendor({
    id: 'brevo-key',
    description: 'Brevo API and SMTP key',
    source: 'Brevo Developers, "Authentication"',
    forms: [[text('xkeysib-', 'xsmtpsib-'), run(HEX_LOWER, 64), text('-'), run(ALNUM, 16)]],
  }),
  vendor({
    id: 'mailersend-token',
    description: 'MailerSend API token',
    source: 'MailerSend Docs, "API tokens"',
    forms: [[text('mlsn.'), run(HEX_LOWER, 64)]],
  }),
  vendor({
    id: 'mandrill-key',
    description: 'Mandrill API key',
    source: 'Mailchimp Transactional Docs, "Authentication"',
    forms: [[text('md-'), run(WORD_DASH, 22)]],
    accept: (found) => isVaried(found) && /[0-9]/.test(found) && /[A-Z]/.test(found) && /[a-z]/.test(found.slice(3)),
  }),
  contextual({
    id: 'mailgun-legacy-key',
    description: 'Mailgun API key without prefix',
    source: 'Mailgun Docs, "API keys"',
    words: ['mailgun'],
    values: [[run(HEX_LOWER, 32), text('-'), run(HEX_LOWER, 8), text('-'), run(HEX_LOWER, 8)]],
    examples: ['MAILGUN_API_KEY=$'],
  }),
  contextual({
    id: 'postmark-token',
    description: 'Postmark server token',
    source: 'Postmark Docs, "API overview": authentication',
    words: ['postmark'],
    values: [UUID],
    examples: ['POSTMARK_API_TOKEN=$', '"X-Postmark-Server-Token": "$"'],
  }),
  contextual({
    id: 'sparkpost-key',
    description: 'SparkPost API key',
    source: 'SparkPost Docs, "API keys"',
    words: ['sparkpost'],
    values: [[run(HEX_LOWER, 40)]],
    examples: ['SPARKPOST_API_KEY=$'],
  }),
  vendor({
    id: 'klaviyo-key',
    description: 'Klaviyo private API key',
    source: 'Klaviyo Docs, "Authenticate API requests"',
    forms: [[text('pk_'), run(HEX_LOWER, 34)]],
    accept: (found) => isVaried(found) && found.length === 37,
  }),
  contextual({
    id: 'vonage-secret',
    description: 'Vonage (Nexmo) API secret',
    source: 'Vonage Docs, "Authentication"',
    words: ['vonage', 'nexmo'],
    values: [[run(ALNUM, 16)]],
    examples: ['VONAGE_API_SECRET=$'],
  }),
  contextual({
    id: 'messagebird-key',
    description: 'MessageBird (Bird) access key',
    source: 'MessageBird Docs, "Authentication"',
    words: ['messagebird'],
    values: [[run(ALNUM, 25)]],
    examples: ['MESSAGEBIRD_ACCESS_KEY=$'],
  }),
];

const TWILIO = {};
const TWILIO_WINDOW = 200;
const isTokenNamed = (before: string): boolean =>
  /(token|secret|auth|password|key)["'\\\s]*[:=,]?["'\\\s]*$/i.test(before);
/** Both cases and a digit, or many capitals: no name of a variable. */
const isResendKey = (found: string): boolean =>
  /[A-Z]/.test(found) && (/[0-9]/.test(found) || found.replace(/[^A-Z]/g, '').length >= MANY_CAPITALS);
const MANY_CAPITALS = 6;
