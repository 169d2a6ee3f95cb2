// Payment, mail, monitoring, office and other services whose tokens have a sure prefix.
import { ALNUM, BASE64_PADDED, charset, HEX_LOWER, LOWER_DIGIT, UPPER_DIGIT, WORD, WORD_DASH } from '../charsets.ts';
import { maybe, run, text } from '../shape.ts';
import { type Detector, detector, isExample, isMixed, token, variety } from './detector.ts';

const varied = (found: string): boolean => !isExample(found) && isMixed(found.slice(4)) && variety(found) > 10;
const MACAROON = charset('A-Za-z0-9+/=_-');
const TWILIO_WINDOW = 200;

export const services: readonly Detector[] = [
  token({
    id: 'stripe-key',
    description: 'Stripe live secret and restricted key, webhook signing secret',
    source: 'Stripe Docs, "API keys": https://docs.stripe.com/keys',
    forms: [
      [text('sk_live_', 'rk_live_', 'sk_org_live_'), run(ALNUM, 16, 247)],
      [text('whsec_'), run(BASE64_PADDED, 32, 88)],
    ],
    accept: varied,
    falsePositives: () => [`sk_live_${'x'.repeat(24)}`, 'sk_live_your_key', 'whsec_...'],
  }),
  token({
    id: 'stripe-test-key',
    description: 'Stripe test-mode secret and restricted key',
    source: 'Stripe Docs, "API keys": https://docs.stripe.com/keys',
    forms: [[text('sk_test_', 'rk_test_', 'sk_org_test_'), run(ALNUM, 16, 247)]],
    // The two that Stripe's documentation and libraries print everywhere.
    accept: (found) => varied(found) && !/^sk_test_(4eC39HqLy|BQokikJOv|26PHem9A)/.test(found),
    falsePositives: () => ['sk_test_your_key_here', `sk_test_${'4'.repeat(24)}`],
  }),
  token({
    id: 'sendgrid-key',
    description: 'SendGrid API key',
    source: 'Twilio Docs, "SendGrid API keys": https://www.twilio.com/docs/sendgrid',
    forms: [[text('SG.'), run(WORD_DASH, 16, 32), text('.'), run(WORD_DASH, 32, 64)]],
    edges: { left: ALNUM, leftMost: 0 },
    accept: varied,
    falsePositives: () => ['SG.example.domain', 'SG.Controls.Add(x)'],
  }),
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
    id: 'mail-key',
    description: 'Mailgun, Brevo, Postmark-like and Resend keys',
    source: 'Mailgun, Brevo and Resend API documentation, "Authentication"',
    forms: [
      [text('key-'), run(HEX_LOWER, 32)],
      [text('xkeysib-', 'xsmtpsib-'), run(HEX_LOWER, 64), text('-'), run(ALNUM, 16)],
      [text('re_'), run(ALNUM, 8, 9), text('_'), run(ALNUM, 20, 28)],
    ],
    edges: { left: WORD_DASH, leftMost: 0, right: WORD_DASH },
    accept: (found) => varied(found) && (!found.startsWith('re_') || isResendKey(found)),
    falsePositives: (random) => [
      `api-key-${random.chars('0-9a-f', 32)}`,
      're_compile_something_else',
      'key-value store',
    ],
  }),
  token({
    id: 'commerce-token',
    description: 'Shopify, Square, PayPal Braintree, Plaid, Shippo and EasyPost tokens',
    source:
      'Shopify.dev, "Access tokens"; Square Docs, "Access tokens"; GitHub Docs, "Supported secret scanning patterns"',
    forms: [
      [text('shpat_', 'shpca_', 'shppa_', 'shpss_', 'shptka_'), run(HEX_LOWER, 32)],
      [text('sq0atp-'), run(WORD_DASH, 22)],
      [text('sq0csp-'), run(WORD_DASH, 43)],
      [text('access_token$production$'), run(LOWER_DIGIT, 16), text('$'), run(HEX_LOWER, 32)],
      [
        text('access-production-'),
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
      [text('shippo_live_'), run(HEX_LOWER, 40)],
      [text('EZAK', 'EZTK'), run(ALNUM, 54)],
    ],
    edges: { left: ALNUM, leftMost: 0 },
    accept: varied,
  }),
  token({
    id: 'office-token',
    description: 'Linear, Notion, Airtable, Figma, Asana, Postman, Contentful, HubSpot and Typeform tokens',
    source: 'The services\' API documentation; GitHub Docs, "Supported secret scanning patterns"',
    forms: [
      [text('lin_api_'), run(ALNUM, 40)],
      [text('lin_oauth_'), run(HEX_LOWER, 64)],
      [text('ntn_'), run(ALNUM, 43, 50)],
      [text('secret_'), run(ALNUM, 43)],
      [text('figd_', 'figu_'), run(WORD_DASH, 38, 48)],
      [text('PMAK-'), run(HEX_LOWER, 24), text('-'), run(HEX_LOWER, 34)],
      [text('CFPAT-'), run(WORD_DASH, 40, 48)],
      [
        text('pat-na1-', 'pat-eu1-'),
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
      [text('tfp_'), run(WORD_DASH, 40, 70)],
      [text('ops_eyJ'), run(MACAROON, 200, 2048)],
    ],
    edges: { left: ALNUM, leftMost: 0, right: WORD },
    accept: (found) => varied(found) && (!found.startsWith('secret_') || /[A-Z]/.test(found)),
    falsePositives: () => ['secret_manager_client_for_tests_and_more_things', 'lin_api_key'],
  }),
  token({
    id: 'monitoring-token',
    description: 'Sentry, New Relic, Grafana, Datadog application, Dynatrace and PostHog keys',
    source: 'The services\' API documentation; GitHub Docs, "Supported secret scanning patterns"',
    forms: [
      [text('sntrys_eyJ'), run(MACAROON, 60, 512)],
      [text('sntryu_'), run(HEX_LOWER, 64)],
      [text('NRAK-'), run(UPPER_DIGIT, 27)],
      [text('NRII-'), run(WORD_DASH, 32)],
      [text('glsa_'), run(ALNUM, 32), text('_'), run(HEX_LOWER, 8)],
      [text('glc_eyJ'), run(MACAROON, 40, 512)],
      [text('dt0c01.', 'dt0s16.', 'dt0s01.'), run(UPPER_DIGIT, 24), text('.'), run(UPPER_DIGIT, 64)],
      [text('phx_'), run(ALNUM, 40, 48)],
      [text('ddapp_', 'ddpat_'), run(ALNUM, 34, 64)],
    ],
    edges: { left: ALNUM, leftMost: 0 },
    accept: varied,
  }),
  token({
    id: 'vault-token',
    description: 'HashiCorp Vault service, batch and recovery token',
    source: 'HashiCorp, "Vault tokens": https://developer.hashicorp.com/vault/docs/concepts/tokens',
    forms: [[text('hvs.', 'hvb.', 'hvr.'), run(WORD_DASH, 24, 512)]],
    edges: { left: ALNUM, leftMost: 0 },
    accept: (found) => varied(found) && /[A-Z]/.test(found),
    falsePositives: () => ['hvs.connectionpoolmanagerfactory', 'hvs.your_token_here_1234567890'],
  }),
  token({
    id: 'databricks-token',
    description: 'Databricks personal access token',
    source: 'Databricks Docs, "Personal access token authentication": https://docs.databricks.com/',
    forms: [[text('dapi'), run(HEX_LOWER, 32), maybe('-2', '-3')]],
    edges: { left: ALNUM, leftMost: 0, right: ALNUM },
    accept: varied,
    falsePositives: (random) => [`dapi${random.chars('0-9a-f', 20)}`, `dapi${'a'.repeat(32)}`],
  }),
  detector({
    id: 'airtable-token',
    description: 'Airtable personal access token',
    source:
      'Airtable Docs, "Personal access tokens": https://airtable.com/developers/web/guides/personal-access-tokens',
    keywords: ['pat'],
    byDefault: false,
    match(view, at) {
      const end = view.runEnd(ALNUM, at);
      const last = view.bytes[end] === 0x2e ? view.runEnd(HEX_LOWER, end + 1) : end;
      return end - at === 17 && last - end === 65 ? { start: at, end: last } : null;
    },
    truePositives: (random) => [`pat${random.chars('A-Za-z0-9', 14)}.${random.chars('0-9a-f', 64)}`],
  }),
];

const TWILIO = {};
const isTokenNamed = (before: string): boolean =>
  /(token|secret|auth|password|key)["'\\\s]*[:=,]?["'\\\s]*$/i.test(before);
/** Both cases and a digit, or many capitals: no name of a variable. */
const isResendKey = (found: string): boolean =>
  /[A-Z]/.test(found) && (/[0-9]/.test(found) || found.replace(/[^A-Z]/g, '').length >= MANY_CAPITALS);
const MANY_CAPITALS = 6;
