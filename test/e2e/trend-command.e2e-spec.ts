import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createToken } from '@whydrop/storage';
import { buildSchema, type GraphQLEnumType } from 'graphql';
import type { RunningApi } from '../../apps/api/src/start.js';
import { openTestApi } from '../../apps/api/test/api.js';
import { openTestDatabase, type OpenTestDatabase } from '../../apps/api/test/database.js';
import { storeStory, storeWindows } from '../../apps/api/test/story.js';
import { runWhydrop } from '../../apps/cli/test/run.js';
import { DIMENSIONS } from '../../apps/cli/src/trend/query.js';

let db: OpenTestDatabase;
let api: RunningApi;
let token: string;

beforeAll(async () => {
  db = await openTestDatabase();
  await storeStory(db);
  // seen from 14:01 to 14:07
  await storeWindows(db, { from: 841, minutes: 6 });
  token = (await createToken(db, { name: 'trend', role: 'viewer' })).text;
  api = await openTestApi(db, { now: () => Date.parse('2026-11-20T14:08:00Z') });
});

afterAll(async () => {
  await api.close();
  await db.drop();
});

const run = (...args: readonly string[]) => runWhydrop('trend', '--url', api.url, '--token', token, ...args);

interface Point {
  readonly drops: number | null;
}

const pointsOf = (out: string): readonly Point[] =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Point);

it('shows a bucket a line, and - where nobody was looking', async () => {
  const { code, out, err } = await run('--since', '8m', '--step', '1m');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out.split('\n')).toEqual([
    'from               blocked  attempts  packets  counted only',
    '2026-11-20 14:00Z        -         -        -             -',
    '2026-11-20 14:01Z        0         0        0             0',
    '2026-11-20 14:02Z        3         3        9             0',
    '2026-11-20 14:03Z        2         2        6             0',
    '2026-11-20 14:04Z        1         1        3             0',
    '2026-11-20 14:05Z        1         1        3             0',
    '2026-11-20 14:06Z        0         0        0             0',
    '2026-11-20 14:07Z        -         -        -             -',
    '-: nobody was looking',
    '',
  ]);
});

it('has a column for each policy, and one for the rest', async () => {
  const { out } = await run('--since', '8m', '--step', '1h', '--by', 'policy', '--top', '1');
  expect(out.split('\n')).toEqual([
    'from               NetworkPolicy/dev/policy1  other',
    '2026-11-20 14:00Z                          6      1',
    '',
  ]);
});

it('keeps to what was asked for', async () => {
  const sum = async (...args: readonly string[]) => {
    const { out } = await run('--from', '2026-11-20T14:00:00Z', '--step', '1h', '--json', ...args);
    return pointsOf(out).reduce((total, { drops }) => total + (drops ?? 0), 0);
  };
  expect(await sum()).toBe(7);
  expect(await sum('--namespace', 'qa')).toBe(2);
  expect(await sum('--policy', 'dev/policy2')).toBe(1);
  expect(await sum('--failed')).toBe(8);
  expect(await sum('--cause', 'PORT_CLOSED', '--failed')).toBe(1);
});

it('as JSON: one object a line, null in a gap', async () => {
  const points = pointsOf((await run('--since', '8m', '--step', '1m', '--by', 'verdict', '--json')).out);
  const rest = { step: 'PT60S', series: 'dropped', labels: { verdict: 'dropped' } };
  const none = { drops: null, attempts: null, packets: null, counted: null };
  expect(points).toHaveLength(8);
  expect(points[0]).toEqual({ from: '2026-11-20T14:00:00Z', ...none, ...rest });
  expect(points[2]).toEqual({ from: '2026-11-20T14:02:00Z', drops: 3, attempts: 3, packets: 9, counted: 0, ...rest });
});

it('says when nothing was blocked, and which words are none', async () => {
  expect((await run('--cluster', 'nowhere', '--by', 'cause')).out).toBe('nobody was looking\n');
  const minutes = ['--since', '8m', '--step', '1m', '--by', 'source-workload'];
  expect((await run('--cause', 'CT_INVALID', ...minutes)).out).toBe(
    'nothing was blocked; nobody was looking in 2 of 8 buckets\n',
  );
  const { code, err } = await run('--by', 'color');
  expect(code).toBe(2);
  expect(err).toMatch(/^whydrop trend: --by color: is none of cause, cluster, /);
});

it('can be told apart by whatever the API can', () => {
  const schema = buildSchema(readFileSync(path.resolve(import.meta.dirname, '../../schema.graphql'), 'utf8'));
  const values = (schema.getType('TrendDimension') as GraphQLEnumType).getValues();
  const words = values.map(({ name }) => name.toLowerCase().replaceAll('_', '-'));
  expect(words.toSorted()).toEqual([...DIMENSIONS].toSorted());
});
