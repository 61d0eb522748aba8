import {
  attemptsOf,
  type ClockOffsets,
  type ClusterHistory,
  createClusterHistory,
  onOneClock,
  type Surroundings,
  type Witnesses,
} from '@whydrop/explain';
import type { Family, Instant, KubernetesObject, ObjectVersion, Route } from '@whydrop/model';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import { loadClocks } from './clocks.js';
import { loadCoverage } from './coverage.js';
import { loadHost } from './host.js';
import { loadIpsets, loadRulesets, type SnapshotQuestion } from './snapshots.js';
import type { Watermark } from './watermarks.js';
import { REACH } from './work.js';

interface LoadedHistory {
  readonly newest: bigint;
  readonly from: Instant;
  readonly to: Instant;
  readonly history: ClusterHistory;
}

/** Clusters' histories as loaded last: policies and pods are compiled once, not once per run. */
export type HistoryCache = LRUCache<number, LoadedHistory>;

export function createHistoryCache(): HistoryCache {
  return new LRUCache({ max: 8 });
}

const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;

/** The cluster over a span of time. */
export async function loadHistory(
  client: pg.PoolClient,
  histories: HistoryCache,
  clusterId: number,
  from: Instant,
  to: Instant,
): Promise<ClusterHistory> {
  const newest = await client.query<{ id: bigint | null }>(
    'SELECT max(id) AS id FROM object_version WHERE cluster_id = $1',
    [clusterId],
  );
  const id = newest.rows[0]?.id ?? 0n;
  const known = histories.get(clusterId);
  if (known && known.newest === id && known.from <= from && known.to >= to) return known.history;
  const { rows } = await client.query<{ object: KubernetesObject; valid_from: bigint; valid_to: bigint | null }>(
    `SELECT object, ${MICROS('valid_from')} AS valid_from, ${MICROS('valid_to')} AS valid_to FROM object_version
      WHERE cluster_id = $1 AND valid_from <= ${AT('$3')} AND (valid_to IS NULL OR valid_to > ${AT('$2')})
        AND (valid_to IS NULL OR valid_to > valid_from)
      ORDER BY api_group, kind, namespace, name, valid_from, content_hash`,
    [clusterId, from, to],
  );
  const versions = rows.map((row): ObjectVersion => {
    return {
      object: row.object,
      validFrom: Number(row.valid_from),
      validTo: row.valid_to === null ? undefined : Number(row.valid_to),
    };
  });
  const history = createClusterHistory(versions);
  histories.set(clusterId, { newest: id, from, to, history });
  return history;
}

interface InterfaceRow {
  readonly node: string;
  readonly interfaces: readonly { readonly name: string; readonly addresses: readonly string[] }[];
}

/** Addresses that every node has on its own (loopback, link-local, Calico's gateway) name no node. */
const SHARED_ADDRESS = /^(127\.|169\.254\.|::1$|fe80:)/;

/** Which node has an address; an address found on several nodes names none of them. */
async function loadNodeAddresses(client: pg.PoolClient, clusterId: number) {
  const { rows } = await client.query<InterfaceRow>(
    `SELECT e.node, i.interfaces FROM interface_snapshot i JOIN emitter e ON e.id = i.emitter_id
      WHERE e.cluster_id = $1 ORDER BY i.observed_at NULLS FIRST, i.batch_id`,
    [clusterId],
  );
  const nodes = new Map<string, Set<string>>();
  for (const { node, interfaces } of rows) {
    for (const address of interfaces.flatMap((entry) => entry.addresses)) {
      const ip = address.split('/')[0] ?? address;
      if (!SHARED_ADDRESS.test(ip)) nodes.set(ip, (nodes.get(ip) ?? new Set()).add(node));
    }
  }
  const nodeOfAddress = (ip: string): string | undefined => {
    const found = nodes.get(ip);
    return found?.size === 1 ? [...found][0] : undefined;
  };
  const own = new Map(rows.map((row) => [row.node, row.interfaces.flatMap((entry) => entry.addresses)]));
  return {
    nodeOfAddress,
    knowsInterfaces: (node: string) => own.has(node),
    localAddresses: (node: string) => own.get(node),
  };
}

