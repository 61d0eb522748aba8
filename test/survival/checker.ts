import { gunzipSync } from 'node:zlib';
import type { Load } from './load.js';
import type { World } from './world.js';

/** The end of a run: what was made against what is stored. */
export interface Verdict {
  readonly sent: number;
  readonly stored: number;
  readonly duplicated: readonly number[];
  readonly lost: readonly number[];
  readonly rejected: number;
  /** Records that an explicit gap record covers. */
  readonly gaps: number;
  readonly violations: readonly string[];
}

async function storedNumbers(world: World): Promise<ReadonlyMap<number, number>> {
  const rows = await world.query<{ number: string; times: string }>(
    `SELECT number, count(*) AS times FROM (SELECT conntrack_id AS number FROM flow UNION ALL SELECT tcp_sequence FROM packet_log) r
      GROUP BY number`,
  );
  return new Map(rows.map(({ number, times }) => [Number(number), Number(times)]));
}

const NUMBERS = /\b(?:id|tcp\.seq)=(\d+)/g;
const numbersIn = (text: string) => [...text.matchAll(NUMBERS)].map((match) => Number(match[1]));

/** What was refused with its text, and the batches that were refused whole because they are older than what is kept. */
async function rejectedNumbers(world: World): Promise<ReadonlySet<number>> {
  const told = await world.query<{ raw: string }>("SELECT raw FROM reject WHERE raw <> ''");
  const old = await world.query<{ payload: Buffer }>(
    `SELECT b.payload FROM raw_batch b JOIN batch_stage s ON s.batch_id = b.id AND s.stage = 'store' AND s.rows = 0
      WHERE EXISTS (SELECT 1 FROM reject r WHERE r.batch_id = b.id AND r.reason = 'TOO_OLD')`,
  );
  const texts = [...told.map(({ raw }) => raw), ...old.map(({ payload }) => gunzipSync(payload).toString())];
  return new Set(texts.flatMap(numbersIn));
}

/** Each of these must find nothing. */
const INVARIANTS: readonly (readonly [string, string])[] = [
  ['a batch is open', 'SELECT id::text AS what FROM raw_batch WHERE finished_at IS NULL'],
  ['a batch has rows and no ledger row', `SELECT DISTINCT f.batch_id::text AS what FROM (SELECT batch_id FROM flow UNION SELECT batch_id FROM packet_log) f
      WHERE NOT EXISTS (SELECT 1 FROM batch_stage s WHERE s.batch_id = f.batch_id AND s.stage = 'store')`],
  ['a ledger row counts other rows than there are', `SELECT s.batch_id::text AS what FROM batch_stage s
      JOIN (SELECT batch_id, count(*) AS n FROM (SELECT batch_id FROM flow UNION ALL SELECT batch_id FROM packet_log) r GROUP BY 1) r USING (batch_id)
      WHERE s.stage = 'store' AND s.rows <> r.n`],
  ['a natural key is there twice', 'SELECT emitter_id || stream || sequence AS what FROM raw_batch GROUP BY emitter_id, stream, epoch, sequence HAVING count(*) > 1'],
  ['a group counts other drops than there are', `SELECT coalesce(g.id, d.group_id) AS what FROM drop_group g
      FULL JOIN (SELECT group_id, count(*) AS n, sum(attempts) AS a, sum(packets) AS p FROM "drop" GROUP BY group_id) d ON d.group_id = g.id
      WHERE g.drops IS DISTINCT FROM d.n OR g.attempts IS DISTINCT FROM d.a OR g.packets IS DISTINCT FROM d.p`],
  ['a connection is two drops', `SELECT host(source) || ':' || source_port AS what FROM "drop" GROUP BY source, source_port, destination, destination_port HAVING count(*) > 1`],
]; // prettier-ignore

async function acknowledgedAndGone(world: World, load: Load): Promise<readonly string[]> {
  const rows = await world.query<{ key: string }>(
    `SELECT e.node || ' ' || b.stream || ' ' || b.sequence AS key FROM raw_batch b JOIN emitter e ON e.id = b.emitter_id`,
  );
  const there = new Set(rows.map(({ key }) => key));
  const keys = [...load.manifest.acknowledged.keys()].map(
    ({ node, stream, sequence }) => `${node} ${stream} ${sequence}`,
  );
  return keys.filter((key) => !there.has(key)).map((key) => `acknowledged and gone: ${key}`);
}

export async function check(world: World, load: Load): Promise<Verdict> {
  const [stored, rejected] = [await storedNumbers(world), await rejectedNumbers(world)];
  const made = load.manifest.numbers();
  const violations: string[] = [...load.refusals, ...(await acknowledgedAndGone(world, load))];
  for (const [what, sql] of INVARIANTS) {
    const found = await world.query<{ what: string }>(sql);
    if (found.length > 0)
      violations.push(
        `${what}: ${found.length} (${found
          .slice(0, 3)
          .map((row) => row.what)
          .join(', ')})`,
      );
  }
  const [gap] = await world.query<{ records: string | null }>(
    "SELECT sum(records) AS records FROM gap WHERE reason <> 'REFUSED'",
  );
  const refused = await world.query("SELECT 1 FROM gap WHERE reason = 'REFUSED'");
  if (refused.length > 0) violations.push(`batches that the server refused for good: ${refused.length}`);
  const unknown = [...stored.keys()].filter((number) => !made.has(number));
  if (unknown.length > 0) violations.push(`records that nobody sent: ${unknown.length}`);
  return {
    sent: made.size,
    stored: [...made].filter((number) => stored.has(number)).length,
    duplicated: [...stored].filter(([number, times]) => times > 1 || rejected.has(number)).map(([number]) => number),
    lost: [...made].filter((number) => !stored.has(number) && !rejected.has(number)),
    rejected: rejected.size,
    gaps: Number(gap?.records ?? 0),
    violations,
  };
}

/** Each record is there once, or told as lost. */
export function isWhole({ duplicated, lost, gaps, violations }: Verdict): boolean {
  return duplicated.length === 0 && lost.length <= gaps && violations.length === 0;
}
