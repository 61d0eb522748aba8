import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import '@nestjs/graphql';
import { ResolversExplorerService } from '@nestjs/graphql/dist/services/resolvers-explorer.service.js';
import { createToken } from '@whydrop/storage';
import type { GraphQLObjectType } from 'graphql';
import { ApiModule } from '../src/api.module.js';
import { createAdapter, prepareApi } from '../src/prepare.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeManyOfEach } from './fifty.js';
import { nested, reached, schema, selected, waysThroughLists } from './ways.js';

// However many parents there are, a level of a query is so many statements. The cases are made of the schema: a field with a resolver
// of its own, on a type that stands in a list, has to be read with one statement for all.
const MANY = 50;

const statements: string[] = [];
let db: OpenTestDatabase;
let app: NestFastifyApplication;
let token: string;
let ownToken: string;
let ownResolvers: readonly (readonly [type: string, field: string])[] = [];

beforeAll(async () => {
  db = await openTestDatabase();
  await storeManyOfEach(db, MANY);
  token = (await createToken(db, { name: 'reader', role: 'admin' })).text;
  ownToken = (await createToken(db, { name: 'dev', role: 'viewer', namespaces: ['dev'] })).text;
  const options = {
    database: db,
    storeQueue: { enqueue: () => Promise.resolve() },
    knownFormats: [],
    now: () => Date.parse('2026-11-20T15:00:00Z'),
    onStatement: (text: string) => statements.push(text),
  };
  app = await NestFactory.create<NestFastifyApplication>(ApiModule.forRoot(options), createAdapter(), {
    logger: false,
  });
  await prepareApi(app, options);
  await app.listen(0, '127.0.0.1');
  const found = app.get(ResolversExplorerService, { strict: false }).explore();
  ownResolvers = Object.entries(found).flatMap(([type, fields]) =>
    Object.keys(fields).map((name) => [type, name] as const),
  );
});

afterAll(async () => {
  await app.close();
  await db.drop();
});

interface Told {
  readonly data: unknown;
  readonly statements: number;
}

