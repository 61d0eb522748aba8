import { changesBefore, type ClusterHistory } from '@whydrop/explain';
import type { ExplainedEnd, Instant, OriginalDestination, PolicyPart, Protocol } from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import { storableJson } from '../write/storable-json.js';
import type { ReplacedDrops } from './drops.js';

interface FirstRow {
  readonly group_id: string;
  readonly drop_id: string;
  readonly at: bigint;
  readonly protocol: string;
  readonly destination_port: number | null;
  readonly source: ExplainedEnd;
  readonly destination: ExplainedEnd;
  readonly original: OriginalDestination | null;
  readonly policies: readonly PolicyPart[] | null;
}

/** First drops of groups that are others than before, or were decided anew. */
const FIRST_DROPS = `
  SELECT g.id AS group_id, d.id AS drop_id, ${MICROS('d.first_seen_at')} AS at, d.protocol, d.destination_port,
         d.detail -> 'source' AS source, d.detail -> 'destination' AS destination, d.detail -> 'original' AS original,
         e.body -> 'policies' AS policies
    FROM unnest($1::text[]) AS t(id) JOIN drop_group g ON g.id = t.id
    JOIN LATERAL (SELECT * FROM "drop" o WHERE o.group_id = g.id ORDER BY o.first_seen_at, o.id LIMIT 1) d ON true
    JOIN explanation e ON e.id = d.explanation_id
   WHERE g.changes_of IS DISTINCT FROM d.id OR d.id = ANY($2)
   ORDER BY d.first_seen_at`;

const WRITE = `
  UPDATE drop_group g SET changes = t.changes, changes_of = t.drop_id
    FROM unnest($1::text[], $2::jsonb[], $3::text[]) AS t(id, changes, drop_id) WHERE g.id = t.id`;

/** Gives the cluster's history up to an instant, as far back as changes are looked for. */
export type HistoryUpTo = (at: Instant) => Promise<ClusterHistory>;

/** Keeps with each group what changed in the cluster just before its first drop. */
export async function writeGroupChanges(
  client: pg.PoolClient,
  historyUpTo: HistoryUpTo,
  { groups, decided }: ReplacedDrops,
): Promise<void> {
  if (groups.length === 0) return;
  const { rows } = await client.query<FirstRow>(FIRST_DROPS, [groups, decided]);
  if (rows.length === 0) return;
  const found: string[] = [];
  for (const row of rows) {
    const at = Number(row.at);
    const changes = changesBefore(await historyUpTo(at), {
      at,
      source: row.source,
      destination: row.destination,
      protocol: row.protocol as Protocol,
      destinationPort: row.destination_port ?? undefined,
      service: row.original?.service,
      policies: row.policies ?? [],
    });
    found.push(storableJson(JSON.stringify(changes)));
  }
  await client.query(WRITE, [rows.map((row) => row.group_id), found, rows.map((row) => row.drop_id)]);
}
