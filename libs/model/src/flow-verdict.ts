import type { PolicyDirection } from './policy.js';
import type { Instant, Interval } from './time.js';
import type { Tuple } from './tuple.js';

/** Who said it: a network plugin or platform that logs flows together with what became of them. */
export type FlowEmitter =
  | 'contrail'
  | 'calico'
  | 'cilium'
  | 'antrea'
  | 'aws-network-policy-agent'
  | 'ovn-kubernetes'
  | 'gke'
  | 'weave-npc'
  | 'mapped';

/** `audited`: let through, and would have been dropped were the policy enforced. */
export type FlowVerdict = 'allowed' | 'dropped' | 'rejected' | 'audited' | 'unknown';

/**
 * What a denial says of its cause. `explicit`: a rule denied it. `default`: the endpoint is isolated and no rule
 * admitted it. `policy`: some policy, the record does not say in which of the two ways. `other`: no policy, see `reason`.
 */
export type Denial = 'explicit' | 'default' | 'policy' | 'other';

/** A tuple of a record that may be an aggregate: what it folds together is undefined. */
export interface FlowEnds extends Omit<Tuple, 'source' | 'destination'> {
  readonly source: string | undefined;
  readonly destination: string | undefined;
}

/** One end by the name its emitter gives it. */
export interface NamedEnd {
  readonly kind: 'pod' | 'workload' | 'node' | 'network' | 'network-set' | 'external' | 'unknown';
  readonly namespace: string | undefined;
  readonly name: string;
  /** The name is the common beginning of several (`client-*`): an aggregate. */
  readonly isPrefix: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** A policy that the record names, with what it did there. */
export interface NamedPolicy {
  /** As in `PolicyRef`; undefined when the record does not say. */
  readonly kind: string | undefined;
  readonly namespace: string | null;
  readonly name: string;
  readonly uid: string | undefined;
  readonly tier: string | undefined;
  readonly action: 'allow' | 'deny' | 'pass' | undefined;
  /** Index of the rule in the emitter's own counting; undefined for a default action or when it is not said. */
  readonly rule: number | undefined;
  readonly ruleName: string | undefined;
  /**
   * `rule`: one of its rules acted. `default`: its isolation acted, no rule did; other policies may isolate too.
   * `staged`: it is not enforced, this is what it would do.
   */
  readonly part: 'rule' | 'default' | 'staged';
}

/**
 * A flow and what became of it, as a network plugin logged it. A witness like a packet that a rule saw, but stronger:
 * the datapath gives the verdict itself. Only the direction it speaks of is decided by it: egress may be allowed at
 * the source and ingress denied at the destination, in two records.
 */
export interface FlowVerdictObservation {
  readonly kind: 'flow-verdict';
  readonly emitter: FlowEmitter;
  /** When the flow was seen; the end of the window of an aggregate. */
  readonly observedAt: Instant;
  /** Window of an aggregate; undefined for a record of one event. */
  readonly window: Interval | undefined;
  readonly verdict: FlowVerdict;
  /** For a dropped, rejected or audited flow. */
  readonly denial: Denial | undefined;
  /** At which end it was measured. */
  readonly reporter: 'source' | 'destination' | undefined;
  /** Direction of the policy that judged; undefined when the record does not say. */
  readonly direction: PolicyDirection | undefined;
  /** As the judging rule saw it: destination after DNAT. */
  readonly ends: FlowEnds;
  /** The tuple the initiator sent, where the record shows that NAT stood between. */
  readonly original: FlowEnds | undefined;
  readonly source: NamedEnd | undefined;
  readonly destination: NamedEnd | undefined;
  readonly service: { readonly namespace: string; readonly name: string } | undefined;
  readonly node: string | undefined;
  /** Every policy the record names, in its order. Empty is no statement. */
  readonly policies: readonly NamedPolicy[];
  /** The emitter's own word for the reason: `FwPolicy`, `POLICY_DENIED`. */
  readonly reason: string | undefined;
  /** What the record counts; undefined where it does not. Retries of one connection count as packets. */
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
  readonly connections: bigint | undefined;
  readonly raw: string;
  readonly line: number;
}
