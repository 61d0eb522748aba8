import type { CorrelatedDrop, CountedDrop, CountedFacts } from '@whydrop/explain';
import { type Drop, type ExplainedEnd, type Explanation, formatInstant, type Instant } from '@whydrop/model';
import { LEVEL_MICROS } from '@whydrop/rollup';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import fc from 'fast-check';
import { type Database, openDatabase } from '../database.js';
import { replaceDrops } from '../correlation/drops.js';
import { MICROS } from '../write/batch.js';
import { type CountedBefore, rollUpCounted } from './counted.js';
import { differences } from './recount.fixture.js';
import type { TrendCondition } from './dimensions.js';
import { loadSeries } from './series.js';
import { loadTopGroups } from './top-groups.js';

const START: Instant = Date.UTC(2026, 10, 20, 22, 50) * 1000;
const MINUTE = LEVEL_MICROS.minute;

let test: TestDatabase;
let database: Database;
let clusterId: number;

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
  const { rows } = await database.pool.query<{ id: number }>(`INSERT INTO cluster (name) VALUES ('c') RETURNING id`);
  clusterId = rows[0]?.id ?? 0;
});

afterEach(() =>
  database.pool.query(
    'TRUNCATE "drop", drop_group, counted_drop, counted_group, drop_minute, drop_hour, drop_day, slice_minute, slice_hour, slice_day, drop_slice, explanation',
  ),
);

afterAll(async () => {
  await database.close();
  await test.drop();
});

/** One blocked connection as a generator draws it: which pair, when, and how much of it was seen. */
interface Seen {
  readonly pair: number;
  readonly at: number;
  readonly attempts: number;
}

function pod(name: string): ExplainedEnd {
  const workload = { kind: 'Deployment', namespace: 'dev', name };
  return { ip: '10.0.0.1', pod: undefined, workload, node: 'n1', role: 'pod', label: name } as ExplainedEnd;
}

function dropOf({ pair, at, attempts }: Seen): CorrelatedDrop {
  const explanation: Partial<Explanation> = {
    verdict: 'dropped',
    cause: pair % 2 ? 'POLICY_DEFAULT_DENY' : 'CT_INVALID',
    direction: 'ingress',
    policies:
      pair % 2 ? [{ kind: 'NetworkPolicy', namespace: 'dev', name: 'web' } as Explanation['policies'][number]] : [],
    basis: 'observed',
    evidence: [],
    sentence: `client${pair} -> web was dropped.`,
  };
  const firstSeenAt = START + at;
  const drop: Partial<Drop> = {
    id: `${pair}-${at}`,
    cluster: 'c',
    firstSeenAt,
    lastSeenAt: firstSeenAt + 1_000_000,
    source: pod(`client${pair}`),
    sourcePort: 40_000,
    destination: pod('web'),
    destinationPort: 80,
    protocol: 'TCP',
    attempts,
    packets: attempts * 3,
    explanation: explanation as Explanation,
  };
  return { drop: drop as Drop, connectionKey: pair } as CorrelatedDrop;
}

/** What a correlation run finds for some connections around some time, in the place of what was found before. */
function correlated(seen: readonly Seen[], keys: readonly number[], span: readonly [number, number]): Promise<unknown> {
  const unique = [...new Map(seen.map((each) => [`${each.pair} ${each.at}`, each])).values()];
  const drops = unique.filter(({ pair }) => keys.includes(pair)).map(dropOf);
  const [from, to] = [START + span[0], START + span[1]];
  return database
    .transaction((client) => replaceDrops(client, clusterId, keys.map(BigInt), [from, to], drops))
    .then((done) => done.drops);
}

interface Window {
  readonly rule: number;
  readonly at: number;
  readonly packets: number;
  readonly attributed: number;
}

