import { setTimeout as sleep } from 'node:timers/promises';
import type { Link } from './link.js';
import type { Proxy } from './proxy.js';
import type { Chance } from './random.js';
import type { ServerProcess } from './server-process.js';
import type { Victims } from './recovery.js';
import type { World } from './world.js';

export interface Stage extends Victims {
  readonly chance: Chance;
}

/** What a fault did: nothing (its victim was down just then), or it struck and the machine was whole again from `healedAt` on. */
export type Struck = { readonly healedAt: number } | undefined;

export interface Fault {
  readonly name: string;
  /** What it befalls: of one burst no two befall the same. */
  readonly victim: string;
  readonly weight: number;
  /** Processes that die of it count as kills. */
  readonly kills: 0 | 1;
  strike(stage: Stage): Promise<Struck>;
}

const struck = (really = true): Struck => (really ? { healedAt: Date.now() } : undefined);

function killOf(name: 'api' | 'worker', weight: number): Fault {
  return {
    name: `${name} kill -9`,
    victim: name,
    weight,
    kills: 1,
    strike: async ({ world }) => struck(await world[name].kill()),
  };
}

/** Stopped for a while and continued: alive, holding its locks and connections, and dumb. */
async function freeze(victim: Pick<ServerProcess, 'signal'>, milliseconds: number): Promise<Struck> {
  if (!victim.signal('SIGSTOP')) return undefined;
  await sleep(milliseconds);
  victim.signal('SIGCONT');
  return struck();
}

function freezeOf(name: 'api' | 'worker' | 'redis', weight: number): Fault {
  return {
    name: `${name} SIGSTOP`,
    victim: name,
    weight,
    kills: 0,
    strike: ({ world, chance }) => freeze(world[name], chance.int(500, 7_000)),
  };
}

async function disturb(proxy: Proxy, how: 'cut' | 'hang', milliseconds: number): Promise<Struck> {
  proxy[how]();
  await sleep(milliseconds);
  proxy.heal();
  return struck();
}

function networkOf(name: keyof World['network'], how: 'cut' | 'hang', weight: number): Fault {
  return {
    name: `network to ${name} ${how === 'cut' ? 'cut' : 'hangs'}`,
    victim: `network ${name}`,
    weight,
    kills: 0,
    strike: ({ world, chance }) => disturb(world.network[name], how, chance.int(200, 3_000)),
  };
}

/** Packets vanish and nobody is told: no reset, no refusal, sockets that are open at both ends and dead. */
async function takeDown(link: Link | undefined, milliseconds: number): Promise<Struck> {
  if (!link) return undefined;
  link.down();
  await sleep(milliseconds);
  link.up();
  return struck();
}

const linkFault: Fault = {
  name: 'link to the api down',
  victim: 'link',
  weight: 3,
  kills: 0,
  strike: ({ link, chance }) => takeDown(link, chance.int(200, 3_000)),
};

/** For when they are asked for by name: as long as a switch takes to start, and as is worst for a kernel that asks ever more seldom. */
export const LONG_LINK_FAULTS: readonly Fault[] = [16, 30].map((seconds) => ({
  name: `link to the api down for ${seconds} s`,
  victim: 'link',
  weight: 3,
  kills: 0,
  strike: ({ link }) => takeDown(link, seconds * 1000),
}));

const postgresFaults: readonly Fault[] = [
  {
    name: 'postgres kill -9 (all)',
    victim: 'postgres',
    weight: 8,
    kills: 1,
    strike: async ({ world, chance }) => {
      await world.postgres.kill();
      await sleep(chance.int(0, 800));
      const outcome = struck();
      await world.postgres.start();
      return outcome;
    },
  },
  {
    name: 'postgres SIGSTOP',
    victim: 'postgres',
    weight: 2,
    kills: 0,
    strike: async ({ world, chance }) => {
      world.postgres.signal('SIGSTOP');
      await sleep(chance.int(200, 3_000));
      world.postgres.signal('SIGCONT');
      return struck();
    },
  },
];

const redisFaults: readonly Fault[] = [
  {
    name: 'redis kill -9',
    victim: 'redis',
    weight: 6,
    kills: 1,
    strike: async ({ world }) => struck(await world.redis.kill()),
  },
  {
    name: 'redis kill -9, data removed',
    victim: 'redis',
    weight: 4,
    kills: 1,
    strike: async ({ world }) => struck(await world.redis.killAndForget()),
  },
  {
    name: 'redis FLUSHALL',
    victim: 'redis',
    weight: 4,
    kills: 0,
    strike: async ({ world }) => struck(await world.redis.flush()),
  },
];

