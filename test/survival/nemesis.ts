import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Stage } from './faults.js';
import { type Recovery, recovery } from './recovery.js';

/** What one kind of fault did to a run. */
export interface Suffered {
  readonly name: string;
  count: number;
  /** Records made while faults of this kind were at work and until everything had recovered. */
  sent: number;
  slowestMs: number;
  /** Milliseconds of rounds in which nothing else went wrong. */
  slowestAloneMs: number;
}

export interface Ordeal {
  readonly suffered: ReadonlyMap<string, Suffered>;
  readonly kills: number;
  readonly rounds: number;
  /** What broke a promise while it went on. */
  readonly violations: readonly string[];
}

export interface Until {
  readonly kills: number;
  readonly milliseconds: number;
  /** Nothing is given time to recover between two bursts; how long it takes is not measured. */
  readonly storm?: boolean;
  /** One fault at a time. */
  readonly alone?: boolean;
  /** What is not over by then hangs; a minute and a half when left out. */
  readonly hangsAfterMs?: number;
}

/** Nothing should take longer. */
const SLOW_MS = 10_000;

interface Blow {
  readonly fault: Fault;
  readonly healedAt: number;
}

/** One to four faults, close together or at once, none of them upon the same victim. */
async function burst(stage: Stage, faults: readonly Fault[], alone: boolean): Promise<readonly Blow[]> {
  const { chance } = stage;
  const size = alone || chance.next() < 0.35 ? 1 : chance.int(2, 5);
  const chosen: Fault[] = [];
  for (let tries = 0; tries < 20 && chosen.length < size; tries++) {
    const fault = chance.weighted(faults);
    if (!chosen.some(({ victim }) => victim === fault.victim)) chosen.push(fault);
  }
  const running: Promise<Blow | undefined>[] = [];
  for (const fault of chosen) {
    running.push(fault.strike(stage).then((struck) => struck && { fault, healedAt: struck.healedAt }));
    await sleep(chance.int(0, 600));
  }
  return (await Promise.all(running)).filter((blow) => blow !== undefined);
}

/** A recovery in words; one that is slow says what it waited for. */
function told(how: Recovery): string {
  if (how.kind === 'hangs') return `HANGS: ${how.missing}`;
  const seconds = `${(how.ms / 1000).toFixed(1)} s`;
  return how.ms < SLOW_MS || how.last === undefined ? seconds : `${seconds} (at last ${how.last})`;
}

/** Lets faults befall the world at random until there were enough; after each burst everything has to recover. */
export async function torment(
  stage: Stage,
  faults: readonly Fault[],
  until: Until,
  say: (line: string) => void,
): Promise<Ordeal> {
  const suffered = new Map<string, Suffered>();
  const violations: string[] = [];
  const end = Date.now() + until.milliseconds;
  let kills = 0;
  let rounds = 0;
  const { manifest } = stage.load;
  while (kills < until.kills && Date.now() < end && violations.length === 0) {
    await sleep(stage.chance.int(0, 700));
    const before = manifest.numbers().size;
    const blows = await burst(stage, faults, until.alone === true).catch((error: unknown) => {
      violations.push(String(error));
      return [];
    });
    if (blows.length === 0) continue;
    rounds += 1;
    const names = blows.map(({ fault }) => fault.name).join(' + ');
    const healedAt = Math.max(...blows.map((blow) => blow.healedAt));
    const how = until.storm ? undefined : await recovery(stage, healedAt, until.hangsAfterMs);
    if (how?.kind === 'hangs') violations.push(`hangs after ${names}: ${how.missing}`);
    const took = how?.kind === 'hangs' ? Infinity : (how?.ms ?? 0);
    kills += blows.reduce((sum, { fault }) => sum + fault.kills, 0);
    say(`${String(kills).padStart(4)} kills  ${how ? told(how) : ''}  ${names}`);
    for (const { fault } of blows) {
      const known = suffered.get(fault.name) ?? {
        name: fault.name,
        count: 0,
        sent: 0,
        slowestMs: 0,
        slowestAloneMs: 0,
      };
      known.count += 1;
      known.sent += manifest.numbers().size - before;
      known.slowestMs = Math.max(known.slowestMs, took);
      if (blows.length === 1) known.slowestAloneMs = Math.max(known.slowestAloneMs, took);
      suffered.set(fault.name, known);
    }
  }
  return { suffered, kills, rounds, violations };
}
