// Databases, queues and data platforms.
import { ALNUM, BASE64_STD, HEX_LOWER, LOWER_DIGIT, WORD_DASH, WORD_DASH_DOT } from '../charsets.ts';
import { maybe, run, text } from '../shape.ts';
import { type Detector, token } from './detector.ts';
import { contextual, isVaried, vendor } from './vendor.ts';

export const databases: readonly Detector[] = [
  vendor({
    id: 'planetscale-token',
    description: 'PlanetScale service token, OAuth token and password',
    source: 'PlanetScale Docs, "Service tokens"',
    forms: [[text('pscale_tkn_', 'pscale_pw_', 'pscale_oauth_'), run(WORD_DASH_DOT, 32, 64)]],
  }),
  vendor({
    id: 'neon-key',
    description: 'Neon API key',
    source: 'Neon Docs, "Manage API keys"',
    forms: [[text('napi_'), run(LOWER_DIGIT, 60, 64)]],
  }),
  vendor({
    id: 'databricks-token',
    description: 'Databricks personal access token and service principal secret',
    source: 'Databricks Docs, "Personal access token authentication"',
    forms: [[text('dapi', 'dose', 'dkea'), run(HEX_LOWER, 32), maybe('-2', '-3')]],
    falsePositives: (random) => [`dapi${random.chars('0-9a-f', 20)}`, `dapi${'a'.repeat(32)}`],
  }),
  vendor({
    id: 'mongodb-atlas-secret',
    description: 'MongoDB Atlas service account secret',
    source: 'MongoDB Atlas Docs, "Service accounts"',
    forms: [[text('mdb_sa_sk_'), run(WORD_DASH, 40, 44)]],
  }),
  vendor({
    id: 'aiven-password',
    description: 'Aiven service password',
    source: 'Aiven Docs, "Service users"',
    forms: [[text('AVNS_'), run(WORD_DASH, 19, 24)]],
  }),
  vendor({
    id: 'confluent-secret',
    description: 'Confluent Cloud API secret',
    source: 'Confluent Docs, "API keys": secret format',
    forms: [[text('cflt'), run(BASE64_STD, 60)]],
  }),
  vendor({
    id: 'cockroach-key',
    description: 'CockroachDB Cloud API key',
    source: 'Cockroach Labs Docs, "Service accounts": API keys',
    forms: [[text('CCDB1_'), run(ALNUM, 22), text('_'), run(ALNUM, 40)]],
  }),
  vendor({
    id: 'clickhouse-key',
    description: 'ClickHouse Cloud API key secret',
    source: 'ClickHouse Docs, "Managing API keys"',
    forms: [[text('4b1d'), run(ALNUM, 38)]],
    accept: (found) => isVaried(found) && /[A-Z]/.test(found) && /[G-Zg-z]/.test(found),
  }),
  vendor({
    id: 'pinecone-key',
    description: 'Pinecone API key',
    source: 'Pinecone Docs, "Authentication"',
    forms: [[text('pcsk_'), run(ALNUM, 4, 8), text('_'), run(ALNUM, 50, 70)]],
  }),
  vendor({
    id: 'xata-key',
    description: 'Xata API key',
    source: 'Xata Docs, "API keys"',
    forms: [[text('xau_'), run(ALNUM, 30, 48)]],
  }),
  contextual({
    id: 'elastic-key',
    description: 'Elasticsearch API key (encoded)',
    source: 'Elastic Docs, "Create API key"',
    words: ['elastic'],
    values: [[run(ALNUM, 60)]],
    examples: ['ELASTIC_API_KEY=$'],
  }),
  contextual({
    id: 'algolia-key',
    description: 'Algolia admin API key',
    source: 'Algolia Docs, "API keys"',
    words: ['algolia'],
    values: [[run(HEX_LOWER, 32)]],
    examples: ['ALGOLIA_ADMIN_API_KEY=$', 'algoliasearch(appId, apiKey="$")'],
  }),
  contextual({
    id: 'upstash-token',
    description: 'Upstash REST token',
    source: 'Upstash Docs, "REST API"',
    words: ['upstash'],
    values: [[text('A'), run(BASE64_STD, 54, 58)]],
    examples: ['UPSTASH_REDIS_REST_TOKEN="$"'],
  }),
  vendor({
    id: 'fauna-key',
    description: 'Fauna secret',
    source: 'Fauna Docs, "Keys"',
    forms: [[text('fnAE', 'fnAF'), run(WORD_DASH, 36)]],
  }),
  contextual({
    id: 'qdrant-key',
    description: 'Weaviate and Qdrant cloud API key',
    source: 'Weaviate Docs, "Authentication"',
    words: ['weaviate', 'qdrant'],
    values: [[run(WORD_DASH, 36, 64)]],
    examples: ['QDRANT_API_KEY=$'],
  }),
  token({
    id: 'airtable-token',
    description: 'Airtable personal access token',
    source: 'Airtable Docs, "Personal access tokens"',
    byDefault: false,
    forms: [[text('pat'), run(ALNUM, 14), text('.'), run(HEX_LOWER, 64)]],
    edges: { left: ALNUM, leftMost: 0 },
  }),
];
