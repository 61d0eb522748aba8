import { jest } from '@jest/globals';
import path from 'node:path';
import type { BundleBatch } from '../../apps/cli/src/import/bundle.js';
import { type DropAnswer, fetchDrop, fetchDrops } from '../../apps/cli/src/drops/query.js';
import { batchesOf, ship, waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

// The machine may be busy.
jest.setTimeout(180_000);

const BUNDLE = path.resolve(import.meta.dirname, '../scenarios/contrail-policy2-rollout/bundle');
const PLAIN = path.resolve(import.meta.dirname, '../scenarios/not-a-policy-plain/bundle');

/** Lines of the object stream, a little later than those before. */
function events(batches: readonly BundleBatch[], changes: readonly object[]): readonly BundleBatch[] {
  const first = batches.find(({ envelope }) => envelope.format === 'kubernetes-events');
  if (!first) throw new Error('the bundle has no events');
  const payload = Buffer.from(changes.map((change) => `${JSON.stringify(change)}\n`).join(''));
  return [{ envelope: { ...first.envelope, epoch: first.envelope.epoch + 7, sequence: 0, firstLine: 1 }, payload }];
}

/** The object of a stored version that was in force last. */
async function latest(stack: Stack, kind: string, name: string): Promise<Record<string, unknown>> {
  const { rows } = await stack.database.pool.query<{ object: Record<string, unknown> }>(
    'SELECT object FROM object_version WHERE kind = $1 AND name = $2 ORDER BY valid_from DESC LIMIT 1',
    [kind, name],
  );
  if (!rows[0]) throw new Error(`${kind} ${name} is not stored`);
  return rows[0].object;
}

async function bodyOf(stack: Stack, key: string): Promise<string | undefined> {
  const { rows } = await stack.database.pool.query<{ body: string }>(
    `SELECT x.id || ' ' || x.body::text || ' ' || d.detail::text AS body FROM "drop" d JOIN explanation x ON x.id = d.explanation_id WHERE d.id = $1`,
    [key],
  );
  return rows[0]?.body;
}

const all = { from: '2026-11-21T00:00:00Z', to: '2026-11-22T00:00:00Z', failed: true };

describe('a rollout of policies', () => {
  let stack: Stack;
  let batches: readonly BundleBatch[];
  let drops: readonly DropAnswer[];

  beforeAll(async () => {
    stack = await startStack('postgres');
    batches = await batchesOf(BUNDLE);
    await ship(stack, batches);
    await waitUntilWorked(stack);
    drops = await fetchDrops(stack.client, all);
  });

  afterAll(() => stack.stop());

  const ofClient1 = () => drops.find(({ source }) => source.label === 'client1-dev') as DropAnswer;

  it('is what changed just before the first drop', () => {
    expect(ofClient1().changes).toMatchObject([
      { kind: 'CREATED', object: { kind: 'NetworkPolicy', namespace: 'dev', name: 'policy2' } },
    ]);
    const fromDb = drops.find(({ direction }) => direction === 'EGRESS');
    expect(fromDb?.changes.map(({ sentence }) => sentence)).toContain('NetworkPolicy dev/policy2-tryout was edited');
  });

  it('has a fix that was tried out', () => {
    const { fix } = ofClient1().explanation;
    expect(fix).toMatchObject([{ policy: { kind: 'NetworkPolicy', namespace: 'dev', name: 'policy2' } }]);
    expect(fix[0]?.patch).toContain('op: add');
    expect(fix[0]?.sentence).toMatch(/admits it; it would (also )?newly admit/);
  });

  it('tells what changed since, and says the same as before', async () => {
    const { key } = ofClient1();
    const before = await bodyOf(stack, key);
    const then = await fetchDrop(stack.client, key);
    // policy2 was removed within the story itself.
    expect(then?.changedSince?.map(({ sentence }) => sentence)).toEqual(['NetworkPolicy dev/policy2 was deleted']);
    const pod = await latest(stack, 'Pod', 'client1-dev');
    const metadata = { ...(pod['metadata'] as object), labels: { app: 'client9-dev' }, resourceVersion: '9001' };
    const at = '2026-11-21T11:56:00Z';
    await ship(stack, events(batches, [{ at, type: 'MODIFIED', object: { ...pod, metadata } }]));
    await waitUntilWorked(stack);
    expect(await bodyOf(stack, key)).toBe(before);
    const now = await fetchDrop(stack.client, key);
    expect(now?.sentence).toBe(then?.sentence);
    expect(now?.changedSince).toMatchObject([
      { kind: 'DELETED', object: { name: 'policy2' } },
      { kind: 'RELABELLED', at: expect.stringContaining('11:56:00') as string, resourceVersion: '9001' },
    ]);
  });

  it('says the same after the policies that it cites are gone', async () => {
    const cited = drops.find(({ direction }) => direction === 'EGRESS') as DropAnswer;
    const before = await bodyOf(stack, cited.key);
    const object = await latest(stack, 'NetworkPolicy', 'policy2-tryout');
    const deletion = events(batches, [{ at: '2026-11-21T11:57:00Z', type: 'DELETED', object }]);
    await ship(
      stack,
      deletion.map(({ envelope, payload }) => ({ envelope: { ...envelope, epoch: envelope.epoch + 1 }, payload })),
    );
    await waitUntilWorked(stack);
    expect(await bodyOf(stack, cited.key)).toBe(before);
    const now = await fetchDrop(stack.client, cited.key);
    expect(now?.changedSince?.map(({ sentence }) => sentence)).toContain(
      'NetworkPolicy dev/policy2-tryout was deleted',
    );
  });
});

it('a witness that comes late amends the drop and its group, and adds none', async () => {
  const stack = await startStack('postgres');
  try {
    const batches = await batchesOf(PLAIN);
    const isLog = ({ envelope }: BundleBatch) => /nflog|kernel-log|trace/.test(envelope.format);
    const isCounter = ({ envelope }: BundleBatch) => /iptables|ipset/.test(envelope.format);
    await ship(
      stack,
      batches.filter((batch) => !isLog(batch) && !isCounter(batch)),
    );
    await waitUntilWorked(stack);
    const toWeb = async () => {
      const found = await fetchDrops(stack.client, all);
      return found.filter(({ source, destinationPort, destination }) => {
        return source.label === 'client' && destination.label === 'web' && destinationPort === 81;
      });
    };
    const [early, ...others] = await toWeb();
    expect(others).toEqual([]);
    expect(early).toMatchObject({ cause: 'POLICY_DEFAULT_DENY', basis: 'DERIVED', packets: 1 });
    expect(early?.explanation.missing.join()).toContain('counters of node n2');
    await ship(
      stack,
      batches.filter((batch) => isLog(batch) || isCounter(batch)),
    );
    await waitUntilWorked(stack);
    const [late, ...more] = await toWeb();
    expect(more).toEqual([]);
    expect(late).toMatchObject({ cause: 'OTHER_FIREWALL', basis: 'OBSERVED', packets: 3 });
    expect(late?.explanation.chainRule).not.toBeNull();
    const { rows } = await stack.database.pool.query<{ drops: bigint; basis: string; told: bigint }>(
      `SELECT g.drops, g.basis, (SELECT count(*) FROM "drop" d WHERE d.group_id = g.id) AS told FROM drop_group g
        WHERE g.source_name = 'client' AND g.destination_port = 81 AND g.destination_name = 'web'`,
    );
    expect(rows).toEqual([{ drops: 1n, told: 1n, basis: 'observed' }]);
  } finally {
    await stack.stop();
  }
});
