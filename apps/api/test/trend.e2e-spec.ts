import { LEVEL_MICROS } from '@whydrop/rollup';
import { addUpSlices, createToken } from '@whydrop/storage';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';

const NOON = Date.UTC(2026, 10, 20, 12) * 1000;
const { minute, hour, day } = LEVEL_MICROS;
const GROUPS = ['web', 'db', 'cache'];

let db: OpenTestDatabase;
let api: RunningApi;
let token: string;

const iso = (instant: number) => new Date(instant / 1000).toISOString();

beforeAll(async () => {
  db = await openTestDatabase();
  const { rows } = await db.pool.query<{ id: number }>(
    `INSERT INTO cluster (name) VALUES ('lab'), ('other') RETURNING id`,
  );
  const [lab, other] = rows.map(({ id }) => id);
  for (const [i, name] of GROUPS.entries()) {
    await db.pool.query(
      `INSERT INTO drop_group VALUES ($1, $2, 'dropped', $3, 'ingress', 'observed', 'TCP', $4, 'Pod', 'dev', 'client', 'Pod', 'dev', $1,
         'n1', $5, now(), now(), 1, 1, 1, 'x')`,
      [name, lab, i === 2 ? 'CT_INVALID' : 'POLICY_DEFAULT_DENY', 80 + i, i === 2 ? [] : [`NetworkPolicy/dev/${name}`]],
    );
  }
  await db.pool.query(
    `INSERT INTO counted_group (id, cluster_id, verdict, cause, policies, destination_namespace, destination_name, last_seen_at, facts)
     VALUES ('rule', $1, 'dropped', 'POLICY_DEFAULT_DENY', '{NetworkPolicy/dev/web}', 'dev', 'web-0', now(), '{}')`,
    [lab],
  );
  await put('web', NOON, 5);
  await put('web', NOON + 3 * minute, 1);
  await put('db', NOON, 2);
  await put('cache', NOON + hour, 1);
  await put('web', NOON - 7 * day, 9);
  await put('rule', NOON, 0, 7);
  await addUpSlices(db.pool);
  // The cluster was seen from noon to one o'clock; the other one all day.
  const bits = (from: number, count: number) => '0'.repeat(from) + '1'.repeat(count) + '0'.repeat(1440 - from - count);
  await db.pool.query(`INSERT INTO seen_day VALUES ($1, '', '2026-11-20', $2::bit(1440)), ($3, '', '2026-11-20', $4::bit(1440))`, [
    lab, bits(720, 60), other, bits(0, 1440),
  ]); // prettier-ignore
  token = (await createToken(db, { name: 'reader', role: 'viewer' })).text;
  const now = () => (NOON + 2 * hour) / 1000;
  api = await openTestApi(db, { now });
});

async function put(group: string, bucket: number, drops: number, counted = 0): Promise<void> {
  for (const level of ['minute', 'hour', 'day'] as const) {
    const at = iso(Math.floor(bucket / LEVEL_MICROS[level]) * LEVEL_MICROS[level]);
    await db.pool.query(
      `INSERT INTO drop_${level} AS r SELECT $1, $2, min(id), $3::int8, $3::int8, $3::int8 * 3, $4::int8 FROM cluster
       ON CONFLICT (bucket, group_id) DO UPDATE SET drops = r.drops + excluded.drops, attempts = r.attempts + excluded.attempts,
         packets = r.packets + excluded.packets`,
      [at, group, drops, counted],
    );
  }
}

afterAll(async () => {
  await api.close();
  await db.drop();
});