const collectorFaults: readonly Fault[] = [
  {
    name: 'collector kill -9',
    victim: 'collector',
    weight: 10,
    kills: 1,
    strike: async ({ collector }) => struck((await collector?.process.kill()) === true),
  },
  {
    name: 'collector SIGSTOP',
    victim: 'collector',
    weight: 2,
    kills: 0,
    strike: ({ collector, chance }) =>
      collector ? freeze(collector.process, chance.int(500, 5_000)) : Promise.resolve(undefined),
  },
  {
    name: 'disk of the spool full',
    victim: 'spool',
    weight: 3,
    kills: 0,
    strike: async ({ collector, chance }) => {
      if (!collector?.ownDisk) return undefined;
      await collector.ownDisk.fill(chance.int(500, 3_000));
      return struck();
    },
  },
];

const rotationFault: Fault = {
  name: 'the followed log is rotated',
  victim: 'log',
  weight: 3,
  kills: 0,
  strike: async ({ collector, chance }) => {
    if (!(await collector?.hasBegun())) return undefined;
    await collector?.rotate(chance.int(0, 1_500));
    return struck();
  },
};

const HOUR = 3_600_000_000;

/** Where a node's clock may stand, in microseconds from the true time: jumps of an hour, a day, a year, 1970, and beyond 2038. */
const WRONG_CLOCKS: readonly ((now: number) => number)[] = [
  () => 24 * HOUR,
  () => -24 * HOUR,
  () => HOUR,
  () => -HOUR,
  () => 11 * 60_000_000,
  () => -11 * 60_000_000,
  () => 72 * HOUR,
  () => -3 * 24 * HOUR,
  () => -365 * 24 * HOUR,
  (now) => -now,
  (now) => Date.UTC(2038, 0, 19, 3, 14, 8) * 1000 - now,
];

/** Where the clock of a collector may be set to, in seconds from the true time; it stays there. */
const COLLECTOR_CLOCKS = [0, -3_600, 3_600, -86_400, 86_400, -660, 660, -365 * 86_400, 1];

const collectorClockFault: Fault = {
  name: "the collector's clock is set",
  victim: 'collector clock',
  weight: 3,
  kills: 0,
  strike: ({ collector, chance }) => {
    if (!collector?.clock) return Promise.resolve(undefined);
    collector.clock.set(chance.pick(COLLECTOR_CLOCKS));
    return Promise.resolve(struck());
  },
};

const clockFault: Fault = {
  name: "a node's clock jumps",
  victim: 'clock',
  weight: 2,
  kills: 0,
  strike: ({ load, chance }) => {
    const sender = chance.pick(load.senders);
    sender.push(sender.batch(3, chance.pick(WRONG_CLOCKS)(Date.now() * 1000)));
    return Promise.resolve(struck());
  },
};

const deliveryFaults: readonly Fault[] = [
  {
    name: 'batches delivered again',
    victim: 'delivery',
    weight: 3,
    kills: 0,
    strike: async ({ load, chance }) => {
      const wrong = await load.replay(chance.int(10, 60)).catch((error: unknown) => [String(error)]);
      if (wrong.length > 0) throw new Error(wrong.join('; '));
      return struck();
    },
  },
  {
    name: 'batches out of order',
    victim: 'order',
    weight: 2,
    kills: 0,
    strike: ({ load }) => Promise.resolve(struck(load.senders.filter((sender) => sender.reorder()).length > 0)),
  },
];

/**
 * PostgreSQL cannot write any more: statements fail, and when it cannot write what it has to, it ends and is started again
 * when there is room. Asked for by name: its data then lie in memory, where fsync costs nothing.
 */
const databaseDiskFull = (name: string, milliseconds: (chance: Chance) => number): Fault => ({
  name,
  victim: 'postgres',
  weight: 5,
  kills: 0,
  strike: async ({ world, chance }) => {
    if (!world.databaseDisk) return undefined;
    await world.databaseDisk.fill(milliseconds(chance));
    const outcome = struck();
    await world.postgres.revive();
    return outcome;
  },
});

export const DATABASE_DISK_FAULT = databaseDiskFull('disk of the database full', (chance) => chance.int(2_000, 10_000));

/** As long as it takes somebody to be woken and to make room: everything is tried many times meanwhile. */
export const LONG_DATABASE_DISK_FAULT = databaseDiskFull('no room for the database, for a minute', () => 60_000);

export const FILLING_THE_DATABASE: readonly Fault[] = [DATABASE_DISK_FAULT, LONG_DATABASE_DISK_FAULT];

/** What can go wrong, by how often it does. */
export const FAULTS: readonly Fault[] = [
  killOf('api', 10),
  killOf('worker', 12),
  freezeOf('api', 2),
  freezeOf('worker', 3),
  freezeOf('redis', 2),
  ...postgresFaults,
  ...redisFaults,
  networkOf('api', 'cut', 2),
  networkOf('api', 'hang', 1),
  networkOf('postgres', 'cut', 2),
  networkOf('postgres', 'hang', 1),
  networkOf('redis', 'cut', 2),
  networkOf('redis', 'hang', 1),
  linkFault,
  ...collectorFaults,
  ...deliveryFaults,
  clockFault,
  collectorClockFault,
  rotationFault,
];
