// Payment, banking and commerce.
import { ALNUM, BASE64_PADDED, HEX_LOWER, LOWER_DIGIT, WORD_DASH } from '../charsets.ts';
import { run, text } from '../shape.ts';
import type { Detector } from './detector.ts';
import { isVaried, UUID, vendor } from './vendor.ts';

export const payments: readonly Detector[] = [
  vendor({
    id: 'stripe-key',
    description: 'Stripe live secret and restricted key',
    source: 'Stripe Docs, "API keys"',
    forms: [[text('sk_live_', 'rk_live_', 'sk_org_live_'), run(ALNUM, 16, 247)]],
    falsePositives: () => [`sk_live_${'x'.repeat(24)}`, 'sk_live_your_key'],
  }),
  vendor({
    id: 'stripe-test-key',
    description: 'Stripe test-mode secret and restricted key',
    source: 'Stripe Docs, "API keys"',
    forms: [[text('sk_test_', 'rk_test_', 'sk_org_test_'), run(ALNUM, 16, 247)]],
    accept: (found) => isVaried(found) && !/^sk_test_(4eC39HqLy|BQokikJOv|26PHem9A)/.test(found),
    falsePositives: () => ['sk_test_your_key_here', `sk_test_${'4'.repeat(24)}`],
  }),
  vendor({
    id: 'webhook-secret',
    description: 'Webhook signing secret of Stripe, Svix, Clerk, Resend and others',
    source: 'Stripe Docs, "Webhooks"; Standard Webhooks specification',
    forms: [[text('whsec_'), run(BASE64_PADDED, 32, 88)]],
    falsePositives: () => ['whsec_...'],
  }),
  vendor({
    id: 'shopify-token',
    description: 'Shopify access token and shared secret',
    source: 'Shopify.dev, "Access tokens"',
    forms: [[text('shpat_', 'shpca_', 'shppa_', 'shpss_', 'shptka_', 'shpua_'), run(HEX_LOWER, 32)]],
  }),
  vendor({
    id: 'square-token',
    description: 'Square access token and OAuth secret',
    source: 'Square Developer, "Access tokens"',
    forms: [
      [text('sq0atp-'), run(WORD_DASH, 22)],
      [text('sq0csp-'), run(WORD_DASH, 43)],
      [text('EAAAE', 'EAAAl'), run(WORD_DASH, 58, 60)],
    ],
  }),
  vendor({
    id: 'braintree-token',
    description: 'PayPal Braintree access token',
    source: 'PayPal Developer, "Braintree: access tokens"',
    forms: [
      [text('access_token$production$', 'access_token$sandbox$'), run(LOWER_DIGIT, 16), text('$'), run(HEX_LOWER, 32)],
    ],
  }),
  vendor({
    id: 'plaid-token',
    description: 'Plaid access token',
    source: 'Plaid Docs, "Tokens"',
    forms: [[text('access-production-', 'access-development-', 'access-sandbox-'), ...UUID]],
  }),
  vendor({
    id: 'razorpay-key',
    description: 'Razorpay live key id',
    source: 'Razorpay Docs, "API keys"',
    forms: [[text('rzp_live_'), run(ALNUM, 14)]],
  }),
  vendor({
    id: 'flutterwave-key',
    description: 'Flutterwave secret key',
    source: 'Flutterwave Docs, "Authentication"',
    forms: [[text('FLWSECK-', 'FLWSECK_TEST-'), run(ALNUM, 32), text('-X')]],
  }),
  vendor({
    id: 'paddle-key',
    description: 'Paddle API key',
    source: 'Paddle Developer, "API keys"',
    forms: [
      [
        text('pdl_live_apikey_', 'pdl_sdbx_apikey_'),
        run(LOWER_DIGIT, 26),
        text('_'),
        run(ALNUM, 22),
        text('_'),
        run(ALNUM, 3),
      ],
    ],
  }),
  vendor({
    id: 'gocardless-token',
    description: 'GoCardless live access token',
    source: 'GoCardless Docs, "Authentication"',
    forms: [[text('live_'), run(WORD_DASH, 40)]],
    accept: (found) => isVaried(found) && /[0-9]/.test(found) && /[A-Z]/.test(found),
  }),
  vendor({
    id: 'mollie-key',
    description: 'Mollie live API key',
    source: 'Mollie Docs, "Authentication"',
    forms: [[text('live_'), run(ALNUM, 30, 34)]],
    accept: (found) => isVaried(found) && /[0-9]/.test(found) && /[A-Z]/.test(found),
  }),
  vendor({
    id: 'polar-token',
    description: 'Polar organization access token',
    source: 'Polar Docs, "Organization access tokens"',
    forms: [[text('polar_oat_', 'polar_pat_'), run(ALNUM, 32, 64)]],
  }),
  vendor({
    id: 'shippo-token',
    description: 'Shippo live token',
    source: 'Shippo Docs, "Authentication"',
    forms: [[text('shippo_live_'), run(HEX_LOWER, 40)]],
  }),
  vendor({
    id: 'easypost-key',
    description: 'EasyPost production and test key',
    source: 'EasyPost Docs, "Authentication"',
    forms: [[text('EZAK', 'EZTK'), run(ALNUM, 54)]],
  }),
  vendor({
    id: 'duffel-token',
    description: 'Xendit and Duffel live key',
    source: 'Xendit Docs, "API keys"; Duffel Docs, "Access tokens"',
    forms: [
      [text('xnd_production_'), run(ALNUM, 40, 70)],
      [text('duffel_live_'), run(WORD_DASH, 43)],
    ],
  }),
  vendor({
    id: 'klarna-key',
    description: 'Klarna live API key',
    source: 'Klarna Docs, "API keys"',
    forms: [[text('klarna_live_api_'), run(BASE64_PADDED, 40, 80)]],
  }),
  vendor({
    id: 'mercury-token',
    description: 'Mercury API token',
    source: 'Mercury Docs, "API: authentication"',
    forms: [[text('secret-token:mercury_production_'), run(ALNUM, 40, 100)]],
  }),
  vendor({
    id: 'lob-key',
    description: 'Lob live key',
    source: 'Lob Docs, "API keys"',
    forms: [[text('live_'), run(HEX_LOWER, 35)]],
    accept: (found) => isVaried(found) && found.length === 40,
  }),
  vendor({
    id: 'adyen-key',
    description: 'Adyen API key',
    source: 'Adyen Docs, "API credentials"',
    forms: [
      [
        text('AQE'),
        run(ALNUM, 1),
        run(BASE64_PADDED, 40, 200),
        text('-'),
        run(BASE64_PADDED, 20, 100),
        text('-'),
        run(WORD_DASH, 8, 40),
      ],
    ],
  }),
];