interface Reply {
  readonly data: { readonly [name: string]: unknown } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

async function ask(query: string): Promise<Reply> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${api.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return (await response.json()) as Reply;
}

const AROUND = `timeRange: {from: "${iso(NOON - hour)}", to: "${iso(NOON + 2 * hour)}"}`;
const LAB = 'filter: {cluster: {eq: "lab"}}';

describe('blockedConnectionTrend', () => {
  it('has a bucket for every hour: sums, nothing, and nobody looking', async () => {
    const { data } = await ask(
      `{ blockedConnectionTrend(${AROUND}, step: "1h", ${LAB}) {
           step from to coverage total { drops counted } other { key }
           series { key labels { value } total { drops packets } points { from drops counted covered } } } }`,
    );
    expect(data?.['blockedConnectionTrend']).toEqual({
      step: 'PT3600S',
      from: '2026-11-20T11:00:00Z',
      to: '2026-11-20T14:00:00Z',
      coverage: [0, 1, 0],
      total: { drops: 9, counted: 7 },
      other: null,
      series: [
        {
          key: 'all',
          labels: [],
          total: { drops: 9, packets: 27 },
          points: [
            { from: '2026-11-20T11:00:00Z', drops: null, counted: null, covered: false },
            { from: '2026-11-20T12:00:00Z', drops: 8, counted: 7, covered: true },
            // Somebody reported a drop: somebody was there.
            { from: '2026-11-20T13:00:00Z', drops: 1, counted: 0, covered: true },
          ],
        },
      ],
    });
  });

  it('gives one series per value, most packets first, and the rest in one; as a list for Grafana', async () => {
    const { data } = await ask(
      `{ blockedConnectionTrend(${AROUND}, step: "1h", ${LAB}, groupBy: [POLICY, CAUSE], top: 1) {
           series { key labels { dimension value } } other { key total { drops } }
           points(measure: PACKETS) { time value series } } }`,
    );
    const all = 'NetworkPolicy/dev/web, POLICY_DEFAULT_DENY';
    const at = (time: string, value: number | null, series: string) => ({
      time: `2026-11-20T${time}:00:00Z`,
      value,
      series,
    });
    expect(data?.['blockedConnectionTrend']).toEqual({
      series: [
        {
          key: all,
          labels: [
            { dimension: 'POLICY', value: 'NetworkPolicy/dev/web' },
            { dimension: 'CAUSE', value: 'POLICY_DEFAULT_DENY' },
          ],
        },
      ],
      other: { key: 'other', total: { drops: 3 } },
      points: [
        at('11', null, all), at('12', 18, all), at('13', null, all),
        at('11', null, 'other'), at('12', 6, 'other'), at('13', 3, 'other'),
      ], // prettier-ignore
    });
  });

  it('compares with last week, series by series', async () => {
    const { data } = await ask(
      `{ blockedConnectionTrend(${AROUND}, step: "1h", ${LAB}, groupBy: [DESTINATION_WORKLOAD], top: 2, compareWith: SAME_TIME_LAST_WEEK) {
           series { key total { drops } } comparison { from to total { drops } series { key total { drops } } } } }`,
    );
    expect(data?.['blockedConnectionTrend']).toEqual({
      series: [
        { key: 'dev/web', total: { drops: 6 } },
        { key: 'dev/web-0', total: { drops: 0 } },
      ],
      comparison: {
        from: '2026-11-13T11:00:00Z',
        to: '2026-11-13T14:00:00Z',
        total: { drops: 9 },
        series: [
          { key: 'dev/web', total: { drops: 9 } },
          { key: 'dev/web-0', total: { drops: 0 } },
        ],
      },
    });
  });

  it('compares with the window before, and reads windows that are still there', async () => {
    await db.pool.query(`INSERT INTO rollup_kept VALUES ('minute', $1), ('hour', $1)`, [iso(NOON - day)]);
    const { data } = await ask(
      `{ minutes: blockedConnectionTrend(${AROUND}, step: "30s") { step }
         days: blockedConnectionTrend(timeRange: {last: "14d"}, step: "1h", compareWith: PREVIOUS_WINDOW) { step total { drops } comparison { to total { drops } } } }`,
    );
    expect(data).toEqual({
      minutes: { step: 'PT60S' },
      days: { step: 'PT86400S', total: { drops: 18 }, comparison: { to: '2026-11-06T00:00:00Z', total: { drops: 0 } } },
    });
    await db.pool.query('TRUNCATE rollup_kept');
  });

  it.each([
    [`${AROUND}, step: "1m", maxPoints: 5`, 'give either step or maxPoints'],
    [`${AROUND}, top: 101`, 'top: between 1 and 100'],
    [`${AROUND}, groupBy: [CAUSE, CAUSE]`, 'groupBy: the same dimension twice'],
    ['timeRange: {from: "2030-01-01T00:00:00Z"}', 'timeRange: it has not begun'],
    [
      'timeRange: {last: "7d"}, step: "1m", groupBy: [GROUP]',
      '110880 points, over the limit of 60000: ask for fewer series or a longer step',
    ],
  ])('refuses %s', async (args, message) => {
    const { errors } = await ask(`{ blockedConnectionTrend(${args}) { step } }`);
    expect(errors?.[0]).toMatchObject({ message, extensions: { code: 'BAD_USER_INPUT' } });
  });
});

interface Field {
  readonly name: string;
  readonly args: readonly { readonly name: string; readonly description: string | null }[];
}

describe('topBlocked', () => {
  it('names what blocked most packets', async () => {
    const { data } = await ask(
      `{ policies: topBlocked(${AROUND}, by: POLICY, first: 2) { key drops packets counted }
         clients: topBlocked(timeRange: {last: "30d"}, by: SOURCE_WORKLOAD, filter: {cause: {eq: CT_INVALID}}) { key drops labels { dimension value } } }`,
    );
    expect(data).toEqual({
      policies: [
        { key: 'NetworkPolicy/dev/web', drops: 6, packets: 18, counted: 7 },
        { key: 'NetworkPolicy/dev/db', drops: 2, packets: 6, counted: 0 },
      ],
      clients: [{ key: 'dev/client', drops: 1, labels: [{ dimension: 'SOURCE_WORKLOAD', value: 'dev/client' }] }],
    });
  });

  it('names 100 at most, as its schema says', async () => {
    const asked = (first: number) => ask(`{ topBlocked(${AROUND}, by: POLICY, first: ${first}) { key } }`);
    expect((await asked(100)).errors).toBeUndefined();
    for (const first of [0, 101]) {
      const error = { message: 'first: must be from 1 to 100', extensions: { code: 'BAD_USER_INPUT' } };
      expect((await asked(first)).errors).toMatchObject([error]);
    }
    const { data } = await ask('{ __schema { queryType { fields { name args { name description } } } } }');
    const { fields } = (data as { __schema: { queryType: { fields: readonly Field[] } } }).__schema.queryType;
    const args = fields.find(({ name }) => name === 'topBlocked')?.args;
    expect(args?.find(({ name }) => name === 'first')?.description).toBe('How many, 1 to 100.');
  });
});