const facts: CountedFacts = {
  channel: 'counter', node: 'n1', verdict: 'dropped', cause: 'POLICY_DEFAULT_DENY', direction: 'ingress', endpoint: 'dev/db-0',
  source: undefined, destination: undefined, protocol: undefined, destinationPort: undefined,
  policies: [{ kind: 'NetworkPolicy', namespace: 'dev', name: 'db' } as CountedFacts['policies'][number]], misses: [],
  chainRule: undefined, counter: 'Rule 6 of chain X', assumptions: [], missing: [],
}; // prettier-ignore

function windowOf({ rule, at, packets, attributed }: Window): CountedDrop {
  const to = START + at;
  const sums = { packets: BigInt(packets), attributed: BigInt(Math.min(attributed, packets)), isLowerBound: false };
  return {
    key: `${rule}`,
    id: `${rule}-${at}`,
    groupId: `rule${rule}`,
    from: to - MINUTE,
    to,
    ...sums,
    facts,
  } as CountedDrop;
}

/** Counts anew what rules dropped in a span, in the place of what was counted there before. */
async function counted(windows: readonly Window[], [from, to]: readonly [number, number]): Promise<void> {
  const unique = [...new Map(windows.map((each) => [`${each.rule} ${each.at}`, each])).values()];
  const after = unique.filter(({ at }) => at >= from && at <= to).map(windowOf);
  await database.transaction(async (client) => {
    const before = await client.query<CountedBefore>(
      `DELETE FROM counted_drop WHERE to_time BETWEEN $1 AND $2
       RETURNING group_id, ${MICROS('to_time')} AS to, packets - attributed AS counted, facts`,
      [formatInstant(START + from), formatInstant(START + to)],
    );
    for (const { id, groupId, from: start, to: end, packets, attributed } of after) {
      await client.query(
        `INSERT INTO counted_drop VALUES ($1, $2, $3, $4, $5, 'n1', 'counter', 'POLICY_DEFAULT_DENY', $6, $7, false, $8)`,
        [formatInstant(end), id, formatInstant(start), clusterId, groupId, packets, attributed, JSON.stringify(facts)],
      );
    }
    await rollUpCounted(client, clusterId, before.rows, after);
  });
}

// Two hours around midnight: the windows of every level are crossed.
const moment = fc
  .integer({ min: 0, max: 120 })
  .chain((minutes) => fc.constantFrom(0, 1, 30_000_000, 59_999_999).map((offset) => minutes * MINUTE + offset));
const span = fc.tuple(moment, moment).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const seen = fc.record({ pair: fc.nat(5), at: moment, attempts: fc.integer({ min: 1, max: 9 }) });
const window = fc.record({ rule: fc.nat(3), at: moment, packets: fc.nat(50), attributed: fc.nat(50) });
const run = fc.oneof(
  fc.record({
    kind: fc.constant('drops' as const),
    seen: fc.array(seen, { maxLength: 20 }),
    keys: fc.uniqueArray(fc.nat(5), { minLength: 1 }),
    span,
  }),
  fc.record({ kind: fc.constant('counted' as const), windows: fc.array(window, { maxLength: 12 }), span }),
);

describe('the sum of any window', () => {
  it('is what a recount of its drops and counted packets gives, after any runs in any order', async () => {
    await fc.assert(
      fc
        .asyncProperty(fc.array(run, { minLength: 1, maxLength: 8 }), async (runs) => {
          for (const each of runs) {
            if (each.kind === 'drops') await correlated(each.seen, each.keys, each.span);
            else await counted(each.windows, each.span);
            expect(await differences(database.pool)).toEqual([]);
          }
        })
        .afterEach(() =>
          database.pool.query(
            'TRUNCATE "drop", drop_group, counted_drop, counted_group, drop_minute, drop_hour, drop_day, slice_minute, slice_hour, slice_day, drop_slice, explanation',
          ),
        ),
      { numRuns: 25 },
    );
  });

  it('is empty again when everything was amended away, and so are the groups', async () => {
    await correlated([{ pair: 1, at: 0, attempts: 2 }], [1], [0, MINUTE]);
    await counted([{ rule: 1, at: MINUTE, packets: 5, attributed: 1 }], [0, 2 * MINUTE]);
    await correlated([], [1], [0, MINUTE]);
    await counted([], [0, 2 * MINUTE]);
    for (const table of [
      'drop_minute',
      'drop_hour',
      'drop_day',
      'slice_minute',
      'slice_day',
      'drop_group',
      'counted_group',
    ]) {
      const { rows } = await database.pool.query(`SELECT * FROM ${table}`);
      expect({ table, rows }).toEqual({ table, rows: [] });
    }
  });
});

