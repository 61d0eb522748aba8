import { buildSchema } from 'graphql';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createToken } from '@whydrop/storage';
import { RULES } from '../src/auth/rules.js';
import type { RunningApi } from '../src/start.js';
import { rootFields } from './auth-fields.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { everything } from './everything.js';
import { numbers, storeWorld, type Others } from './worlds.js';

const SEED = 20261121;
const WORLDS: readonly Others[] = [
  { namespace: 'payments', word: 'salaries', own: 0, node: 'n2' },
  { namespace: 'zoo', word: 'elephant', own: 30, node: 'n7' },
];
const SECRETS = WORLDS.flatMap(({ namespace, word, node }) => [namespace, word, node]);

interface World {
  readonly db: OpenTestDatabase;
  readonly api: RunningApi;
  readonly dev: string;
  readonly all: string;
}
const worlds: World[] = [];

beforeAll(async () => {
  for (const others of WORLDS) {
    const db = await openTestDatabase();
    await storeWorld(db, SEED, others);
    const dev = (await createToken(db, { name: 'dev', role: 'viewer', namespaces: ['dev'] })).text;
    const all = (await createToken(db, { name: 'all', role: 'viewer' })).text;
    const now = () => Date.parse('2026-11-20T13:00:00Z');
    const api = await openTestApi(db, { now });
    worlds.push({ db, api, dev, all });
  }
}, 120_000);

afterAll(async () => {
  for (const { api, db } of worlds) {
    await api.close();
    await db.drop();
  }
});

