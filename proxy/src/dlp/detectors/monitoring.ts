// Monitoring, logging and analytics.
import { ALNUM, BASE64_PADDED, HEX_LOWER, LOWER_DIGIT, UPPER_DIGIT, WORD_DASH } from '../charsets.ts';
import { maybe, run, text } from '../shape.ts';
import type { Detector } from './detector.ts';
import { contextual, UUID, vendor } from './vendor.ts';

export const monitoring: readonly Detector[] = [
  vendor({
    id: 'sentry-token',
    description: 'Sentry user, organization, application and integration token',
    source: 'Sentry Docs, "Auth tokens"',
    forms: [
      [text('sntrys_eyJ'), run(BASE64_PADDED, 60, 512), maybe('_'), run(BASE64_PADDED, 0, 60)],
      [text('sntryu_', 'sntrya_', 'sntryi_'), run(HEX_LOWER, 64)],
    ],
  }),
  vendor({
    id: 'newrelic-key',
    description: 'New Relic user, insights, REST and browser license key',
    source: 'New Relic Docs, "API keys"',
    forms: [
      [text('NRAK-'), run(UPPER_DIGIT, 27)],
      [text('NRII-'), run(WORD_DASH, 32)],
      [text('NRRA-'), run(HEX_LOWER, 42)],
    ],
  }),
  contextual({
    id: 'newrelic-license-key',
    description: 'New Relic license key',
    source: 'New Relic Docs, "License key"',
    words: ['newrelic', 'new_relic'],
    values: [[run(HEX_LOWER, 36), text('NRAL')]],
    examples: ['NEW_RELIC_LICENSE_KEY=$'],
  }),
  vendor({
    id: 'grafana-token',
    description: 'Grafana service account and Cloud access policy token',
    source: 'Grafana Docs, "Service accounts", "Access policies"',
    forms: [
      [text('glsa_'), run(ALNUM, 32), text('_'), run(HEX_LOWER, 8)],
      [text('glc_eyJ'), run(BASE64_PADDED, 40, 512)],
    ],
  }),
  vendor({
    id: 'grafana-legacy-key',
    description: 'Grafana API key of the first format',
    source: 'Grafana Docs, "API keys"',
    forms: [[text('eyJrIjoi'), run(BASE64_PADDED, 60, 400)]],
  }),
  vendor({
    id: 'datadog-key',
    description: 'Datadog application, personal and API key with prefix',
    source: 'Datadog Docs, "API and application keys"',
    forms: [[text('ddapp_', 'ddpat_', 'ddapi_', 'ddkey_'), run(ALNUM, 34, 64)]],
  }),
  contextual({
    id: 'datadog-legacy-key',
    description: 'Datadog API key or application key',
    source: 'Datadog Docs, "API and application keys"',
    words: ['datadog', 'DD_API_KEY', 'DD_APP_KEY', 'DD_APPLICATION_KEY', 'DD-API-KEY', 'DD-APPLICATION-KEY'],
    values: [[run(HEX_LOWER, 32)], [run(HEX_LOWER, 40)]],
    examples: ['DD_API_KEY=$', 'datadog: { api_key: "$" }'],
  }),
  vendor({
    id: 'dynatrace-token',
    description: 'Dynatrace access token',
    source: 'Dynatrace Docs, "Access tokens": token format',
    forms: [
      [
        text('dt0c01.', 'dt0s16.', 'dt0s01.', 'dt0s02.', 'dt0s03.', 'dt0s04.', 'dt0s06.', 'dt0s08.'),
        run(UPPER_DIGIT, 24),
        text('.'),
        run(UPPER_DIGIT, 64),
      ],
    ],
  }),
  vendor({
    id: 'posthog-key',
    description: 'PostHog personal API key',
    source: 'PostHog Docs, "API overview": personal keys',
    forms: [[text('phx_', 'phs_'), run(ALNUM, 40, 48)]],
  }),
  vendor({
    id: 'honeycomb-key',
    description: 'Honeycomb ingest and configuration key',
    source: 'Honeycomb Docs, "API keys"',
    forms: [[text('hcaik_', 'hcbik_', 'hcxik_', 'hcxmk_', 'hcamk_'), run(LOWER_DIGIT, 58, 60)]],
  }),
  contextual({
    id: 'honeycomb-legacy-key',
    description: 'Honeycomb key without prefix',
    source: 'Honeycomb Docs, "API keys"',
    words: ['honeycomb'],
    values: [[run(ALNUM, 22)], [run(HEX_LOWER, 32)]],
    examples: ['HONEYCOMB_API_KEY=$'],
  }),
  contextual({
    id: 'pagerduty-key',
    description: 'PagerDuty API key',
    source: 'PagerDuty Docs, "API access keys"',
    words: ['pagerduty'],
    values: [[run(WORD_DASH, 20)]],
    examples: ['PAGERDUTY_TOKEN=$'],
  }),
  vendor({
    id: 'axiom-token',
    description: 'Axiom API and personal token',
    source: 'Axiom Docs, "API tokens"',
    forms: [[text('xaat-', 'xapt-'), ...UUID]],
  }),
  contextual({
    id: 'opsgenie-key',
    description: 'Opsgenie API key',
    source: 'Atlassian Support, "Opsgenie: API key management"',
    words: ['opsgenie'],
    values: [UUID],
    examples: ['OPSGENIE_API_KEY=$'],
  }),
  contextual({
    id: 'rollbar-token',
    description: 'Rollbar access token',
    source: 'Rollbar Docs, "Access tokens"',
    words: ['rollbar'],
    values: [[run(HEX_LOWER, 32)]],
    examples: ['ROLLBAR_ACCESS_TOKEN=$'],
  }),
  contextual({
    id: 'splunk-token',
    description: 'Splunk HTTP event collector token',
    source: 'Splunk Docs, "Set up and use HTTP Event Collector"',
    words: ['splunk'],
    values: [UUID],
    examples: ['SPLUNK_HEC_TOKEN=$'],
  }),
  contextual({
    id: 'sumologic-key',
    description: 'Sumo Logic access key',
    source: 'Sumo Logic Docs, "Access keys"',
    words: ['sumologic', 'sumo_'],
    values: [[run(ALNUM, 64)]],
    examples: ['SUMOLOGIC_ACCESS_KEY=$'],
  }),
  contextual({
    id: 'mixpanel-secret',
    description: 'Amplitude, Mixpanel and Segment secret',
    source: 'Mixpanel Docs, "Project secret"; Amplitude Docs, "Keys and tokens"',
    words: ['mixpanel', 'amplitude'],
    values: [[run(HEX_LOWER, 32)]],
    examples: ['MIXPANEL_API_SECRET=$'],
  }),
  contextual({
    id: 'amplitude-secret',
    description: 'Amplitude secret key',
    source: 'Amplitude Docs, "Keys and tokens"',
    words: ['amplitude'],
    values: [[run(HEX_LOWER, 32)]],
    examples: ['AMPLITUDE_SECRET_KEY=$'],
  }),
];
