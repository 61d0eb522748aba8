import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { type Database, openDatabase } from '../database.js';
import { reconcileDue } from '../correlation/reconciliation.js';
import { Cluster } from './alerts.fixture.js';
import { evaluateAlerts } from './evaluate.js';
import { syncRules } from './rule.store.js';

const T = Date.UTC(2026, 10, 18, 12, 0) * 1000;

let test: TestDatabase;
let database: Database;

const query = async (text: string, ...values: readonly unknown[]) =>
  (await database.pool.query<Record<string, unknown>>(text, [...values])).rows;

/** Rows of a table that cannot be removed, as where one of them is damaged. */
const damage = (table: string, which: string) =>
  query(`
    CREATE OR REPLACE FUNCTION damaged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'could not read block 7'; END $$;
    CREATE TRIGGER damaged BEFORE DELETE ON ${table} FOR EACH ROW WHEN (${which}) EXECUTE FUNCTION damaged()`);

beforeAll(async () => {
  test = await testDatabase();
  database = openDatabase(test.url);
});

afterAll(async () => {
  await database.close();
  await test.drop();
});

describe('one of many that cannot be worked on', () => {
  it('a cluster keeps no other from being alerted', async () => {
    const [first, second] = [await Cluster.create(database, 'a'), await Cluster.create(database, 'b')];
    await syncRules(database, []);
    for (const { id } of [first, second]) {
      await query(`INSERT INTO alert_evaluation (rule_id, cluster_id, evaluated_to) VALUES ('gone', $1, now())`, id);
    }
    await damage('alert_evaluation', `old.cluster_id = ${first.id}`);
    const { failed } = await evaluateAlerts(database, T);
    expect(failed).toEqual([{ cluster: 'a', error: expect.stringContaining('could not read block 7') }]);
    const left = await query(`SELECT cluster_id FROM alert_evaluation WHERE rule_id = 'gone'`);
    expect(left).toEqual([{ cluster_id: first.id }]);
  });

  it('a node keeps no other from being compared, and stays due', async () => {
    const { id: cluster } = await Cluster.create(database, 'c');
    const made = await query(
      `INSERT INTO emitter (cluster_id, node) VALUES ($1, 'n1'), ($1, 'n2') RETURNING id`,
      cluster,
    );
    const [n1, n2] = made.map(({ id }) => Number(id));
    for (const id of [n1, n2])
      await query(
        `INSERT INTO reconciliation_due (emitter_id, cluster_id, from_time) VALUES ($1, $2, now())`,
        id,
        cluster,
      );
    await damage('reconciliation_due', `old.emitter_id = ${n1}`);
    const { nodes, failed } = await reconcileDue(database);
    expect(nodes).toBe(1);
    expect(failed).toEqual([{ emitterId: n1, error: expect.stringContaining('could not read block 7') }]);
    expect(await query('SELECT emitter_id FROM reconciliation_due')).toEqual([{ emitter_id: n1 }]);
  });

  it('a node that another worker is at is left to it', async () => {
    await query('DROP TRIGGER damaged ON reconciliation_due');
    const [due] = await query('SELECT emitter_id FROM reconciliation_due');
    await database.transaction(async (client) => {
      await client.query('SELECT pg_advisory_xact_lock(72707373, $1)', [due?.['emitter_id']]);
      expect(await reconcileDue(database)).toEqual({ nodes: 0, compared: 0, leftOut: 0, failed: [] });
    });
    expect(await reconcileDue(database)).toMatchObject({ nodes: 1 });
  });
});