/** Routes of each node, latest before a time (or the first ones after it). */
async function loadRoutes(client: pg.PoolClient, clusterId: number, from: Instant, to: Instant) {
  const { rows } = await client.query<{ node: string; at: bigint; body: readonly Route[] }>(
    `SELECT e.node, ${MICROS('h.observed_at')} AS at, h.body FROM host_snapshot h JOIN emitter e ON e.id = h.emitter_id
      WHERE e.cluster_id = $1 AND h.kind = 'routes'
        AND h.observed_at BETWEEN ${AT('$2')} - interval '1 hour' AND ${AT('$3')} + interval '1 hour'
      ORDER BY h.observed_at, h.batch_id`,
    [clusterId, from, to],
  );
  return (node: string, at: Instant): readonly Route[] | undefined => {
    const own = rows.filter((row) => row.node === node);
    return (own.findLast((row) => Number(row.at) <= at) ?? own[0])?.body;
  };
}

function familyOf(ip: string): Family {
  return ip.includes(':') ? 'inet6' : 'inet';
}

/** The nodes whose rulesets can have a say in an attempt: those that reported it and those that both ends live on. */
function questionsOf(
  witnesses: Witnesses,
  clocks: ClockOffsets,
  history: ClusterHistory,
  nodeOf: (ip: string) => string | undefined,
): readonly SnapshotQuestion[] {
  return attemptsOf(onOneClock(witnesses, clocks)).flatMap((attempt) => {
    const view = history.at(attempt.firstSeenAt);
    const ends = [attempt.tuple.source, attempt.tuple.destination].flatMap(
      (ip) => view.podsByIp(ip)[0]?.node ?? view.nodeByIp(ip)?.name ?? nodeOf(ip) ?? [],
    );
    const reporters = [...attempt.packets, ...attempt.flows].map((witness) => witness.node);
    const [from, to] = [attempt.firstSeenAt, attempt.lastPacketAt];
    return [...new Set([...ends, ...reporters])].map((node) => ({
      node,
      family: familyOf(attempt.tuple.source),
      // Snapshots bear the stamps of their node.
      from: from + (clocks.get(node) ?? 0),
      to: to + (clocks.get(node) ?? 0),
    }));
  });
}

/** The cluster that is explained, and how far its nodes have come. */
export interface Whereabouts {
  readonly cluster: string;
  readonly clusterId: number;
  readonly watermarks: readonly Watermark[];
}

/** Loads everything that the drops of a span of time are held against. */
export async function loadSurroundings(
  client: pg.PoolClient,
  histories: HistoryCache,
  { cluster, clusterId, watermarks }: Whereabouts,
  witnesses: Witnesses,
  [from, to]: readonly [Instant, Instant],
): Promise<Surroundings> {
  const [low, high] = [from - 3 * REACH, to + 3 * REACH];
  const history = await loadHistory(client, histories, clusterId, low, high);
  const addresses = await loadNodeAddresses(client, clusterId);
  const covered = await loadCoverage(client, clusterId, low, high);
  const reached = new Map(watermarks.map(({ node, at }) => [node, at]));
  const view = history.at(to);
  const nodeOf = (ip: string) => view.podsByIp(ip)[0]?.node ?? view.nodeByIp(ip)?.name ?? addresses.nodeOfAddress(ip);
  const clocks = await loadClocks(client, clusterId, witnesses, nodeOf, [from, to]);
  const questions = questionsOf(witnesses, clocks, history, addresses.nodeOfAddress);
  const rulesets = await loadRulesets(client, clusterId, questions);
  const ipsets = await loadIpsets(client, clusterId, from, to);
  return {
    cluster,
    history,
    clocks,
    ...addresses,
    ipsets,
    host: await loadHost(client, clusterId, from, to),
    routes: await loadRoutes(client, clusterId, from, to),
    rulesets: (node, family, first, last) => rulesets({ node, family, from: first, to: last }),
    covered,
    conntrackWatermark: (node) => reached.get(node),
  };
}
