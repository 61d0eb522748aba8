import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { evaluateAlerts } from '@whydrop/storage';
import type { BundleBatch } from '../../apps/cli/src/import/bundle.js';
import { batchesOf, ship, waitUntilWorked } from './delivery.js';
import { driftingNode } from './drifting-node.js';
import type { Stack } from './stack.js';

const SCENARIOS = path.resolve(import.meta.dirname, '../scenarios');
const STORIES = ['contrail-three-tier', 'calico-web-deny-all'];
const MINUTE = 60_000_000;

/** What the last batch of a stream is followed by: lines that nobody understands. */
function broken(batches: readonly BundleBatch[]): BundleBatch {
  const last = batches.findLast(({ envelope }) => envelope.node !== null && envelope.format === 'conntrack-events');
  if (!last) throw new Error('the story has no conntrack events');
  const envelope = { ...last.envelope, sequence: last.envelope.sequence + 1 };
  return { ...last, envelope, payload: Buffer.from('[1795262200.1] [NEW] tcp 6 what is this\n') };
}

async function untilFound(stack: Stack): Promise<void> {
  for (const until = Date.now() + 60_000; Date.now() < until; await sleep(100)) {
    const { rows } = await stack.database.pool.query(
      'SELECT FROM reconciliation_finding WHERE opened_at IS NOT NULL AND resolved_at IS NOT NULL',
    );
    if (rows.length > 0) return;
  }
  throw new Error('no finding was opened and resolved');
}

const CREATE = `mutation ($input: AlertRuleInput!) { createAlertRule(input: $input) { alertRule { id } userErrors { message } } }`;
const OFF = `mutation ($id: ID!) { enableAlertRule(id: $id, enabled: false) { userErrors { message } } }`;

/** Two rules that every story breaks; one of them is switched off a minute later, which ends its alerts. The worker's clock is not that of the stories. */
async function raiseAlerts(stack: Stack): Promise<void> {
  const rule = { kind: 'THRESHOLD', measure: 'PACKETS', threshold: 1, window: '10m' };
  const groupBy = ['POLICIES', 'SOURCE_NAMESPACE', 'DESTINATION_NAMESPACE'];
  interface Created {
    readonly createAlertRule: { readonly alertRule: { readonly id: string } | null };
  }
  const ids = [];
  for (const name of ['MuchBlocked', 'SwitchedOff']) {
    const { createAlertRule } = await stack.client.query<Created>(CREATE, { input: { ...rule, name, groupBy } });
    ids.push(createAlertRule.alertRule?.id);
  }
  const { rows } = await stack.database.pool.query<{ at: Date }>('SELECT max(last_seen_at) AS at FROM drop_group');
  const after = (rows[0]?.at.getTime() ?? 0) * 1000 + MINUTE;
  await evaluateAlerts(stack.database, after);
  await stack.client.query(OFF, { id: ids[1] });
  await evaluateAlerts(stack.database, after + MINUTE);
}

/** Stories of which everything is there to be shown: drops, counters, what was not understood, nodes out of step, alerts that fire and that are over. */
export async function tellOfEverything(stack: Stack): Promise<void> {
  const stories = await Promise.all(STORIES.map((story) => batchesOf(path.join(SCENARIOS, story, 'bundle'))));
  for (const batches of [...stories, await driftingNode()]) await ship(stack, batches);
  await ship(stack, [broken(stories[0] ?? [])]);
  await waitUntilWorked(stack);
  await untilFound(stack);
  await stack.stopWorker();
  await raiseAlerts(stack);
}