async function ask(query: string, as = token): Promise<Told> {
  statements.length = 0;
  const response = await fetch(`${await app.getUrl()}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as { readonly data: unknown; readonly errors?: unknown };
  expect({ query, errors }).toEqual({ query, errors: undefined });
  return { data, statements: statements.length };
}

it('a field of what stands in a list is read with as many statements for many as for one', async () => {
  const ways = waysThroughLists();
  const cases = ownResolvers.flatMap(([type, name]) => {
    const field = (schema.getType(type) as GraphQLObjectType).getFields()[name];
    const way = ways.get(type);
    return field && way ? [{ field, way, type }] : [];
  });
  const counted = [];
  for (const { type, field, way } of cases) {
    const one = await ask(`{ ${nested(way, selected(field), 1)} }`);
    const many = await ask(`{ ${nested(way, selected(field), MANY)} }`);
    counted.push({
      field: `${type}.${field.name}`,
      parents: reached(many.data, way).length >= MANY,
      more: many.statements - one.statements,
    });
  }
  expect(counted.map(({ field }) => field)).toEqual(
    expect.arrayContaining(['Policy.drops', 'BlockedWorkload.blockedTo', 'Drop.group']),
  );
  // A field that is new here and has no parents: store some in fifty.ts.
  expect(counted).toEqual(counted.map(({ field }) => ({ field, parents: true, more: 0 })));
});

const RANGE = 'timeRange: {from: "2026-11-20T14:00:00Z", to: "2026-11-20T15:00:00Z"}';
const NODES =
  '{ totalCount nodes { key cluster firstSeenAt lastSeenAt packets } pageInfo { hasNextPage hasPreviousPage } }';
const PAGE = '{ totalCount edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }';

/** Root fields and the lists that each of their nodes has. */
const LISTS = [
  ['policies', 'Policy', ['drops', 'dropGroups', 'findings']],
  ['workloads', 'BlockedWorkload', ['blockedTo', 'blockedFrom']],
] as const;

const listsOf = (lists: readonly string[], page: string): string =>
  lists.map((name) => `${name}(${RANGE}, ${page}) ${PAGE}`).join(' ');

type Nodes = Readonly<Record<string, { readonly nodes: readonly { readonly id: string }[] }>>;

describe.each(LISTS)('%s with all the lists of each', (root, type, lists) => {
  const called = root === 'workloads' ? `workloads(filter: {${RANGE}}, first:` : 'policies(first:';

  it('are read with as many statements for many as for two', async () => {
    const query = (first: number) => `{ ${called} ${first}) { nodes { id ${listsOf(lists, 'first: 2')} } } }`;
    const [two, many] = [await ask(query(2)), await ask(query(MANY))];
    expect((many.data as Nodes)[root]?.nodes).toHaveLength(MANY);
    expect(many.statements).toBe(two.statements);
    // the nodes, and of each list its page and its number
    expect(many.statements).toBe(1 + 2 * lists.length);
  });

  it.each([
    ['the first page', 'first: 2'],
    ['the last one', 'last: 1'],
    ['a page that holds all', 'first: 10'],
  ])('have the pages that each has alone: %s', async (_which, page) => {
    for (const [as, shown] of [
      [token, lists],
      [ownToken, lists.filter((name) => name !== 'findings')],
    ] as const) {
      const inner = listsOf(shown, page);
      const all = ((await ask(`{ ${called} 9) { nodes { id ${inner} } } }`, as)).data as Nodes)[root]?.nodes ?? [];
      expect(all).toHaveLength(9);
      for (const node of all) {
        const alone = await ask(`{ node(id: "${node.id}") { id ... on ${type} { ${inner} } } }`, as);
        expect(alone.data).toEqual({ node });
      }
    }
  });
});

it('the cursor of a page in a list of many leads on to the next page of the one', async () => {
  const drops = (page: string) => `drops(${RANGE}, ${page}) ${PAGE}`;
  interface Page {
    readonly nodes: readonly {
      readonly id: string;
      readonly drops: { readonly pageInfo: { readonly endCursor: string } };
    }[];
  }
  const { policies } = (await ask(`{ policies(first: 3) { nodes { id ${drops('first: 2')} } } }`)).data as {
    policies: Page;
  };
  const [, second] = policies.nodes;
  const next = await ask(
    `{ policy(id: "${second?.id}") { ${drops(`first: 2, after: "${second?.drops.pageInfo.endCursor}"`)} } }`,
  );
  expect(next.data).toMatchObject({
    policy: {
      drops: {
        totalCount: 3,
        edges: [{ cursor: expect.any(String) }],
        pageInfo: { hasNextPage: false, hasPreviousPage: true },
      },
    },
  });
});

it.each([
  ['drops', 'first: 2'],
  ['drops', 'last: 2'],
  ['dropGroups', 'first: 1'],
  ['dropGroups', 'last: 1'],
])('%s of a policy, %s, are those of the whole list that name it, by whatever name', async (list, page) => {
  const nested = await ask(
    `{ policies(first: 50) { nodes { namespace name list: ${list}(${RANGE}, ${page}) ${NODES} } } }`,
  );
  interface Named {
    readonly namespace: string;
    readonly name: string;
    readonly list: object;
  }
  const nodes = (nested.data as { readonly policies: { readonly nodes: readonly Named[] } }).policies.nodes;
  expect(nodes).toHaveLength(MANY);
  for (const { namespace, name, list: own } of [nodes[0], nodes[31]] as readonly Named[]) {
    expect(own).toMatchObject({ nodes: [{ key: expect.any(String) }, ...(list === 'drops' ? [{}] : [])] });
    for (const policy of [`NetworkPolicy/${namespace}/${name}`, `${namespace}/${name}`, name]) {
      const whole = await ask(`{ ${list}(filter: {${RANGE}, policy: {eq: "${policy}"}}, ${page}) ${NODES} }`);
      expect(whole.data).toEqual({ [list]: own });
    }
  }
});
