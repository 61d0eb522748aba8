import type { CountedDrop, CountedFacts } from '@whydrop/explain';
import { formatInstant, type Instant, type PolicyPart } from '@whydrop/model';
import { Deltas, minus, type Slice, slicesOf, type Sums } from '@whydrop/rollup';
import type pg from 'pg';
import { applyDeltas } from './apply.js';

/** A window of counted packets that was there before. */
export interface CountedBefore {
  readonly group_id: string;
  readonly to: bigint;
  /** Packets of it that no drop told. */
  readonly counted: bigint;
  readonly facts: CountedFacts;
}

const sumsOf = (counted: bigint): Sums => ({ drops: 0, attempts: 0, packets: 0, counted: Number(counted) });

/** What was counted belongs to the minute in which its window ends: the end itself is not in the window. */
const lastMoment = (to: Instant): Instant => to - 1;

/** `dev/db-0` or `db-*` as the columns of an end. */
function endOf(
  label: string | undefined,
): readonly [kind: string | null, namespace: string | null, name: string | null] {
  if (label === undefined || label === '') return [null, null, null];
  const slash = label.indexOf('/');
  return ['Pod', slash < 0 ? null : label.slice(0, slash), label.slice(slash + 1)];
}

/** The workload whose chain counted: its rule's owner says the namespace, which its name to read aloud may leave out. */
function endpointOf({ endpoint, chainRule }: CountedFacts): ReturnType<typeof endOf> {
  const workload = chainRule?.owner?.workload;
  return workload && workload.pod === endpoint ? ['Pod', workload.namespace, workload.pod] : endOf(endpoint);
}

function endsOf(facts: CountedFacts) {
  const { source, destination, direction } = facts;
  const [nobody, endpoint] = [endOf(undefined), endpointOf(facts)];
  return {
    source: source === undefined ? (direction === 'egress' ? endpoint : nobody) : endOf(source),
    destination: destination === undefined ? (direction === 'egress' ? nobody : endpoint) : endOf(destination),
  };
}

const policyLabel = ({ kind, namespace, name }: PolicyPart) => `${kind}/${namespace ?? ''}/${name}`;

/** Slices of a window by its own facts: what is taken back was added with the same. */
function slicesOfFacts(clusterId: number, facts: CountedFacts): readonly Slice[] {
  const { source, destination } = endsOf(facts);
  const policies = facts.policies.map(policyLabel).toSorted();
  const { verdict, cause, direction } = facts;
  const namespaces = { sourceNamespace: source[1], destinationNamespace: destination[1] };
  return slicesOf(clusterId, { verdict, cause, direction, ...namespaces, policies });
}

const PUT_GROUP = `
  INSERT INTO counted_group AS g (id, cluster_id, verdict, cause, direction, protocol, destination_port, source_kind,
    source_namespace, source_name, destination_kind, destination_namespace, destination_name, node, policies,
    last_seen_at, facts)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
      ON CONFLICT (id) DO UPDATE
     SET verdict = excluded.verdict, cause = excluded.cause, direction = excluded.direction, protocol = excluded.protocol,
         destination_port = excluded.destination_port, source_kind = excluded.source_kind,
         source_namespace = excluded.source_namespace, source_name = excluded.source_name,
         destination_kind = excluded.destination_kind, destination_namespace = excluded.destination_namespace,
         destination_name = excluded.destination_name, node = excluded.node, policies = excluded.policies,
         last_seen_at = excluded.last_seen_at, facts = excluded.facts
   WHERE excluded.last_seen_at > g.last_seen_at
      OR (excluded.last_seen_at = g.last_seen_at AND excluded.facts IS DISTINCT FROM g.facts)`;

async function putGroups(client: pg.PoolClient, clusterId: number, windows: readonly CountedDrop[]): Promise<void> {
  const newest = new Map<string, CountedDrop>();
  for (const window of windows.filter(({ packets, attributed }) => packets > attributed)) {
    if (window.to >= (newest.get(window.groupId)?.to ?? -Infinity)) newest.set(window.groupId, window);
  }
  for (const { groupId, to, facts } of newest.values()) {
    const { source, destination } = endsOf(facts);
    const node = facts.node === '' ? null : facts.node;
    await client.query(PUT_GROUP, [
      groupId, clusterId, facts.verdict, facts.cause, facts.direction, facts.protocol ?? null, facts.destinationPort ?? null,
      ...source, ...destination, node, facts.policies.map(policyLabel).toSorted(), formatInstant(to), JSON.stringify(facts),
    ]); // prettier-ignore
  }
}

// A group is kept as long as any day has something of it.
const GONE = `
  DELETE FROM counted_group g WHERE id = ANY($1)
     AND NOT EXISTS (SELECT FROM drop_day r WHERE r.group_id = g.id)`;

/** Carries the sums of counted packets from the windows that were there to those that are, and keeps their groups. */
export async function rollUpCounted(
  client: pg.PoolClient,
  clusterId: number,
  before: readonly CountedBefore[],
  after: readonly CountedDrop[],
): Promise<void> {
  const [groups, slices, named] = [new Deltas(), new Deltas(), new Map<string, Slice>()];
  const add = (groupId: string, facts: CountedFacts, at: Instant, sums: Sums) => {
    groups.add(at, groupId, sums);
    for (const slice of slicesOfFacts(clusterId, facts)) {
      slices.add(at, slice.id, sums);
      named.set(slice.id, slice);
    }
  };
  for (const { group_id, to, counted, facts } of before) {
    if (counted > 0n) add(group_id, facts, lastMoment(Number(to)), minus(sumsOf(counted)));
  }
  for (const { groupId, to, packets, attributed, facts } of after) {
    if (packets > attributed) add(groupId, facts, lastMoment(to), sumsOf(packets - attributed));
  }
  await putGroups(client, clusterId, after);
  await applyDeltas(client, clusterId, { groups, slices, named: named.values() });
  const touched = new Set([...before.map(({ group_id }) => group_id), ...after.map(({ groupId }) => groupId)]);
  await client.query(GONE, [[...touched]]);
}
