import type { ConnectionEnd, Protocol } from '@whydrop/model';
import type { SeenPair } from '@whydrop/storage';
import { endOfAddress, type World } from './world.service.js';

export type Pair = Omit<SeenPair, 'protocol'> & { readonly protocol: Protocol };
type Verdict = 'allowed' | 'denied' | 'unknown';

/** Connections between two workloads at one port whose verdict would be another. */
export interface ChangedPair {
  readonly source: string;
  readonly destination: string;
  readonly port: number | null;
  readonly protocol: string;
  readonly before: Verdict;
  readonly after: Verdict;
  readonly connections: number;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly reason: string;
}

export interface Changes {
  readonly looked: number;
  readonly outside: number;
  readonly changed: readonly ChangedPair[];
}

function nameOf({ view }: World, end: ConnectionEnd): string {
  if (end.kind === 'address') return end.ip;
  if (end.kind === 'node') return `node/${end.name}`;
  const workload = view.pod(end.namespace, end.name)?.workload;
  return `${end.namespace}/${workload?.name ?? end.name}`;
}

/** Pairs judged before others get their turn. */
const AT_ONCE = 500;

/**
 * Stored connections, each judged by the policies as they are and as they would be. Ends are those that have the addresses
 * now. `outside`: neither end is a pod that is there, so that no policy can be said to bear on them.
 */
export async function changesOf(before: World, after: World, pairs: readonly Pair[]): Promise<Changes> {
  const changed = new Map<string, ChangedPair>();
  let [looked, outside] = [0, 0];
  for (const [i, pair] of pairs.entries()) {
    if (i % AT_ONCE === AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
    const [source, destination] = [endOfAddress(before, pair.source), endOfAddress(before, pair.destination)];
    if (source.kind !== 'pod' && destination.kind !== 'pod') {
      outside += pair.seen;
      continue;
    }
    looked += pair.seen;
    const { protocol, seen } = pair;
    const query = { source, destination, protocol, port: pair.port ?? undefined };
    const verdicts = [before.view.engine.verdict(query), after.view.engine.verdict(query)] as const;
    if (verdicts[0] === verdicts[1]) continue;
    const names = [nameOf(before, source), nameOf(before, destination)] as const;
    const key = JSON.stringify([names, pair.port, protocol, verdicts]);
    const known = changed.get(key);
    changed.set(key, {
      source: names[0],
      destination: names[1],
      port: pair.port,
      protocol,
      before: verdicts[0],
      after: verdicts[1],
      connections: (known?.connections ?? 0) + seen,
      firstSeenAt: Math.min(known?.firstSeenAt ?? Infinity, pair.firstSeenAt),
      lastSeenAt: Math.max(known?.lastSeenAt ?? 0, pair.lastSeenAt),
      reason: known?.reason ?? after.view.engine.evaluate(query).reason,
    });
  }
  return { looked, outside, changed: [...changed.values()].toSorted((a, b) => b.connections - a.connections) };
}
