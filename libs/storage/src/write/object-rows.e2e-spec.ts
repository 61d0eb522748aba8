import { jest } from '@jest/globals';
import type { Instant, KubernetesObject, ObjectChange } from '@whydrop/model';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import fc from 'fast-check';
import { type Database, openDatabase } from '../database.js';
import { storeObjects } from './object-rows.js';

// The machine may be busy.
jest.setTimeout(120_000);

const BASE = Date.UTC(2026, 10, 20) * 1000;
const second = (count: number): Instant => BASE + count * 1_000_000;
/** Every half of these is looked at, and the time long before. */
const LAST = 12;
const INSTANTS = [0, ...Array.from({ length: 2 * LAST + 4 }, (_, half) => second(half / 2 - 1))];

let test: TestDatabase;
let database: Database;
let clusters = 0;

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

async function newCluster(): Promise<number> {
  const text = 'INSERT INTO cluster (name) VALUES ($1) RETURNING id';
  return (await database.pool.query<{ id: number }>(text, [`c${++clusters}`])).rows[0]?.id ?? 0;
}

const store = (clusterId: number, changes: readonly ObjectChange[]) =>
  database.transaction((client) => storeObjects(client, clusterId, 1n, changes));

/** What is in force of each object at each of the instants. */
async function inForce(clusterId: number): Promise<readonly string[]> {
  const { rows } = await database.pool.query<{ from: string; to: string | null; said: string }>(
    `SELECT (extract(epoch FROM valid_from) * 1000000)::int8::text AS from, (extract(epoch FROM valid_to) * 1000000)::int8::text AS to,
            name || '=' || (object #>> '{metadata,labels,is}') AS said
       FROM object_version WHERE cluster_id = $1 ORDER BY said`,
    [clusterId],
  );
  return INSTANTS.map((at) =>
    rows
      .filter(({ from, to }) => Number(from) <= at && (to === null || at < Number(to)))
      .map(({ said }) => said)
      .join(),
  );
}

const CHANGE = fc
  .record({
    type: fc.constantFrom('STATE', 'ADDED', 'MODIFIED', 'DELETED'),
    name: fc.constantFrom('a', 'b'),
    at: fc.integer({ min: 0, max: LAST }),
    created: fc.option(fc.integer({ min: 0, max: LAST }), { nil: undefined }),
    is: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ type, name, at, created, is }): ObjectChange => {
    const creationTimestamp = created === undefined ? undefined : new Date(second(created) / 1000).toISOString();
    const metadata = { name, namespace: 'dev', labels: { is: String(is) }, creationTimestamp };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata } as Partial<KubernetesObject> as KubernetesObject;
    return { kind: 'object', type, at: second(at), object, line: 1 } as ObjectChange;
  });

const BATCHES = fc.array(fc.array(CHANGE, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });

it('says from when on something else is in force, whatever came in which order', async () => {
  await fc.assert(
    fc.asyncProperty(BATCHES, async (batches) => {
      const clusterId = await newCluster();
      for (const changes of batches) {
        const before = await inForce(clusterId);
        const from = await store(clusterId, changes);
        const after = await inForce(clusterId);
        const first = INSTANTS.find((_, index) => before[index] !== after[index]) ?? Infinity;
        expect(first).toBeGreaterThanOrEqual(from ?? Infinity);
      }
    }),
    { numRuns: 150 },
  );
});

it('comes to the same in any order of arrival', async () => {
  await fc.assert(
    fc.asyncProperty(BATCHES, fc.infiniteStream(fc.nat()), async (batches, numbers) => {
      const [one, other] = [await newCluster(), await newCluster()];
      for (const changes of batches) await store(one, changes);
      const shuffled = batches.flat().map((change) => ({ change, at: numbers.next().value as number }));
      for (const { change } of shuffled.toSorted((a, b) => a.at - b.at)) await store(other, [change]);
      expect(await inForce(other)).toEqual(await inForce(one));
    }),
    { numRuns: 60 },
  );
});

const pod = (type: ObjectChange['type'], at: number, created?: number): ObjectChange => {
  const creationTimestamp = created === undefined ? undefined : new Date(second(created) / 1000).toISOString();
  const metadata = { name: 'web', namespace: 'dev', labels: { is: String(at) }, creationTimestamp };
  const object = { apiVersion: 'v1', kind: 'Pod', metadata } as Partial<KubernetesObject> as KubernetesObject;
  return { kind: 'object', type, at: second(at), object, line: 1 };
};

it.each<[string, ObjectChange[], ObjectChange, number]>([
  ['a new pod', [], pod('ADDED', 10, 9), second(9)],
  ['a new pod of no known age', [], pod('ADDED', 10), second(10)],
  ['a pod that was found', [], pod('STATE', 10, 2), second(2)],
  ['a pod that was found, of no known age', [], pod('STATE', 10), 0],
  ['a known pod that was found again', [pod('STATE', 5, 2)], pod('STATE', 10, 2), second(10)],
  ['a change of a known pod', [pod('STATE', 5, 2)], pod('MODIFIED', 10, 2), second(10)],
  ['an earlier change that takes the first place', [pod('STATE', 5, 1)], pod('MODIFIED', 3, 1), second(1)],
  ['an earlier sight of a pod that came again', [pod('STATE', 8)], pod('ADDED', 3, 2), 0],
])('%s bears on the time from then on', async (_, known, change, from) => {
  const clusterId = await newCluster();
  if (known.length > 0) await store(clusterId, known);
  expect(await store(clusterId, [change])).toBe(from);
});

it('two changes of one time and content are told apart by what they are, not by which came first', async () => {
  const [one, other] = [await newCluster(), await newCluster()];
  const changes = [pod('STATE', 10, 2), pod('MODIFIED', 10, 2)];
  for (const change of changes) await store(one, [change]);
  for (const change of changes.toReversed()) await store(other, [change]);
  expect(await inForce(other)).toEqual(await inForce(one));
});
