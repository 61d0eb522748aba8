import { setTimeout as sleep } from 'node:timers/promises';
import { check, type Verdict } from './checker.js';
import { Load } from './load.js';
import { recovery, settled } from './recovery.js';
import { openWorld, type World } from './world.js';

export interface PoisonResult {
  readonly deaths: number;
  /** Number of the record that did it. */
  readonly poison: number;
  readonly rejects: readonly { readonly reason: string; readonly raw: string }[];
  readonly partsLeft: number;
  readonly verdict: Verdict;
}

/** Whoever stores this record is held there, where it is killed. */
const TRAP = (number: number) => `
  CREATE FUNCTION survival_trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
  CREATE TRIGGER survival_trap BEFORE INSERT ON flow FOR EACH ROW WHEN (NEW.conntrack_id = ${number}) EXECUTE FUNCTION survival_trap()`;

/** Sessions that are held. */
const HELD = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";

/** Of eight records one is cornered by eleven deaths: five of the batch, one for each halving, three alone. What has killed so often kills for ever. */
const FOR_EVER = 25;

/** Kills the worker whenever it works on the poison, until everything is worked through. How often it died, and whether that had an end. */
async function killUntilDone(world: World, load: Load, milliseconds: number): Promise<readonly [number, boolean]> {
  let deaths = 0;
  for (const end = Date.now() + milliseconds; Date.now() < end && deaths < FOR_EVER; await sleep(20)) {
    const held = await world.query<{ pid: number }>(HELD);
    if (held.length > 0) {
      if (await world.worker.kill()) deaths += 1;
      for (const { pid } of held) await world.query('SELECT pg_terminate_backend($1)', [pid]);
      continue;
    }
    const [open] = await world.query('SELECT 1 FROM raw_batch WHERE finished_at IS NULL LIMIT 1');
    if (!open && load.waitingSince(Infinity) === undefined) return [deaths, true];
  }
  return [deaths, false];
}

/** A record among others that kills the worker each time it is stored. */
export async function poisoned(product: string, batchOf = 32): Promise<PoisonResult> {
  const world = await openWorld({ product, appendOnly: true });
  try {
    const load = new Load({ url: `http://127.0.0.1:${world.network.api.port}`, token: world.token }, 1);
    const [sender, other] = load.senders;
    if (!sender || !other) throw new Error('no senders');
    const harmful = sender.batch(batchOf);
    const poison = harmful.numbers[Math.floor(batchOf / 3)] ?? 0;
    await world.query(TRAP(poison));
    for (const batch of [sender.batch(5), harmful, sender.batch(5)]) sender.push(batch);
    other.push(other.batch(5));
    load.deliver();
    const [deaths, ended] = await killUntilDone(world, load, 240_000);
    if (ended) {
      await load.finish();
      await recovery({ world, load }, Date.now());
      await settled(world);
    }
    const rejects = await world.query<{ reason: string; raw: string }>('SELECT reason, raw FROM reject');
    const [left] = await world.query<{ parts: string }>('SELECT count(*) AS parts FROM batch_part');
    return { deaths, poison, rejects, partsLeft: Number(left?.parts), verdict: await check(world, load) };
  } finally {
    await world.stop();
  }
}
