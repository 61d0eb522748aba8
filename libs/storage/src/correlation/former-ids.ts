import { type CorrelatedDrop, rawLines } from '@whydrop/explain';
import { type EvidenceItem, formatInstant, type Instant } from '@whydrop/model';
import type pg from 'pg';

/** A drop that is not told under this id any more. */
export interface GoneDrop {
  readonly id: string;
  readonly firstSeenAt: Instant;
  readonly evidence: readonly EvidenceItem[];
}

/** Drops by the lines that they rest on. Counters stand for many, lines of records for one. */
function byLine(drops: readonly CorrelatedDrop[], wanted: ReadonlySet<string>): ReadonlyMap<string, CorrelatedDrop[]> {
  const found = new Map<string, CorrelatedDrop[]>();
  for (const drop of drops) {
    for (const line of drop.attempt ? rawLines(drop.attempt) : []) {
      if (!wanted.has(line)) continue;
      const known = found.get(line);
      if (known) known.push(drop);
      else found.set(line, [drop]);
    }
  }
  return found;
}

function linesOf({ evidence }: GoneDrop): readonly string[] {
  return evidence.flatMap(({ channel, raw }) => (channel === 'counter' || raw === undefined || raw === '' ? [] : raw));
}

/** What a drop of which another time or tuple has come to be known is called now, by what it was called before. */
export interface Renamed {
  readonly from: string;
  readonly to: CorrelatedDrop['drop'];
}

/** Finds drops that are gone among those that took their place: what rests on the same line is the same connection. */
export function renamedDrops(gone: readonly GoneDrop[], drops: readonly CorrelatedDrop[]): readonly Renamed[] {
  if (gone.length === 0) return [];
  const places = byLine(drops, new Set(gone.flatMap(linesOf)));
  return gone.flatMap((each) => {
    const away = ({ drop }: CorrelatedDrop) => Math.abs(drop.firstSeenAt - each.firstSeenAt);
    const same = linesOf(each).flatMap((line) => places.get(line) ?? []);
    const [nearest] = same.toSorted((a, b) => away(a) - away(b) || (a.drop.id < b.drop.id ? -1 : 1));
    return nearest ? [{ from: each.id, to: nearest.drop }] : [];
  });
}

// Who was renamed to what is renamed itself leads to the newest name.
const FOLLOW = `
  UPDATE former_drop_id f SET drop_id = r.now_id, first_seen_at = r.at
    FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS r(id, now_id, at) WHERE f.drop_id = r.id`;

const INSERT = `
  INSERT INTO former_drop_id (cluster_id, id, drop_id, first_seen_at)
  SELECT $4, r.id, r.now_id, r.at FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS r(id, now_id, at)
  ON CONFLICT (id) DO UPDATE SET drop_id = excluded.drop_id, first_seen_at = excluded.first_seen_at`;

/**
 * Keeps under which ids drops were told before, so that links to them go on leading to them. It tells what happened, other
 * than the drops themselves, which do not depend on the order in which their witnesses came.
 */
export async function writeFormerIds(
  client: pg.PoolClient,
  clusterId: number,
  renamed: readonly Renamed[],
  fresh: readonly string[],
): Promise<void> {
  if (renamed.length > 0) {
    const values = [
      renamed.map(({ from }) => from),
      renamed.map(({ to }) => to.id),
      renamed.map(({ to }) => formatInstant(to.firstSeenAt)),
    ];
    await client.query(FOLLOW, values);
    await client.query(INSERT, [...values, clusterId]);
  }
  // An id that is told again is no former one.
  if (fresh.length > 0) await client.query('DELETE FROM former_drop_id WHERE id = ANY($1)', [fresh]);
}
