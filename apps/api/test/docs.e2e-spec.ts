import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createToken } from '@whydrop/storage';
import { buildSchema, parse, validate } from 'graphql';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeStory } from './story.js';

// Every query that a page shows is run as it stands there.
const ROOT = path.resolve(import.meta.dirname, '../../..');
const PAGES = [
  'README.md',
  'apps/api/README.md',
  ...readdirSync(path.join(ROOT, 'docs')).map((name) => `docs/${name}`),
];

interface Example {
  readonly page: string;
  readonly line: number;
  readonly query: string;
  readonly variables: object;
}

/** Blocks marked as graphql, each with the block of JSON behind it as its variables; and what a shell keeps in QUERY. */
function examplesOf(page: string): readonly Example[] {
  const text = readFileSync(path.join(ROOT, page), 'utf8');
  const blocks = /```graphql\n([\s\S]*?)```(?:\s*```json\n([\s\S]*?)```)?|^QUERY='([^']*)'/gm;
  return [...text.matchAll(blocks)].map((match) => ({
    page,
    line: text.slice(0, match.index).split('\n').length,
    query: match[1] ?? match[3] ?? '',
    variables: JSON.parse(match[2] ?? '{}') as object,
  }));
}

const EXAMPLES = PAGES.filter((page) => page.endsWith('.md')).flatMap(examplesOf);
const isSubscription = ({ query }: Example) => query.trimStart().startsWith('subscription');

let db: OpenTestDatabase;
let api: RunningApi;
let token: string;

beforeAll(async () => {
  db = await openTestDatabase();
  await storeStory(db);
  await db.pool.query(`INSERT INTO cluster (name) VALUES ('three-tier') ON CONFLICT DO NOTHING`);
  for (const name of ['client2-dev', 'webserver-dev']) {
    const ip = name === 'client2-dev' ? '10.0.0.1' : '10.0.0.2';
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'dev' }, status: { podIP: ip } };
    await db.pool.query(
      `INSERT INTO object_version (cluster_id, api_group, kind, namespace, name, change, at, valid_from, content_hash, object, batch_id)
       VALUES ((SELECT id FROM cluster WHERE name = 'three-tier'), '', 'Pod', 'dev', $1, 'STATE', '2020-01-01', '2020-01-01', '', $2, 1)`,
      [name, JSON.stringify(pod)],
    );
  }
  token = (await createToken(db, { name: 'reader', role: 'viewer' })).text;
  api = await openTestApi(db);
});

afterAll(async () => {
  await api.close();
  await db.drop();
});

it('pages have examples', () => {
  expect(EXAMPLES.filter(({ page }) => page === 'README.md')).not.toHaveLength(0);
  expect(EXAMPLES.filter(({ page }) => page === 'docs/api.md').length).toBeGreaterThan(4);
});

it.each(EXAMPLES.map((example) => [example.page, example.line, example] as const))(
  '%s:%d',
  async (_page, _line, example) => {
    const { query, variables } = example;
    const schema = buildSchema(readFileSync(path.join(ROOT, 'schema.graphql'), 'utf8'));
    expect(validate(schema, parse(query))).toEqual([]);
    if (isSubscription(example)) return;
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as { data?: unknown; errors?: unknown };
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toBeDefined();
  },
);
