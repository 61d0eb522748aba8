import { reversedTuple, type Tuple, tupleKey } from '@whydrop/model';
import { flowKeys, type FlowWitness, type Witnesses } from './witness.js';

/** Conntrack's records of a tuple and of its reverse, on any node and at any time: what a packet may belong to. */
export interface RelatedFlows {
  /** Records whose own direction this tuple is. */
  same(tuple: Tuple): readonly FlowWitness[];
  /** Records that this tuple is an answer to. */
  reverse(tuple: Tuple): readonly FlowWitness[];
}

function index(flows: readonly FlowWitness[]): ReadonlyMap<string, readonly FlowWitness[]> {
  const found = new Map<string, FlowWitness[]>();
  for (const witness of flows) {
    const { flow } = witness;
    for (const key of flowKeys(flow)) {
      const known = found.get(key);
      if (known) known.push(witness);
      else found.set(key, [witness]);
    }
  }
  for (const own of found.values()) own.sort((a, b) => a.flow.observedAt - b.flow.observedAt);
  return found;
}

/** Looks up flows by tuple; the index is made when it is first asked, since few packets need it. */
export function relatedFlows({ flows }: Witnesses): RelatedFlows {
  let known: ReadonlyMap<string, readonly FlowWitness[]> | undefined;
  const of = (tuple: Tuple) => (known ??= index(flows)).get(tupleKey(tuple)) ?? [];
  return { same: of, reverse: (tuple) => of(reversedTuple(tuple)) };
}
