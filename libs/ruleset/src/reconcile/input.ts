import type {
  ConnectionQuery,
  ConnectionVerdict,
  Ipset,
  IpsetSnapshot,
  PolicyDirection,
  RulesetSnapshot,
  Tuple,
} from '@whydrop/model';
import type { OwnerIndex } from '../owner.js';
import type { RuleOwner } from '../owner/rule-owner.js';
import type { WalkOutcome } from '../walk/outcome.js';
import type { Route, WalkPacket } from '../walk/state.js';

/** A pod as packets reach it. */
export interface ReconcilePod {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  /** Node it runs on. */
  readonly node: string;
  /** Its interface on that node; found by the owner index where it is a function of the name. */
  readonly interface?: string;
}

/** What people wrote, asked of the policy engine: the verdict about one connection at one time. */
export type Intent = (query: ConnectionQuery) => ConnectionVerdict;

export interface ReconcileInput {
  readonly node: string;
  readonly ruleset: RulesetSnapshot;
  readonly ipsets: IpsetSnapshot | undefined;
  readonly owners: OwnerIndex;
  /** Every pod of the cluster with an address of the ruleset's family. */
  readonly pods: readonly ReconcilePod[];
  readonly intent: Intent;
  /** Intent of a moment before: a node that still does what it said is lagging, not wrong. */
  readonly earlierIntent?: Intent;
  /** Addresses outside the cluster that are tried as peers as well. */
  readonly outside?: readonly string[];
  /** Members a set should have now; undefined for sets the caller cannot work out. */
  readonly expectedMembers?: (set: Ipset) => readonly string[] | undefined;
  readonly localAddresses?: readonly string[];
  readonly routes?: readonly Route[];
  /** How a packet between these ends meets the node, where addresses and interfaces do not say it (bridges). */
  readonly attach?: (source: string, destination: string) => Partial<WalkPacket>;
  /** Whether a policy that a chain is for is there; one with a uid when absent. Undefined: that cannot be known. */
  readonly policyExists?: (owner: RuleOwner) => boolean | undefined;
  /** How many connections may be tried, 20,000 when absent. What was left out is told. */
  readonly limit?: number;
}

export type DriftCode =
  'NODE_DENIES' | 'NODE_ALLOWS' | 'LAGGING' | 'ORPHAN_CHAIN' | 'SET_MEMBER_MISSING' | 'SET_MEMBER_EXTRA';

/** One difference between what was written and what the node runs. */
export interface Drift {
  readonly code: DriftCode;
  readonly node: string;
  readonly workload: { readonly namespace: string; readonly pod: string } | undefined;
  readonly direction: PolicyDirection | undefined;
  /** The chain or set that is not as it should be. */
  readonly subject: string | undefined;
  /** The smallest connection that shows it: lowest protocol, port and peer. */
  readonly witness: Tuple | undefined;
  /** Where the node decided about the witness. */
  readonly decidedAt: Pick<WalkOutcome, 'table' | 'chain' | 'position' | 'text'> | undefined;
  /** Connections tried that show the same. */
  readonly count: number;
  readonly sentence: string;
}

export interface Reconciliation {
  readonly drifts: readonly Drift[];
  /** Connections that were compared. */
  readonly compared: number;
  /** Connections about which the walk or the intent could not decide. */
  readonly undecided: number;
  /** Connections left out because there were too many. */
  readonly leftOut: number;
}
