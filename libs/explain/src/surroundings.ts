import type { Family, Instant, IpsetSnapshot, Route, RulesetSnapshot } from '@whydrop/model';
import type { HostFacts } from './host-facts.js';
import type { ClusterHistory } from './history.js';
import type { ClockOffsets } from './skew.js';

/** The two snapshots of one ruleset next to some time: the last one before it and the first one after it. */
export interface SnapshotPair {
  readonly before: RulesetSnapshot | undefined;
  readonly after: RulesetSnapshot | undefined;
}

/** Everything a drop is held against, as of then. Answers come from what is stored; nothing here looks at "now". */
export interface Surroundings {
  readonly cluster: string;
  readonly history: ClusterHistory;
  /** Rulesets of a node around `[from, to]`, one pair per backend. */
  rulesets(node: string, family: Family, from: Instant, to: Instant): readonly SnapshotPair[];
  ipsets(node: string, at: Instant): IpsetSnapshot | undefined;
  /** Whether a channel (`conntrack`, `iptables`, `nflog`, …) of a node was captured without a gap over `[from, to]`. */
  covered(node: string, channel: string, from: Instant, to: Instant): boolean;
  /** The node that has this address on one of its interfaces (bridges and tunnels too). */
  nodeOfAddress(ip: string): string | undefined;
  /** Whether interface addresses of this node are known at all. */
  knowsInterfaces(node: string): boolean;
  /** Addresses of a node's own interfaces (`10.0.0.1/24`); undefined when they are not known. */
  localAddresses(node: string): readonly string[] | undefined;
  /** Routes of a node, latest before a time (or first after it); undefined when none were captured. */
  routes(node: string, at: Instant): readonly Route[] | undefined;
  /** What nodes said of themselves beside packets and rules; absent where nothing of it is known. */
  readonly host?: HostFacts;
  /** Time up to which the conntrack stream of a node has been received. */
  conntrackWatermark(node: string): Instant | undefined;
  /** How far clocks of nodes run ahead; worked out from the witnesses when absent. */
  readonly clocks?: ClockOffsets;
}
