import { check, isWhole, type Verdict } from './checker.js';
import { Collector } from './collector.js';
import { FAULTS, type Fault, FILLING_THE_DATABASE } from './faults.js';
import { Link } from './link.js';
import { Load, type Pace } from './load.js';
import { type Ordeal, torment, type Until } from './nemesis.js';
import { Chance } from './random.js';
import { rebuild, type Rebuilt } from './rebuild.js';
import { HANGS_AFTER_MS, recovery, settled, type Victims } from './recovery.js';
import { openWorld, type World, type WorldPlan } from './world.js';

export interface RunPlan {
  readonly seed: number;
  readonly until: Until;
  /** Root of the built checkout that is put to the test. */
  readonly product: string;
  readonly appendOnly: boolean;
  readonly faults?: readonly Fault[];
  readonly pace?: Pace;
  /** Also builds a second database out of the raw batches and compares. */
  readonly rebuilt?: boolean;
  readonly onVerdict?: (verdict: Verdict) => void;
  readonly say: (line: string) => void;
}

export interface RunResult {
  readonly ordeal: Ordeal;
  readonly verdict: Verdict;
  readonly rebuilt: Rebuilt | undefined;
  readonly seconds: number;
  /** Processes that ended without being killed, by how: an API without a database ends and is started again. */
  readonly ends: readonly string[];
}

/** Of a database whose disk is to be filled: room for a run of some minutes. */
const DATABASE_MIB = 1_024;

function countEnds({ world, collector }: Victims): readonly string[] {
  const counts = new Map<string, number>();
  for (const { name, ends } of [world.api, world.worker, world.redis, ...(collector ? [collector.process] : [])])
    for (const how of ends) counts.set(`${name}: ${how}`, (counts.get(`${name}: ${how}`) ?? 0) + 1);
  return [...counts].map(([how, times]) => `${how} (${times})`);
}

/** Network namespaces are root's. Where all is there to be tested they have to be. */
async function linkFor({ network }: World, say: RunPlan['say']): Promise<Link | undefined> {
  if (process.getuid?.() === 0 || process.env['CI'] === 'true') return Link.open(network.api.alsoAt);
  say('the link is not taken down: network namespaces need root');
  return undefined;
}

/** A whole run: load, faults, rest, and the count at the end. */
export async function survive({
  seed,
  until,
  product,
  appendOnly,
  faults = FAULTS,
  pace,
  rebuilt: again = false,
  onVerdict,
  say,
}: RunPlan): Promise<RunResult> {
  let world: World | undefined;
  let collector: Collector | undefined;
  let link: Link | undefined;
  const stop = async () => {
    await collector?.stop();
    link?.remove();
    await world?.stop();
  };
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
    void stop().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const ownDisk: Pick<WorldPlan, 'databaseDiskMib'> = faults.some((fault) => FILLING_THE_DATABASE.includes(fault))
      ? { databaseDiskMib: DATABASE_MIB }
      : {};
    world = await openWorld({ product, appendOnly, ...ownDisk });
    if (ownDisk.databaseDiskMib && !world.databaseDisk)
      say('the disk of the database is not filled: mounting needs root');
    const begun = Date.now();
    const load = new Load({ url: `http://127.0.0.1:${world.network.api.port}`, token: world.token }, seed, pace);
    link = await linkFor(world, say);
    // Somebody who interrupts while things are being opened is not answered by starting them.
    if (interrupted) throw new Error('interrupted');
    collector = new Collector(world, load.manifest, new Chance(seed + 1), link);
    if (!collector.clock) say("the collector's clock is not set: libfaketime is not installed");
    load.start();
    collector.start();
    const victims = { world, load, collector, ...(link && { link }) };
    const ordeal = await torment({ ...victims, chance: new Chance(seed) }, faults, until, say);
    await collector.finish();
    const patience = new Promise((resolve) => setTimeout(resolve, HANGS_AFTER_MS * (until.storm ? 4 : 1)).unref());
    await Promise.race([load.finish(), patience]);
    await recovery(victims, Date.now());
    // It says every few seconds what it covers: the count is held when nothing comes any more.
    await collector.stop();
    await settled(world, until.storm ? 4 : 1);
    const verdict = await check(world, load);
    onVerdict?.(verdict);
    const rebuilt = again ? await rebuild(world, new Chance(seed + 2)) : undefined;
    return { ordeal, verdict, seconds: (Date.now() - begun) / 1000, rebuilt, ends: countEnds(victims) };
  } finally {
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
    await stop();
  }
}

export function survived({ ordeal, verdict, rebuilt }: RunResult): boolean {
  return rebuilt?.same !== false && ordeal.violations.length === 0 && isWhole(verdict);
}
