import { openDatabase } from '@whydrop/storage';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { DROPS, RANGE, StoryServer } from './story-server.js';

const server = StoryServer.forTests();

describe('who may ask', () => {
  it.each([null, 'whd_x', ''])('nobody with token %p: 401, in the shape of GraphQL', async (as) => {
    const { status, headers, errors } = await server.ask('{ __typename }', {}, as);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', requestId: expect.any(String) });
  });

  it('not a token for ingest: 403', async () => {
    const { status, errors } = await server.ask('{ __typename }', {}, await server.tokenOf('ingest'));
    expect(status).toBe(403);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('an admin', async () => {
    const admin = await server.tokenOf('admin');
    expect((await server.ask('{ __typename }', {}, admin)).data).toEqual({ __typename: 'Query' });
  });

  it('tools learn the schema', async () => {
    const { data, errors } = await server.ask(
      getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true }),
    );
    expect(errors).toBeUndefined();
    const schema = buildClientSchema(data as unknown as IntrospectionQuery);
    expect(Object.keys(schema.getQueryType()?.getFields() ?? {})).toContain('drops');
  });

  it('GraphiQL is served only when asked for', async () => {
    expect((await fetch(`${server.api.url}/graphiql`)).status).toBe(404);
  });
});

describe('what is wrong with a query', () => {
  const bad = async (filter: object, rest: object = {}) => {
    const { status, errors, data } = await server.askSteadily(DROPS, { filter, ...rest });
    expect(data).toBeFalsy();
    expect(errors).toHaveLength(1);
    return {
      status,
      code: errors?.[0]?.extensions['code'],
      message: errors?.[0]?.message,
      requestId: errors?.[0]?.extensions['requestId'],
    };
  };

  it.each<readonly [string, object, object]>([
    ['no time range', {}, {}],
    ['an empty time range', { timeRange: {} }, {}],
    ['both kinds of time range', { timeRange: { last: '1h', from: '2026-11-20T00:00:00Z' } }, {}],
    [
      'a time range that ends before it begins',
      { timeRange: { from: '2026-11-20T00:00:00Z', to: '2026-11-19T00:00:00Z' } },
      {},
    ],
    ['a time without an offset', { timeRange: { from: '2026-11-20T00:00:00' } }, {}],
    ['a duration nobody knows', { timeRange: { last: 'a while' } }, {}],
    ['an enum value nobody knows', { ...RANGE, cause: { eq: 'GREMLINS' } }, {}],
    ['a field nobody knows', { ...RANGE, colour: { eq: 'red' } }, {}],
    ['a value of another type', { ...RANGE, port: { eq: 'http' } }, {}],
    ['an address that is none', { ...RANGE, address: { eq: '10.0.0.999' } }, {}],
    ['a network that is none', { ...RANGE, address: { within: '10.0.0.0/33' } }, {}],
    ['text that Postgres cannot compare', { ...RANGE, namespace: { eq: 'a\0b' } }, {}],
    ['more rows than a page may have', RANGE, { first: 501 }],
    ['no rows', RANGE, { first: 0 }],
    ['a cursor that is none', RANGE, { after: 'abc' }],
    ['too many values', { ...RANGE, namespace: { in: Array.from({ length: 1001 }, (_, i) => `n${i}`) } }, {}],
  ])('%s: BAD_USER_INPUT', async (_what, filter, rest) => {
    expect(await bad(filter, rest)).toMatchObject({ code: 'BAD_USER_INPUT', requestId: expect.any(String) });
  });

  it('nesting without end: BAD_USER_INPUT', async () => {
    let filter: object = { namespace: { eq: 'dev' } };
    for (let i = 0; i < 40; i++) filter = { not: filter };
    expect(await bad({ ...RANGE, ...filter })).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('a cursor of another filter, order or list: BAD_USER_INPUT', async () => {
    const { data } = await server.ask(DROPS, { filter: RANGE, first: 3 });
    const after = data.drops?.pageInfo?.endCursor;
    expect((await server.ask(DROPS, { filter: RANGE, first: 5, after })).errors).toBeUndefined();
    const same = { timeRange: RANGE.timeRange, namespace: null };
    expect((await server.ask(DROPS, { filter: same, first: 5, after })).errors).toBeUndefined();
    expect(await bad({ ...RANGE, namespace: { eq: 'dev' } }, { after })).toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('another filter'),
    });
    expect(await bad(RANGE, { after, orderBy: { direction: 'ASC' } })).toMatchObject({ code: 'BAD_USER_INPUT' });
    const { errors } = await server.ask(
      'query ($f: DropGroupFilter!, $a: String) { dropGroups(filter: $f, after: $a) { nodes { key } } }',
      { f: RANGE, a: after },
    );
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it.each([
    ['{ drops(', 'GRAPHQL_PARSE_FAILED'],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ drops { nodes { key } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ drops(filter: {timeRange: {from: "x"}}) { nodes { key } } }', 'BAD_USER_INPUT'],
    ['', 'GRAPHQL_VALIDATION_FAILED'],
  ])('%s: 400 %s', async (query, code) => {
    const { status, errors } = await server.ask(query);
    expect(status).toBe(400);
    expect(errors?.[0]?.extensions).toMatchObject({ code });
  });
});

describe('what is no query at all', () => {
  it.each<readonly [string, number, string, RequestInit]>([
    ['no JSON', 400, 'BAD_USER_INPUT', { body: '{bad', headers: { 'content-type': 'application/json' } }],
    ['nothing', 400, 'BAD_USER_INPUT', { body: '', headers: { 'content-type': 'application/json' } }],
    ['text', 415, 'BAD_REQUEST', { body: 'x', headers: { 'content-type': 'text/plain' } }],
    ['a list', 400, 'GRAPHQL_VALIDATION_FAILED', { body: '[]', headers: { 'content-type': 'application/json' } }],
    [
      'too much',
      413,
      'BAD_USER_INPUT',
      { body: ' '.repeat(1_100_000), headers: { 'content-type': 'application/json' } },
    ],
  ])('%s: %i %s', async (_what, status, code, { body, headers }) => {
    const authorization = server.authorization;
    const init = {
      method: 'POST',
      headers: { ...(headers as Record<string, string>), authorization },
      ...(body ? { body } : {}),
    };
    const response = await fetch(`${server.api.url}/graphql`, init);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code, requestId: expect.any(String) } }] });
  });
});

