import { RANGE, StoryServer } from './story-server.js';

const server = StoryServer.forTests();

describe('what a query costs', () => {
  it('one statement for the list, one for explanations, one for groups, however many drops', async () => {
    const query = `query ($filter: DropFilter!) { drops(filter: $filter, first: 200) {
      nodes { key explanation { cause policies { name } } group { key explanation { cause } } } } }`;
    server.statements.length = 0;
    const { data } = await server.ask(query, { filter: RANGE });
    expect(data.drops?.nodes).toHaveLength(200);
    expect(server.statements).toHaveLength(3);
  });

  it('one statement for groups, one for their latest drops, one for explanations', async () => {
    const query = `query ($filter: DropGroupFilter!) { dropGroups(filter: $filter) {
      nodes { sentence explanation { cause } latestDrop { key explanation { cause } } } } }`;
    server.statements.length = 0;
    const { data } = await server.ask(query, { filter: RANGE });
    expect(data.dropGroups?.nodes).toHaveLength(4);
    expect(server.statements).toHaveLength(3);
  });

  it('nothing is counted that nobody asks for', async () => {
    server.statements.length = 0;
    await server.ask('query ($f: DropFilter!) { drops(filter: $f) { nodes { key } } }', { f: RANGE });
    expect(server.statements).toHaveLength(1);
  });

  it('is told, and limited', async () => {
    const query = 'query ($f: DropFilter!, $n: Int!) { drops(filter: $f, first: $n) { nodes { key cause } } }';
    const fine = await server.ask(query, { f: RANGE, n: 100 });
    expect(fine.extensions).toEqual({ cost: { requested: 500 + 100 * 3, limit: 50_000 } });
    const aliases = Array.from(
      { length: 40 },
      (_, i) => `d${i}: drops(filter: $f, first: 500) { nodes { key cause } }`,
    );
    const { status, errors } = await server.askSteadily(`query ($f: DropFilter!) { ${aliases.join(' ')} }`, {
      f: RANGE,
    });
    expect(status).toBe(400);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'QUERY_TOO_COMPLEX', cost: { limit: 50_000 } });
  });

  it('is checked with the variables of each request, not of the first', async () => {
    const query =
      'query ($f: DropFilter!, $n: Int!) { drops(filter: $f, first: $n) { nodes { ...D } a: nodes { ...D } b: nodes { ...D } c: nodes { ...D } } } fragment D on Drop { key cause verdict basis direction sentence explanation { cause causeText basis verdict direction assumptions missing misses { path rule failed { path got wanted field } policy { name namespace kind } } } }';
    for (let i = 0; i < 3; i++) expect((await server.ask(query, { f: RANGE, n: 2 })).errors).toBeUndefined();
    expect((await server.ask(query, { f: RANGE, n: 500 })).errors?.[0]?.extensions).toMatchObject({
      code: 'QUERY_TOO_COMPLEX',
    });
    expect((await server.ask(query, { f: RANGE, n: 2 })).errors).toBeUndefined();
  });

  it('depth is limited, through fragments too', async () => {
    const deep = `query ($f: DropFilter!) { drops(filter: $f) { nodes { ...A } } }
      fragment A on Drop { group { latestDrop { group { latestDrop { group { latestDrop { group { latestDrop { key } } } } } } } } }`;
    const { status, errors } = await server.askSteadily(deep, { f: RANGE });
    expect(status).toBe(400);
    expect(errors?.[0]).toMatchObject({
      extensions: { code: 'QUERY_TOO_COMPLEX' },
      message: expect.stringContaining('limit of 10'),
    });
  });
});