/** What is answered, byte for byte, but for the request's own id. */
async function ask(world: World | undefined, query: string, as: 'dev' | 'all' = 'dev'): Promise<string> {
  if (!world) throw new Error('no such world');
  const response = await fetch(`${world.api.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world[as]}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return `${response.status} ${(await response.text()).replaceAll(/"requestId":"[^"]*"/g, '')}`;
}

async function both(query: string): Promise<string> {
  const [one, two] = await Promise.all(worlds.map((world) => ask(world, query)));
  expect(two).toBe(one);
  const told = one ?? '';
  expect(SECRETS.filter((secret) => told.includes(secret) && !query.includes(secret))).toEqual([]);
  return told;
}

const schema = buildSchema(readFileSync(path.resolve(import.meta.dirname, '../../../schema.graphql'), 'utf8'));

const RANGE = 'timeRange: {from: "2026-11-20T11:00:00Z", to: "2026-11-20T13:00:00Z"}';
const ofField = (name: string) => schema.getQueryType()?.getFields()[name]?.type;
const all = (name: string, depth: number) => {
  const type = ofField(name);
  return type ? everything(schema, type, depth) : '';
};

describe('a reader of one namespace', () => {
  it('sees drops with an end in it, the other end by its address', async () => {
    const told = await both(
      `{ drops(filter: {${RANGE}}, first: 500) { totalCount nodes { sentence withheld source { ip label pod { name } } } } }`,
    );
    const { data } = JSON.parse(told.slice(4)) as {
      data: { drops: { totalCount: number; nodes: { withheld: string[]; sentence: string }[] } };
    };
    expect(data.drops.totalCount).toBe(52);
    const other = data.drops.nodes.find(({ withheld }) => withheld.includes('the destination'));
    expect(other?.withheld).toEqual(['raw lines', 'the destination', 'policies and rules of other namespaces']);
    expect(other?.sentence).toMatch(
      /^dev\/\w+ -> 10\.2\.0\.\d+:\d+\/TCP was dropped on \w+: .* What is of other namespaces is withheld\.$/,
    );
  });

  it.each([
    ['drops', 5],
    ['dropGroups', 5],
  ])('%s: everything of it is the same, whoever the others are', async (name, depth) => {
    const told = await both(`{ ${name}(filter: {${RANGE}}, first: 40) ${all(name, depth)} }`);
    expect(told).toContain('dev/');
    expect(told).not.toContain('"errors"');
  });

  it.each([
    ['alerts', '(first: 40)'],
    ['reconciliationFindings', `(filter: {${RANGE}}, first: 40)`],
    ['countedDrops', `(${RANGE}, all: true)`],
  ])('%s: everything of it is the same, whoever the others are', async (name, args) => {
    const told = await both(`{ ${name}${args} ${all(name, 5)} }`);
    expect(told).toMatch(/dev\/|"namespace":"dev"/);
    expect(told).not.toContain('"errors"');
    const [one, two] = await Promise.all(
      worlds.map((world) => ask(world, `{ ${name}${args} ${all(name, 5)} }`, 'all')),
    );
    expect(two).not.toBe(one);
  });

  it('sees alerts that name it, without what they say of others', async () => {
    const fields = `id summary sentence policies changes path labels { name value } mutedBy { by id } topSources { end { namespace name } drops }`;
    const told = await both(`{ alerts(first: 40) { totalCount nodes { ${fields} } } }`);
    const { data } = JSON.parse(told.slice(4)) as { data: { alerts: { totalCount: number; nodes: { id: string }[] } } };
    const { totalCount, nodes } = data.alerts;
    expect([totalCount, nodes.map(({ id }) => id).sort()]).toEqual([
      8,
      ['a-drift', 'a-namespaces', 'a-outside', 'a-pair', 'a-plain', 'a-policies', 'a-policy', 'a-unknown-label'],
    ]);
    const shown = Object.fromEntries(nodes.map(({ id, ...rest }) => [id, rest]));
    expect(shown).toMatchSnapshot();
  });

  it.each([
    ['a-policy', 'Alert'],
    ['z-0', null],
  ])('alert %s by its id: %s', async (id, type) => {
    const told = await both(`{ alert(id: "${id}") { __typename } }`);
    expect(told).toContain(`"alert":${type === null ? 'null' : `{"__typename":"${type}"}`}`);
    expect(await ask(worlds[1], `{ alert(id: "${id}") { id } }`, 'all')).toContain(`"id":"${id}"`);
  });

  it('sees what rules of its own workloads counted, and findings about them and its policies', async () => {
    const counted = await both(
      `{ countedDrops(${RANGE}) { key packets endpoint node sentence policies { name } chainRule { text } } }`,
    );
    const findings = await both(
      `{ reconciliationFindings(filter: {${RANGE}}) { totalCount nodes { key node subject sentence policies { name } witness { source } decidedAt { text } connections } } }`,
    );
    expect([counted, findings].map((told) => (JSON.parse(told.slice(4)) as { data: object }).data)).toMatchSnapshot();
  });

  it.each(['NAMESPACE', 'SOURCE_WORKLOAD', 'DESTINATION_NAMESPACE', 'POLICY', 'NODE', 'CAUSE', 'PORT'])(
    'trends and top by %s',
    async (by) => {
      const trend = await both(
        `{ blockedConnectionTrend(${RANGE}, groupBy: [${by}], step: "PT5M") ${all('blockedConnectionTrend', 4)} }`,
      );
      expect(trend).not.toContain('"errors"');
      expect(await both(`{ topBlocked(${RANGE}, by: ${by}, first: 50) ${all('topBlocked', 3)} }`)).not.toContain(
        '"errors"',
      );
    },
  );

  it('the trend of everything is the sum of what it sees', async () => {
    const told = await both(`{ blockedConnectionTrend(${RANGE}, maxPoints: 2) { total { drops } } }`);
    expect(told).toContain('"total":{"drops":52}');
  });

  it.each([
    ['drop', 'g0-0'],
    ['dropGroup', 'g0'],
  ])('%s by its key', async (name, key) => {
    expect(await both(`{ ${name}(id: "${key}") ${all(name, 5)} }`)).not.toContain('"errors"');
    const outside = await ask(worlds[1], `{ ${name}(id: "${key.replace('g', 'o')}") { id } }`);
    const nowhere = await ask(worlds[0], `{ ${name}(id: "${key.replace('g', 'o')}") { id } }`);
    expect(outside).toBe(nowhere);
    expect(outside).toContain('NOT_FOUND');
    expect(await ask(worlds[1], `{ ${name}(id: "${key.replace('g', 'o')}") { id } }`, 'all')).not.toContain('errors');
  });

  it('node by a global id outside is not found', async () => {
    const id = Buffer.from('Drop:o1-0').toString('base64url');
    expect(await both(`{ node(id: "${id}") { id } }`)).toContain('NOT_FOUND');
    expect(
      await both(`{ node(id: "${Buffer.from('Drop:g1-0').toString('base64url')}") { id ... on Drop { sentence } } }`),
    ).not.toContain('errors');
  });

  it.each(
    rootFields()
      .filter(({ type }) => type === 'Query')
      .map((field) => [field.name, field.text] as const),
  )('%s, asked for as little as can be', async (name, text) => {
    const told = await both(text);
    if (RULES['Query']?.[name]?.reach === 'whole') expect(told).toContain('FORBIDDEN');
  });

  it.each(['policies', 'workloads'])('%s: everything of it is the same', async (name) => {
    const text = rootFields().find((field) => field.name === name)?.text ?? '';
    const told = await both(text.replace(/\{ __typename \} \}$/, `${all(name, 5)} }`));
    expect(told).not.toContain('"errors"');
  });

  it('no filter, sort or page tells the worlds apart', async () => {
    const below = numbers(SEED);
    const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;
    const words = [...SECRETS, 'dev', 'web', 'base', 'withheld', 'o', 'e', 'n1', 'only-', 'of-', '1'];
    const texts = [
      'namespace',
      'sourceNamespace',
      'destinationNamespace',
      'workload',
      'sourceWorkload',
      'destinationWorkload',
      'policy',
      'policyKind',
      'node',
      'cluster',
    ];
    const test = () => `${pick(texts)}: {${pick(['eq', 'neq', 'contains', 'startsWith'])}: "${pick(words)}"}`;
    const condition = (): string =>
      pick([test, test, () => `not: {${test()}}`, () => `or: [{${test()}}, {${test()}}]`])();
    let found = 0;
    for (let i = 0; i < 200; i++) {
      const [name, order] = pick([
        ['drops', 'orderBy: {field: FIRST_SEEN, direction: ASC}'],
        ['dropGroups', `orderBy: {field: ${pick(['LAST_SEEN', 'DROPS', 'PACKETS'])}}`],
      ] as const);
      const text = `{ ${name}(filter: {${RANGE}, ${condition()}}, first: ${1 + below(9)}, ${order}) { totalCount pageInfo { hasNextPage endCursor } nodes { key } } }`;
      const told = await both(text);
      expect(told).not.toContain('"errors"');
      if (told.includes('"key"')) found++;
    }
    expect(found).toBeGreaterThan(40);
  }, 120_000);

  it('no filter of alerts or findings tells the worlds apart', async () => {
    const below = numbers(SEED + 1);
    const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;
    const words = [...SECRETS, 'dev', 'web', 'dev/web', 'withheld', 'Spike', 'n1', 'NetworkPolicy/dev/only-web', '1'];
    const fields = {
      alerts: ['namespace', 'workload', 'policy', 'node', 'rule', 'cluster'],
      reconciliationFindings: ['namespace', 'workload', 'policy', 'node', 'cluster'],
    };
    let found = 0;
    for (let i = 0; i < 100; i++) {
      const name = pick(['alerts', 'reconciliationFindings'] as const);
      const test = () => `${pick(fields[name])}: {${pick(['eq', 'neq', 'contains', 'startsWith'])}: "${pick(words)}"}`;
      const condition = pick([
        () => `and: [{${test()}}]`,
        () => `not: {${test()}}`,
        () => `or: [{${test()}}, {${test()}}]`,
      ])();
      const page = `first: ${1 + below(4)}`;
      const told = await both(
        `{ ${name}(filter: {${RANGE}, ${condition}}, ${page}) { totalCount pageInfo { hasNextPage endCursor } nodes { __typename } } }`,
      );
      expect(told).not.toContain('"errors"');
      if (told.includes('"__typename"')) found++;
    }
    expect(found).toBeGreaterThan(20);
  }, 120_000);
});
