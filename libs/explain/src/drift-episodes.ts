import type { Instant } from '@whydrop/model';
import type { NodeDrift } from './node-check.js';
import { SETTLE } from './policy-rung.js';

/** What one comparison of a node found, in order of time. */
export interface DriftCheck {
  readonly at: Instant;
  readonly drifts: readonly NodeDrift[];
}

/** A difference for as long as every comparison found it. */
export interface DriftEpisode {
  /** What makes it the same difference: kind, workload, direction, chain or set. */
  readonly key: string;
  /** As it was found first. */
  readonly drift: NodeDrift;
  readonly firstSeenAt: Instant;
  readonly lastSeenAt: Instant;
  /** The comparison that found it still there after a node's time to settle; undefined: it may settle yet, or it did. */
  readonly openedAt: Instant | undefined;
  /** The first comparison that did not find it any more. */
  readonly resolvedAt: Instant | undefined;
}

/** The same difference has the same key, whichever comparison finds it. */
export function driftKey({ code, workload, direction, subject }: NodeDrift): string {
  return [code, workload?.namespace, workload?.pod, direction, subject].join(' ');
}

/** A node that lags behind a change and never follows it does what it did: the difference began with the lag. */
function lagBefore(drift: NodeDrift, ongoing: ReadonlyMap<string, DriftEpisode>): DriftEpisode | undefined {
  if (!drift.code.startsWith('NODE_') && !drift.code.startsWith('SET_')) return undefined;
  return ongoing.get(driftKey({ ...drift, code: 'LAGGING', subject: undefined }));
}

function seen(known: DriftEpisode, at: Instant): DriftEpisode {
  const openedAt = known.openedAt ?? (at - known.firstSeenAt >= SETTLE ? at : undefined);
  return { ...known, lastSeenAt: at, openedAt };
}

/**
 * Follows differences through the comparisons of one node, from those that were there before. A difference that is over
 * before a node's time to settle has passed is kept without ever having been open. Pure: the same comparisons give the
 * same episodes, in whatever portions they come.
 */
export function followDrifts(before: readonly DriftEpisode[], checks: readonly DriftCheck[]): readonly DriftEpisode[] {
  let ongoing = new Map(before.map((episode) => [episode.key, episode]));
  const over: DriftEpisode[] = [];
  for (const { at, drifts } of checks) {
    const now = new Map<string, DriftEpisode>();
    for (const drift of drifts) {
      const key = driftKey(drift);
      const began = ongoing.get(key) ?? lagBefore(drift, ongoing);
      const known = ongoing.get(key) ?? { key, drift, firstSeenAt: began?.firstSeenAt ?? at };
      now.set(key, seen({ openedAt: undefined, resolvedAt: undefined, ...known, lastSeenAt: at }, at));
    }
    for (const [key, episode] of ongoing) if (!now.has(key)) over.push({ ...episode, resolvedAt: at });
    ongoing = now;
  }
  return [...over, ...ongoing.values()];
}
