import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compileGraphqlRule, documentsOfBody } from '../../../src/pipeline/graphql.ts';
import { route, session } from './session.ts';

const RULE = { query: ['*'], mutation: ['addComment', 'create*'], subscription: [] };
const judge = compileGraphqlRule(RULE);

describe('a document', () => {
  it.each([
    ['a short query', '{ viewer { login } }'],
    ['a query with a name', 'query Q($n: Int!) { repository(name: "deleteRepository") { id } }'],
    ['a mutation by name', 'mutation { addComment(input: {}) { id } }'],
    ['one under a glob', 'mutation M { createIssue { id } createLabel { id } }'],
    ['a fragment', 'mutation { ...F } fragment F on Mutation { createIssue { id } }'],
    ['comments and commas', '#mutation\n mutation,,{#{\n createIssue }'],
  ])('%s is allowed', (_, text) => {
    expect(judge([text])).toBeNull();
  });

  it.each([
    ['another mutation', 'mutation { deleteRepository { id } }', 'mutation deleteRepository'],
    ['one behind an alias', 'mutation { addComment: deleteRepository { id } }', 'mutation deleteRepository'],
    ['one named like another', 'mutation addComment { deleteRepository { id } }', 'mutation deleteRepository'],
    ['one beside another', 'mutation { createIssue { id } deleteRepository { id } }', 'mutation deleteRepository'],
    ['one in a second operation', 'query A { a } mutation B { deleteRepository }', 'mutation deleteRepository'],
    [
      'one in a fragment',
      'mutation { ...F } fragment F on Mutation { ...G } fragment G on Mutation { deleteX }',
      'mutation deleteX',
    ],
    [
      'one in an inline fragment',
      'mutation { ... on Mutation { ... @skip(if: false) { deleteX } } }',
      'mutation deleteX',
    ],
    ['one behind a directive', 'mutation @x { deleteX @skip(if: true) }', 'mutation deleteX'],
    ['a fragment that is not there', 'query { ...F }', null],
    ['a fragment in a circle', 'mutation { ...F } fragment F on M { ...F deleteX }', 'mutation deleteX'],
    ['a subscription', 'subscription { onEvent { id } }', 'subscription onEvent'],
    ['introspection by mutation', 'mutation { __typename }', 'mutation __typename'],
    ['nothing', '', 'cannot be read'],
    ['a fragment alone', 'fragment F on Q { a }', 'holds no operation'],
    ['something else', 'deleteRepository', 'cannot be read'],
    ['a torn document', 'query { a', 'cannot be read'],
    ['tokens without end', `{ ${'a '.repeat(30_000)}}`, 'cannot be read'],
    ['depth without end', `{ ${'a { '.repeat(9000)}`, 'cannot be read'],
  ])('%s is refused', (_, text, why) => {
    const said = compileGraphqlRule(text.includes('...F }') && why === null ? { ...RULE, query: ['a'] } : RULE)([text]);
    expect(said).toContain(why ?? 'query * is not allowed');
  });
});

describe('a body', () => {
  const of = (text: string, type = 'application/json') => documentsOfBody(type, Buffer.from(text));
  it.each<[string, readonly string[] | null, readonly string[] | null]>([
    ['JSON', of('{"query":"{a}","variables":{"query":"x"}}'), ['{a}']],
    ['several', of('[{"query":"{a}"},{"query":"{b}"}]'), ['{a}', '{b}']],
    ['bare', of('{ a }', 'application/graphql; charset=utf-8'), ['{ a }']],
    ['a kind of JSON', of('{"query":"{a}"}', 'application/graphql+json'), ['{a}']],
    ['escapes in the key', of('{"qu\\u0065ry":"{a}"}'), ['{a}']],
    ['the key twice', of('{"query":"{a}","query":"mutation{x}"}'), null],
    ['the key twice, once with escapes', of('{"query":"{a}","qu\\u0065ry":"mutation{x}"}'), null],
    ['a persisted query', of('{"extensions":{"persistedQuery":{"sha256Hash":"x"}}}'), null],
    ['a list with one persisted', of('[{"query":"{a}"},{"id":"x"}]'), null],
    ['a query that is no text', of('{"query":["{a}"]}'), null],
    ['an empty list', of('[]'), []],
    ['no JSON', of('{"query":'), null],
    ['a form', of('query=%7Ba%7D', 'application/x-www-form-urlencoded'), null],
    ['another charset', of('{"query":"{a}"}', 'application/json; charset=utf-7'), null],
    ['parts', of('--x', 'multipart/form-data; boundary=x'), null],
  ])('%s', (_, found, documents) => {
    expect(found).toEqual(documents);
  });
});

describe('a route that asks for GraphQL', () => {
  const it_ = session([route('gql', 'api.example', { graphql: RULE })]);
  const json = { 'Content-Type': 'application/json' };
  const body = (text: string, headers: Record<string, string> = json) =>
    it_.pipeline.judgeBody(it_.admit({ method: 'POST', headers }), Buffer.from(text));

  it('lets allowed operations pass as they are', () => {
    const text = '{ "query": "mutation { createIssue { id } }" }';
    expect(body(text)).toMatchObject({ do: 'pass', body: Buffer.from(text) });
  });

  it.each<[string, () => { do: string }]>([
    ['a forbidden mutation', () => body('{"query":"mutation { deleteX }"}')],
    ['one in the URL', () => it_.judge({ target: '/graphql?query=mutation%7BdeleteX%7D' })],
    [
      'one in the URL, beside one that is allowed',
      () => it_.judge({ method: 'POST', target: '/?query=%7Ba%7D&qu%65ry=mutation%7BdeleteX%7D' }),
    ],
    [
      'a compressed body',
      () =>
        it_.pipeline.judgeBody(
          it_.admit({ method: 'POST', headers: { ...json, 'Content-Encoding': 'gzip' } }),
          gzipSync('{"query":"{a}"}'),
        ),
    ],
    [
      'a body too large to be held',
      () => it_.pipeline.streamBody(it_.admit({ method: 'POST', headers: json })).push(Buffer.from('x')),
    ],
    ['a message of a WebSocket', () => it_.pipeline.judgeMessage(it_.admit({}), Buffer.from('{"type":"subscribe"}'))],
    ['a large message of a WebSocket', () => it_.pipeline.streamMessage(it_.admit({})).push(Buffer.from('x'))],
    [
      'a call of gRPC',
      () =>
        it_.pipeline
          .streamEnvelopes(it_.admit({ method: 'POST', headers: { 'Content-Type': 'application/grpc' } }))!
          .push(Buffer.from('x')),
    ],
  ])('refuses %s', (_, judged) => {
    expect(judged()).toMatchObject({
      do: 'refuse',
      refusal: { stage: 'policy', rule: 'graphql', reason: expect.stringContaining('(gql)') as string },
    });
  });

  it('leaves other routes alone', () => {
    const other = session([route('rest', 'api.example')]);
    expect(other.judge({ target: '/?query=mutation%7BdeleteX%7D' }).do).toBe('admit');
  });
});
