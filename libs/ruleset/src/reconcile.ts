import { Comparison } from './reconcile/comparison.js';
import type { Reconciliation, ReconcileInput } from './reconcile/input.js';
import { memberDrifts, orphans } from './reconcile/leftovers.js';
import { probes } from './reconcile/probes.js';

export type { Drift, DriftCode, Intent, Reconciliation, ReconcileInput, ReconcilePod } from './reconcile/input.js';

/** Connections tried when nobody says how many. */
const LIMIT = 20_000;

/**
 * Holds what people wrote against what a node runs: for each pod of the node, connections to and from every other pod
 * and some outside addresses, at each port that a rule names. Differences are told once per pod, direction and kind,
 * with the smallest connection that shows them; chains and sets are compared as well.
 */
export function reconcile(input: ReconcileInput): Reconciliation {
  const comparison = new Comparison(input);
  let leftOut = 0;
  for (const probed of probes(input)) {
    if (comparison.compared < (input.limit ?? LIMIT)) comparison.compare(probed);
    else leftOut++;
  }
  const { compared, undecided } = comparison;
  return { drifts: [...comparison.drifts, ...orphans(input), ...memberDrifts(input)], compared, undecided, leftOut };
}