describe('series', () => {
  const range = { from: START, to: START + 120 * MINUTE };

  beforeEach(async () => {
    await correlated(
      [
        { pair: 1, at: 0, attempts: 1 },
        { pair: 1, at: 30_000_000, attempts: 2 },
        { pair: 2, at: 80 * MINUTE, attempts: 1 },
      ],
      [1, 2],
      [0, 120 * MINUTE],
    );
    // The window ends with the minute and so belongs to it.
    await counted([{ rule: 1, at: MINUTE, packets: 5, attributed: 1 }], [0, 2 * MINUTE]);
  });

  it('add up by dimension, counted packets among them', async () => {
    const series = await loadSeries(database.pool, {
      clusterId,
      step: 'minute',
      ...range,
      groupBy: ['cause', 'policy'],
    });
    const sums = series.map(({ key, points }) => ({
      ...key,
      points: points.map((p) => [p.bucket - START, p.drops, p.packets, p.counted]),
    }));
    expect(sums).toEqual(
      expect.arrayContaining([
        { cause: 'POLICY_DEFAULT_DENY', policy: 'NetworkPolicy/dev/web', points: [[0, 2, 9, 0]] },
        { cause: 'POLICY_DEFAULT_DENY', policy: 'NetworkPolicy/dev/db', points: [[0, 0, 0, 4]] },
        { cause: 'CT_INVALID', policy: '', points: [[80 * MINUTE, 1, 3, 0]] },
      ]),
    );
    expect(sums).toHaveLength(3);
  });

  it('are filtered as drops are', async () => {
    const filter = { cause: { eq: 'CT_INVALID' } };
    const series = await loadSeries(database.pool, {
      clusterId,
      step: 'day',
      ...range,
      groupBy: ['sourceWorkload'],
      filter,
    });
    const midnight = Date.UTC(2026, 10, 21) * 1000;
    expect(series).toEqual([
      {
        key: { sourceWorkload: 'dev/client2' },
        points: [{ bucket: midnight, drops: 1, attempts: 1, packets: 3, counted: 0 }],
      },
    ]);
  });

  it.each([[[]], [['cause']], [['namespace']], [['policy']]] as const)(
    'by %s are the same from slices as from groups',
    async (groupBy) => {
      const ask = (filter: TrendCondition) =>
        loadSeries(database.pool, { clusterId, step: 'hour', ...range, groupBy, filter });
      const verdict = { in: ['dropped'] };
      const slices = await ask({ verdict });
      // Every port asks nothing, and only groups know of ports.
      expect(slices).toEqual(await ask({ verdict, or: [{ port: { gte: 0 } }, { port: { isNull: true } }] }));
      expect(slices.length).toBeGreaterThan(0);
    },
  );

  it('have their groups, most packets first, each with a sentence', async () => {
    const groups = await loadTopGroups(database.pool, { clusterId, ...range, limit: 2 });
    expect(
      groups.map(({ source, destination, policies, sentence, packets, counted: left }) => [
        source?.name,
        destination?.name,
        policies,
        packets,
        left,
        sentence,
      ]),
    ).toEqual([
      ['client1', 'web', ['NetworkPolicy/dev/web'], 9, 0, 'client1 -> web was dropped.'],
      [
        undefined,
        'db-0',
        ['NetworkPolicy/dev/db'],
        0,
        4,
        expect.stringContaining('4 packets were dropped on ingress at dev/db-0 (node n1)'),
      ],
    ]);
  });
});
