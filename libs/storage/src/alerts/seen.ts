import { formatInstant, type Instant } from '@whydrop/model';
import type pg from 'pg';

const MINUTE = 60_000_000;
const DAY = 1440 * MINUTE;

/** Which minutes of a cluster's nodes were seen alive. */
export interface Seen {
  /** Whether anything of the cluster was. */
  readonly covered: (minute: Instant) => boolean;
  readonly node: (node: string, minute: Instant) => boolean;
  /** Start of the last minute in which each node was. */
  readonly last: ReadonlyMap<string, Instant>;
}

interface SeenRow {
  readonly node: string;
  readonly day: string;
  readonly minutes: string;
}

/** Loads the markers of the days that a span of time touches. Node '' stands for any of the cluster's. */
export async function loadSeen(
  client: Pick<pg.PoolClient, 'query'>,
  clusterId: number,
  [from, to]: readonly [Instant, Instant],
): Promise<Seen> {
  const { rows } = await client.query<SeenRow>(
    `SELECT node, to_char(day, 'YYYY-MM-DD') AS day, minutes::text AS minutes FROM seen_day
      WHERE cluster_id = $1 AND day BETWEEN ($2::timestamptz AT TIME ZONE 'UTC')::date AND ($3::timestamptz AT TIME ZONE 'UTC')::date`,
    [clusterId, formatInstant(from), formatInstant(to)],
  );
  const nodes = new Map<string, Map<Instant, string>>();
  const last = new Map<string, Instant>();
  for (const { node, day, minutes } of rows) {
    const start = Date.parse(`${day}T00:00:00Z`) * 1000;
    nodes.set(node, (nodes.get(node) ?? new Map<Instant, string>()).set(start, minutes));
    const at = minutes.lastIndexOf('1');
    if (at >= 0) last.set(node, Math.max(last.get(node) ?? -Infinity, start + at * MINUTE));
  }
  const of = (days: ReadonlyMap<Instant, string> | undefined) => (minute: Instant) => {
    const start = minute - (minute % DAY);
    return days?.get(start)?.charAt((minute - start) / MINUTE) === '1';
  };
  return { covered: of(nodes.get('')), node: (node, minute) => of(nodes.get(node))(minute), last };
}
