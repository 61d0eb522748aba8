import { jest } from '@jest/globals';
import { type Database, evaluateAlerts, openDatabase, syncRules } from '@whydrop/storage';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { randomOf } from '../../libs/alerting/src/corpus/random.js';
import { alertsOf, Cluster } from '../../libs/storage/src/alerts/alerts.fixture.js';

jest.setTimeout(600_000);

const MINUTE = 60_000_000;
const DAY = 1440 * MINUTE;
const MONDAY = Date.UTC(2026, 10, 9) * 1000;
const DAYS = 7;

let test: TestDatabase;
let database: Database;
let cluster: Cluster;

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
  await database.pool.query(`INSERT INTO receiver (name, kind, settings) VALUES ('pager', 'webhook', '{}')`);
  await syncRules(database, []);
  cluster = await Cluster.create(database);
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

type Shape = (minute: number) => number;

const office: Shape = (minute) => {
  const hour = (minute % 1440) / 60;
  return (0.2 + Math.exp(-((hour - 13) ** 2) / 14)) * (Math.floor(minute / 1440) % 7 < 5 ? 1 : 0.3);
};
const at =
  (hour: number, minutes: number, height: number): Shape =>
  (minute) =>
    minute % 1440 >= hour * 60 && minute % 1440 < hour * 60 + minutes ? height : 0;

/** What is always blocked somewhere in a cluster: by whom, how much of it, and how it comes. */
const NOISE: readonly { id: string; words: object; mean: Shape; clumps: number }[] = [
  { id: 'metrics', words: { source: 'prometheus' }, mean: () => 4, clumps: 1 },
  { id: 'office', words: { policy: 'NetworkPolicy/dev/p2' }, mean: (minute) => 12 * office(minute), clumps: 1.5 },
  { id: 'rare', words: { policy: 'NetworkPolicy/dev/p3' }, mean: () => 0.02, clumps: 1 },
  { id: 'clumps', words: { policy: 'NetworkPolicy/dev/p4' }, mean: () => 3, clumps: 8 },
  { id: 'hourly', words: { policy: 'NetworkPolicy/dev/p5' }, mean: (m) => (m % 60 < 2 ? 9 : 0), clumps: 1 },
  { id: 'nightly', words: { policy: 'NetworkPolicy/dev/p6' }, mean: at(2, 6, 8), clumps: 1 },
  { id: 'pings', words: { protocol: 'ICMP', policy: 'NetworkPolicy/dev/p7' }, mean: at(9, 3, 300), clumps: 1 },
  { id: 'late', words: { cause: 'LATE_AFTER_CLOSE', policy: '' }, mean: at(11, 4, 200), clumps: 1 },
  { id: 'rollouts', words: { cause: 'PROGRAMMING_RACE', policy: '' }, mean: at(15, 5, 100), clumps: 1 },
];

/** A week; node n1 is upgraded on Wednesday, and its collector is away for four minutes. */
async function store(): Promise<void> {
  const random = randomOf(20261109);
  const away = MONDAY + 2 * DAY + 620 * MINUTE;
  await cluster.seen(MONDAY, MONDAY + DAYS * DAY, ['n2']);
  await cluster.seen(MONDAY, away);
  await cluster.seen(away + 4 * MINUTE, MONDAY + DAYS * DAY);
  for (const { id, words, mean, clumps } of NOISE) {
    await cluster.group({ id, ...words });
    const rows = Array.from({ length: DAYS * 1440 }, (_, minute) => {
      return [id, MONDAY + minute * MINUTE, random.clumped(mean(minute), clumps)] as const;
    });
    await cluster.drops(rows.filter(([, , drops]) => drops > 0));
  }
}

it('a week of what is always blocked raises no alert, and a scan at its end raises one', async () => {
  await store();
  for (let minute = 6; minute <= DAYS * 1440 - 60; minute += 50)
    expect((await evaluateAlerts(database, MONDAY + minute * MINUTE)).failed).toEqual([]);
  expect((await alertsOf(database)).map(({ summary, startsAt }) => `${startsAt.toISOString()} ${summary}`)).toEqual([]);
  const end = MONDAY + (DAYS * 1440 - 50) * MINUTE;
  await cluster.drops([['metrics', end, 200]]);
  for (let i = 0; i < 10; i++) await evaluateAlerts(database, end + i * MINUTE);
  expect(await alertsOf(database)).toHaveLength(1);
});