describe('when something goes wrong inside', () => {
  it('tells nothing of it', async () => {
    await server.db.pool
      .query(`INSERT INTO "drop" SELECT first_seen_at, 'd-broken', last_seen_at, cluster_id, group_id, 'gone', connection_key,
      source, source_port, destination, destination_port, protocol, attempts, packets, detail FROM "drop" WHERE id = 'd-why-closed-0'`);
    const { status, data, errors } = await server.askSteadily('{ drop(id: "d-broken") { key explanation { cause } } }');
    await server.db.pool.query(`DELETE FROM "drop" WHERE id = 'd-broken'`);
    expect(status).toBe(200);
    expect(data).toEqual({ drop: null });
    expect(errors?.[0]).toMatchObject({ path: ['drop', 'explanation'], extensions: { code: 'INTERNAL_SERVER_ERROR' } });
    expect(JSON.stringify(errors)).not.toMatch(/gone|d-broken|stored|stack/);
  });

  it('a statement that takes too long: TIMEOUT', async () => {
    const slow = await server.start(server.db, 1);
    const filter = { ...RANGE, or: Array.from({ length: 300 }, (_, i) => ({ sentence: { contains: `nobody ${i}` } })) };
    const { errors } = await server.ask(DROPS, { filter }, undefined, slow);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'TIMEOUT' });
  });

  it('Postgres away: UNAVAILABLE or 503', async () => {
    const gone = openDatabase('postgres://nobody@127.0.0.1:1/nothing');
    const away = await server.start(gone);
    const { status, errors } = await server.ask('{ __typename }', {}, undefined, away);
    expect(status).toBe(503);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAVAILABLE' });
    await gone.close();
  });
});
