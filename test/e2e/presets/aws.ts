// AWS: services that check the signature of every request, by another implementation than the proxy's.
import aws4 from 'aws4';
import type { Answered, Arrived, FakeService } from './fake-service.ts';
import { type PresetCase, TOKENS } from './preset-case.ts';

const KEYS = { accessKeyId: TOKENS.AWS_ACCESS_KEY_ID, secretAccessKey: TOKENS.AWS_SECRET_ACCESS_KEY };

function isSigned({ method, url, headers, body }: Arrived): boolean {
  const given = /SignedHeaders=([^,]+), Signature=([0-9a-f]{64})/.exec(headers.authorization ?? '');
  const [, key, region, service] =
    /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
  if (given === null || region === undefined || service === undefined || key !== KEYS.accessKeyId) return false;
  const names = given[1]?.split(';') ?? [];
  const signed = Object.fromEntries(names.map((name) => [name, String(headers[name] ?? '')]));
  const ignored = ['content-length', 'content-type'].filter((name) => !names.includes(name));
  const extraHeadersToIgnore = Object.fromEntries(ignored.map((name) => [name, true]));
  const request = { method, path: url, service, region, headers: signed, body, extraHeadersToIgnore };
  const made = aws4.sign(request, KEYS).headers;
  return String((made as Record<string, string>).Authorization).endsWith(`Signature=${given[2]}`);
}

const refusedKeys: Answered = {
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: {
    __type: 'com.amazon.coral.service#UnrecognizedClientException',
    message: 'The security token included in the request is invalid.',
  },
};

function services(): FakeService {
  const answers: Readonly<Record<string, unknown>> = {
    'DynamoDB_20120810.ListTables': { TableNames: ['orders'] },
    'DynamoDB_20120810.PutItem': { Attributes: {} },
    'AmazonSQS.SendMessage': { MessageId: 'm1', MD5OfMessageBody: 'x' },
  };
  return {
    hosts: ['dynamodb.eu-central-1.amazonaws.com', 'sqs.eu-central-1.amazonaws.com'],
    authenticate: (request) => (isSigned(request) ? null : refusedKeys),
    routes: {
      'POST /': ({ headers }) => ({
        body: answers[String(headers['x-amz-target'])] ?? { __type: 'UnknownOperationException' },
      }),
    },
    notFound: { status: 404, body: { __type: 'UnknownOperationException' } },
  };
}

function s3(): FakeService {
  const xml = (status: number, code: string, message: string): Answered => ({
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  });
  return {
    hosts: [
      'acme-builds.s3.eu-central-1.amazonaws.com',
      's3.eu-central-1.amazonaws.com',
      'evil.s3.eu-central-1.amazonaws.com',
    ],
    authenticate: (request) =>
      isSigned(request)
        ? null
        : xml(
            403,
            'SignatureDoesNotMatch',
            'The request signature we calculated does not match the signature you provided.',
          ),
    routes: {
      'GET /': () => ({
        headers: { 'content-type': 'application/xml' },
        body: '<ListBucketResult><Contents><Key>a.txt</Key></Contents></ListBucketResult>',
      }),
      'GET /**a.txt': () => ({ body: 'the object' }),
      'PUT /**b.txt': () => ({ headers: { etag: '"e1"' }, body: '' }),
    },
    notFound: xml(404, 'NoSuchKey', 'The specified key does not exist.'),
  };
}

const signed = (service: string) =>
  `curl -sS --aws-sigv4 "aws:amz:$AWS_REGION:${service}" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"`;
const asked = (target: string, body: unknown) =>
  `-H 'content-type: application/x-amz-json-1.0' -H 'x-amz-target: ${target}' -d '${JSON.stringify(body)}'`;
const DYNAMO = 'https://dynamodb.eu-central-1.amazonaws.com/';
const BUCKET = 'https://acme-builds.s3.eu-central-1.amazonaws.com';
const listTables = {
  script: `${signed('dynamodb')} ${asked('DynamoDB_20120810.ListTables', {})} ${DYNAMO}`,
  shows: 'orders',
  arrives: [`POST ${DYNAMO}`],
};
const s3Read = [
  { script: `${signed('s3')} "${BUCKET}/?list-type=2"`, shows: 'a.txt', arrives: [`GET ${BUCKET}/`] },
  {
    script: `${signed('s3')} https://s3.eu-central-1.amazonaws.com/acme-builds/a.txt`,
    shows: 'the object',
    arrives: ['GET https://s3.eu-central-1.amazonaws.com/acme-builds/a.txt'],
  },
];
const told = { buckets: ['acme-builds'], regions: ['eu-central-1'] };

const base = {
  secrets: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  tools: ['curl (signs by itself)'],
} as const;

export const AWS_CASES: readonly PresetCase[] = [
  {
    ...base,
    preset: 'aws',
    use: { aws: { services: ['dynamodb', 'sqs'], regions: ['eu-central-1'] } },
    service: services(),
    calls: [
      listTables,
      {
        script: `${signed('sqs')} ${asked('AmazonSQS.SendMessage', { QueueUrl: 'q', MessageBody: 'hi' })} https://sqs.eu-central-1.amazonaws.com/`,
        shows: 'm1',
        arrives: ['POST https://sqs.eu-central-1.amazonaws.com/'],
      },
    ],
    // Without a signature; and a service and a region that were not named.
    refused: [
      `POST ${DYNAMO} {}`,
      'POST https://iam.amazonaws.com/ Action=CreateAccessKey',
      'POST https://dynamodb.us-east-1.amazonaws.com/ {}',
      'PUT https://evil.s3.eu-central-1.amazonaws.com/x x',
    ],
    echo: '',
  },
  {
    ...base,
    preset: 'aws-read',
    use: { 'aws-read': { services: ['dynamodb', 'sqs'], regions: ['eu-central-1'] } },
    service: services(),
    calls: [listTables],
    refused: [
      `POST ${DYNAMO} {}`,
      'GET https://sqs.eu-central-1.amazonaws.com/?Action=SendMessage',
      'POST https://sqs.eu-central-1.amazonaws.com/ Action=SendMessage',
    ],
    echo: '',
  },
  {
    ...base,
    preset: 'aws-s3',
    use: { 'aws-s3': told },
    service: s3(),
    calls: [
      ...s3Read,
      {
        script: `${signed('s3')} -D - -X PUT --data-binary hello ${BUCKET}/b.txt`,
        shows: '"e1"',
        arrives: [`PUT ${BUCKET}/b.txt`],
      },
    ],
    refused: [
      `GET ${BUCKET}/a.txt`,
      'PUT https://evil.s3.eu-central-1.amazonaws.com/b.txt x',
      'PUT https://s3.eu-central-1.amazonaws.com/evil/b.txt x',
      'GET https://s3.eu-central-1.amazonaws.com/',
    ],
    echo: '',
  },
  {
    ...base,
    preset: 'aws-s3-read',
    use: { 'aws-s3-read': told },
    service: s3(),
    calls: s3Read,
    refused: [
      `PUT ${BUCKET}/b.txt x`,
      `DELETE ${BUCKET}/a.txt`,
      'POST https://s3.eu-central-1.amazonaws.com/acme-builds/a.txt x',
    ],
    echo: '',
  },
];
