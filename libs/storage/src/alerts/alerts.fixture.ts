import { formatInstant, type Instant } from '@whydrop/model';
import type { Database } from '../database.js';

const MINUTE = 60_000_000;
const DAY = 1440 * MINUTE;

/** A group of drops as the tests write it. */
export interface GroupWords {
  readonly id: string;
  readonly policy?: string;
  readonly cause?: string;
  readonly source?: string;
  readonly destination?: string;
  readonly port?: number;
  readonly node?: string;
  readonly protocol?: string;
  readonly firstSeenAt?: Instant;
}

/** Writes what the correlation would have written: groups, their minutes, and the minutes that were heard. */
export class Cluster {
  constructor(
    private readonly database: Database,
    readonly id: number,
  ) {}

  static async create(database: Database, name = 'c'): Promise<Cluster> {
    const { rows } = await database.pool.query<{ id: number }>('INSERT INTO cluster (name) VALUES ($1) RETURNING id', [
      name,
    ]);
    return new Cluster(database, rows[0]?.id ?? 0);
  }

  async group(words: GroupWords): Promise<void> {
    const { id, policy = 'NetworkPolicy/dev/policy1', cause = 'POLICY_DEFAULT_DENY', source = 'client' } = words;
    const { destination = 'db', port = 80, node = 'n1', protocol = 'TCP', firstSeenAt = 0 } = words;
    const at = formatInstant(firstSeenAt);
    await this.database.pool.query(
      `INSERT INTO drop_group (id, cluster_id, verdict, cause, direction, basis, protocol, destination_port, source_kind,
         source_namespace, source_name, destination_kind, destination_namespace, destination_name, node, policies,
         first_seen_at, last_seen_at, drops, attempts, packets, explanation_id)
       VALUES ($1, $2, 'dropped', $3, 'ingress', 'observed', $4, $5, 'Deployment', 'dev', $6, 'Deployment', 'dev', $7, $8, $9,
         $10, now() + interval '100 years', 1, 1, 1, 'e')`,
      [id, this.id, cause, protocol, port, source, destination, node, policy === '' ? [] : [policy], at],
    );
  }

  /** Drops of groups in minutes; added to what is there. */
  async drops(rows: readonly (readonly [group: string, at: Instant, drops: number])[]): Promise<void> {
    await this.database.pool.query(
      `INSERT INTO drop_minute AS m (bucket, group_id, cluster_id, drops, attempts, packets, counted)
       SELECT b, g, $1, n, n, n, 0 FROM unnest($2::timestamptz[], $3::text[], $4::int8[]) AS t(b, g, n)
       ON CONFLICT (bucket, group_id) DO UPDATE SET drops = m.drops + excluded.drops`,
      [
        this.id,
        rows.map(([, at]) => formatInstant(Math.floor(at / MINUTE) * MINUTE)),
        rows.map(([group]) => group),
        rows.map(([, , drops]) => drops),
      ],
    );
  }

  /** `[from, to)` was heard of these nodes. */
  async seen(from: Instant, to: Instant, nodes: readonly string[] = ['n1']): Promise<void> {
    for (let day = Math.floor(from / DAY) * DAY; day < to; day += DAY) {
      const bits = Array.from({ length: 1440 }, (_, i) =>
        day + i * MINUTE >= from && day + i * MINUTE < to ? '1' : '0',
      );
      for (const node of ['', ...nodes])
        await this.database.pool.query(
          `INSERT INTO seen_day AS s VALUES ($1, $2, $3, $4::bit(1440))
           ON CONFLICT (cluster_id, node, day) DO UPDATE SET minutes = s.minutes | excluded.minutes`,
          [this.id, node, formatInstant(day).slice(0, 10), bits.join('')],
        );
    }
  }
}

/** What the alerts of a database look like, in the order in which they began. */
export async function alertsOf(database: Database) {
  const { rows } = await database.pool.query<{
    rule: string;
    state: string;
    labels: Record<string, string>;
    sequence: number;
    notified: boolean;
    levelShift: boolean;
    startsAt: Date;
    firedAt: Date | null;
    endsAt: Date | null;
    summary: string;
    mutedBy: { by: string } | null;
    id: string;
  }>(
    `SELECT id, rule_name AS rule, state, labels, sequence, notified, level_shift AS "levelShift", starts_at AS "startsAt",
            fired_at AS "firedAt", ends_at AS "endsAt", message ->> 'summary' AS summary, muted_by AS "mutedBy"
       FROM alert ORDER BY starts_at, id`,
  );
  return rows;
}

/** Messages in the outbox: `firing 1`, `resolved 2`. */
export async function outboxOf(database: Database): Promise<readonly string[]> {
  const { rows } = await database.pool.query<{ text: string }>(
    `SELECT message ->> 'ruleName' || ' ' || status || ' ' || sequence AS text FROM alert_delivery ORDER BY id`,
  );
  return rows.map(({ text }) => text);
}
