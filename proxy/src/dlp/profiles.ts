// Which detectors there are and which profile searches for what: plain lists, so that the CLI knows them without loading the engine.
import type { OnMatch } from '../contract.ts';

const list = (ids: string): readonly string[] => ids.trim().split(/\s+/);

/** Formats with a prefix or a check of their own, and bare values beside their vendor's name. */
const USUAL = list(`
  github-token github-pat gitlab-token atlassian-token bitbucket-token azure-devops-token gitea-token
  github-client-secret sourcegraph-token aws-access-key aws-secret-key aws-session-token aws-bedrock-key
  amazon-oauth gcp-api-key google-oauth google-client-secret firebase-server-key gcp-service-account azure-key
  azure-storage-key azure-messaging-key azure-redis-key azure-registry-token azure-search-key azure-function-key
  azure-ai-key azure-client-secret azure-sas digitalocean-token cloudflare-key cloudflare-token
  cloudflare-legacy-token fly-token netlify-token render-token supabase-token heroku-token vercel-token
  vercel-legacy-token scaleway-key linode-token hetzner-token vultr-key yandex-cloud-key alibaba-access-key
  alibaba-secret-key tencent-secret-id ibm-cloud-key fastly-token railway-token tailscale-key ngrok-token
  scalingo-token deno-token terraform-token vault-token vault-legacy-token pulumi-token infracost-key
  doppler-token onepassword-service-token onepassword-secret-key openshift-token rancher-token harness-token
  octopus-key prefect-token snyk-token snyk-legacy-token defined-networking-key okta-token auth0-secret
  stytch-secret bitwarden-token retool-key infisical-token launchdarkly-key launchdarkly-token anthropic-key
  openai-key sk-key huggingface-token groq-key xai-key perplexity-key replicate-token tavily-key langsmith-key
  fireworks-key nvidia-key cerebras-key elevenlabs-key jina-key firecrawl-key e2b-key runpod-key llamacloud-key
  apify-token brave-search-key browserbase-key wandb-key wandb-legacy-key together-key together-legacy-key
  cohere-key mistral-key deepgram-key assemblyai-key ai21-key serper-key anyscale-key friendli-token helicone-key
  zhipu-key voyage-key modal-token npm-token rubygems-key nuget-key clojars-token artifactory-key docker-token
  pypi-token packagist-token jsr-token readme-key cargo-token hex-key circleci-token buildkite-token sonar-token
  sonar-legacy-token travis-token codecov-token jenkins-token teamcity-token depot-token chromatic-token
  checkly-key cursor-key planetscale-token neon-key databricks-token mongodb-atlas-secret aiven-password
  confluent-secret cockroach-key clickhouse-key pinecone-key xata-key elastic-key algolia-key upstash-token
  fauna-key qdrant-key slack-token slack-webhook discord-webhook discord-bot-token telegram-token teams-webhook
  power-automate-webhook google-chat-webhook zapier-webhook matrix-token mattermost-token twitch-token zoom-secret
  line-token twilio-key mailgun-key resend-key sendgrid-key brevo-key mailersend-token mandrill-key
  mailgun-legacy-key postmark-token sparkpost-key klaviyo-key vonage-secret messagebird-key stripe-key
  stripe-test-key webhook-secret shopify-token square-token braintree-token plaid-token razorpay-key
  flutterwave-key paddle-key gocardless-token mollie-key polar-token shippo-token easypost-key duffel-token
  klarna-key mercury-token lob-key adyen-key sentry-token newrelic-key newrelic-license-key grafana-token
  grafana-legacy-key datadog-key datadog-legacy-key dynatrace-token posthog-key honeycomb-key honeycomb-legacy-key
  pagerduty-key axiom-token opsgenie-key rollbar-token splunk-token sumologic-key mixpanel-secret amplitude-secret
  linear-key notion-token figma-token postman-key contentful-token hubspot-token typeform-token dropbox-token
  clickup-token mapbox-token intercom-token trello-key facebook-token pinterest-token wakatime-key frameio-token
  spotify-secret virustotal-key shodan-key infura-key asana-token twitter-bearer alchemy-key etherscan-key
  django-secret rails-master-key laravel-key npmrc-auth docker-config-auth netrc-password wireguard-key
  minisign-key private-key putty-key private-key-der age-key jwk-private wallet-key bitcoin-key wallet-phrase
  ethereum-key solana-key nostr-key jwt url-password connection-password payment-card iban
`);

/** Too weak, or too often harmless, to stop a request with; searched for by `strict`. */
const WEAK = list('airtable-token password-hash bearer-token');

/** Whatever is called a password or a key: noted, and stopped only where a spec says so. */
const GENERIC = list('generic-secret');

const FINANCE = list('bank-routing-number payment-test-card');

const PERSONAL = list('us-ssn uk-nino de-tax-id fr-nir es-dni it-fiscal-code nl-bsn pl-pesel se-personnummer');

/** Every built-in detector. A test compares this with the detectors themselves. */
export const DETECTOR_IDS: readonly string[] = [...USUAL, ...WEAK, ...GENERIC, ...FINANCE, ...PERSONAL];

export interface Profile {
  readonly description: string;
  readonly detectors: readonly string[];
  /** What happens on a find of these, instead of the route's `on_match`. */
  readonly actions: Readonly<Record<string, OnMatch>>;
}

const noted: Readonly<Record<string, OnMatch>> = Object.fromEntries(GENERIC.map((id) => [id, 'log']));

export const PROFILES = {
  default: {
    description:
      'tokens, keys, passwords in connection strings, cards, account numbers, wallets; what is only called a secret is noted',
    detectors: [...USUAL, ...GENERIC],
    actions: noted,
  },
  strict: {
    description: 'the same, and weak formats and whatever is called a password or a key: all of it counts',
    detectors: [...USUAL, ...WEAK, ...GENERIC],
    actions: {},
  },
  finance: {
    description: 'default, and test cards and routing numbers of banks',
    detectors: [...USUAL, ...GENERIC, ...FINANCE],
    actions: noted,
  },
  personal: {
    description: 'default, and national numbers of persons',
    detectors: [...USUAL, ...GENERIC, ...PERSONAL],
    actions: noted,
  },
  off: {
    description: 'no detector; the secrets of the spec and their placeholders are still watched for',
    detectors: [],
    actions: {},
  },
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof PROFILES;
