import { createHash } from 'node:crypto';
import {
  checkNode,
  type ClusterHistory,
  type ClusterView,
  type DriftCheck,
  followDrifts,
  type NodeCheck,
  type NodeCheckResult,
  SETTLE,
} from '@whydrop/explain';
import type { Instant, RulesetBackend, RulesetSnapshot } from '@whydrop/model';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import type { Database } from '../database.js';
import { isUnavailable } from '../ingest/unavailable.js';
import { insertFindings, rewindFindings } from './finding-rows.js';
import {
  addressesOf,
  type ComparedAt,
  comparedMoments,
  ipsetsOf,
  newestSnapshot,
  policyKindsOf,
  resumeFrom,
} from './node-inputs.js';
import { dueEmitters, type DueNode, takeDue } from './reconciliation-due.js';
import { groupBy, tablesOf } from './snapshots.js';
import { createHistoryCache, type HistoryCache, loadHistory } from './surroundings.js';

/** Objects that are listed anew bear on all the past: this far back from its newest snapshot a node is compared. In µs. */
const LOOK_BACK = 6 * 3_600_000_000;
/** Histories are loaded by whole hours, so that the next snapshot finds the one that is there. */
const HOUR = 3_600_000_000;

/** What one run did. */
export interface ReconciliationResult {
  readonly nodes: number;
  /** Comparisons that were made anew; all others had been made before of the same content. */
  readonly compared: number;
  /** Connections of these that were left out because there were too many. */
  readonly leftOut: number;
  /** Nodes that could not be compared, and why. */
  readonly failed: readonly { readonly emitterId: number; readonly error: string }[];
}

interface Caches {
  readonly histories: HistoryCache;
  /** Results by the content of everything that was compared. */
  readonly results: LRUCache<string, NodeCheckResult>;
}

const caches = new WeakMap<Database, Caches>();

function cachesOf(database: Database): Caches {
  const known = caches.get(database) ?? { histories: createHistoryCache(), results: new LRUCache({ max: 20_000 }) };
  caches.set(database, known);
  return known;
}

const digests = new WeakMap<ClusterView, string>();

/** A digest of what comparisons ask of a cluster: the same pods and policies give the same one. */
function digestOf(view: ClusterView): string {
  const known = digests.get(view);
  if (known !== undefined) return known;
  const { pods, namespaces, others } = view.state;
  const asked = pods.map(({ ready: _ready, createdAt: _created, deletedAt: _deleted, ...pod }) => pod);
  const digest = createHash('sha256')
    .update(JSON.stringify([asked, namespaces, others]))
    .digest('base64url');
  digests.set(view, digest);
  return digest;
}

/** What stays the same for all comparisons of one node in one run. */
interface NodeRun {
  readonly client: pg.PoolClient;
  readonly due: DueNode;
  readonly results: Caches['results'];
  readonly history: ClusterHistory;
  readonly policyKinds: ReadonlySet<string>;
  readonly addresses: (at: Instant) => readonly string[];
  compared: number;
  leftOut: number;
}

/** The rulesets of a moment: the one that is compared, and what the node ran beside it. */
async function rulesetsAt(client: pg.PoolClient, moment: ComparedAt): Promise<Pick<NodeCheck, 'ruleset' | 'beside'>> {
  const { at, family, backend, rulesetHash, otherBackendPresent } = moment;
  const of = async (own: RulesetBackend, hash: string, other: boolean): Promise<RulesetSnapshot> => {
    const tables = await tablesOf(client, hash);
    return { kind: 'ruleset', observedAt: at, family, backend: own, otherBackendPresent: other, tables };
  };
  const beside: RulesetSnapshot[] = [];
  for (const each of moment.beside) beside.push(await of(each.backend, each.hash, false));
  return { ruleset: await of(backend, rulesetHash, otherBackendPresent), beside };
}

async function compare(run: NodeRun, moment: ComparedAt): Promise<DriftCheck> {
  const { client, due, results, history, policyKinds } = run;
  const { at, family, backend, rulesetHash, otherBackendPresent, ipsetHash } = moment;
  const [view, earlier, localAddresses] = [history.at(at), history.at(at - SETTLE), run.addresses(at)];
  const cluster = [digestOf(view), digestOf(earlier), ...[...policyKinds].toSorted()];
  const beside = moment.beside.map((other) => `${other.backend} ${other.hash}`);
  const rules = [family, backend, rulesetHash, otherBackendPresent, ...beside, ipsetHash];
  const key = [due.emitterId, ...rules, ...cluster, ...localAddresses].join(' ');
  const known = results.get(key);
  if (known) return { at, drifts: known.drifts };
  const rulesets = await rulesetsAt(client, moment);
  const ipsets = await ipsetsOf(client, moment);
  const result = checkNode({ node: due.node, ...rulesets, ipsets, view, earlier, localAddresses, policyKinds });
  results.set(key, result);
  run.compared++;
  run.leftOut += result.leftOut;
  return { at, drifts: result.drifts };
}

async function followRuleset(run: NodeRun, moments: readonly ComparedAt[], from: Instant): Promise<void> {
  const [first] = moments;
  if (!first) return;
  const before = await rewindFindings(run.client, run.due, first, from);
  const checks: DriftCheck[] = [];
  for (const moment of moments) checks.push(await compare(run, moment));
  await insertFindings(run.client, run.due, first, followDrifts(before, checks));
}

async function followNode(client: pg.PoolClient, { histories, results }: Caches, due: DueNode) {
  const nothing = { nodes: 1, compared: 0, leftOut: 0 };
  const newest = await newestSnapshot(client, due.emitterId);
  if (newest === undefined || newest < due.from) return nothing;
  const from = await resumeFrom(client, due.emitterId, Math.max(due.from, newest - LOOK_BACK));
  const moments = await comparedMoments(client, due.emitterId, from);
  const span = [Math.floor((from - SETTLE) / HOUR) * HOUR, Math.ceil(newest / HOUR) * HOUR] as const;
  const run: NodeRun = {
    client,
    due,
    results,
    history: await loadHistory(client, histories, due.clusterId, ...span),
    policyKinds: await policyKindsOf(client, due.clusterId),
    addresses: await addressesOf(client, due.emitterId),
    compared: 0,
    leftOut: 0,
  };
  const series = groupBy(moments, ({ family, backend }) => `${family} ${backend}`);
  for (const all of series.values()) await followRuleset(run, all, from);
  return { nodes: 1, compared: run.compared, leftOut: run.leftOut };
}

function reconcileNode(database: Database, emitterId: number) {
  return database.transaction(async (client) => {
    const due = await takeDue(client, emitterId);
    return due && followNode(client, cachesOf(database), due);
  });
}

/**
 * The reconcile step: compares every node again that new snapshots or objects bear on, and carries its findings, one
 * transaction a node. What is compared has been stored, so it can run again, later or in another order: the findings
 * are the same. A node that cannot be compared stays due, and the others are.
 */
export async function reconcileDue(database: Database): Promise<ReconciliationResult> {
  const sum = { nodes: 0, compared: 0, leftOut: 0 };
  const failed: { emitterId: number; error: string }[] = [];
  for (const emitterId of await dueEmitters(database.pool)) {
    try {
      const done = await reconcileNode(database, emitterId);
      sum.nodes += done?.nodes ?? 0;
      sum.compared += done?.compared ?? 0;
      sum.leftOut += done?.leftOut ?? 0;
    } catch (error) {
      if (isUnavailable(error)) throw error;
      failed.push({ emitterId, error: String(error) });
    }
  }
  return { ...sum, failed };
}
