import type { Cause } from './cause.js';
import type { Workload } from './cluster.js';
import type { FailedCriterion, Finding, PolicyDirection, PolicyFix, PolicyRef, RuleMiss } from './policy.js';
import type { Protocol } from './protocol.js';
import type { Instant } from './time.js';

/** `failed`: the connection failed and no rule stopped it (closed port, pod gone, lost on the way). */
export type Verdict = 'allowed' | 'dropped' | 'rejected' | 'failed' | 'unknown';

/** What an answer rests on: the datapath named the rule, a counter of that rule moved, the evaluation says so, or nothing. */
export type Basis = 'observed' | 'counted' | 'derived' | 'unknown';

export type EvidenceChannel =
  'trace' | 'nflog' | 'kernel-log' | 'counter' | 'conntrack' | 'ruleset' | 'policy' | 'flow-log' | 'host';

/** One thing that was seen, with where and when, and the line it was read from. */
export interface EvidenceItem {
  readonly channel: EvidenceChannel;
  readonly node: string | undefined;
  readonly observedAt: Instant;
  /** One short clause: what it shows. */
  readonly shows: string;
  readonly raw: string | undefined;
}

/** The kernel rule that ended the packet. A chain policy is written `:CHAIN DROP` at position 0. */
export interface ChainRuleRef {
  readonly node: string;
  readonly table: string;
  readonly chain: string;
  readonly position: number;
  readonly text: string;
  readonly owner: ChainOwner | undefined;
}

/** Who wrote a chain, and for what: worked out from its name and comments. */
export interface ChainOwner {
  /** `calico`, `kube-router`, `weave-npc`, `azure-npm`, `kube-proxy`, `docker`, `ufw`, `firewalld`, `host`. */
  readonly plugin: string;
  /** What the chain is for: the end of a workload's policies, one policy, dispatch, … */
  readonly role: string;
  readonly workload: { readonly namespace: string; readonly pod: string } | undefined;
  readonly interface: string | undefined;
  readonly direction: PolicyDirection | undefined;
  readonly policy: PolicyRef | undefined;
  readonly tier: string | undefined;
  readonly policyRule: number | undefined;
}

export interface PolicyPart extends PolicyRef {
  readonly part: 'isolates' | 'denies' | 'admits' | 'passes';
  /** The rule that acted, where one did: its place in the object (`egress[2]`) or the name its author gave it. */
  readonly rule?: string;
}

/** One end as far as it is known at that time. */
export interface ExplainedEnd {
  readonly ip: string;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string | undefined } | undefined;
  readonly workload: Workload | undefined;
  readonly node: string | undefined;
  /** What the address is when it is no pod: `node`, `service`, `external`. */
  readonly role: 'pod' | 'node' | 'service' | 'external' | 'unknown';
  /** A name to read aloud: `client2-dev`, `node cent333`, `203.0.113.7`. */
  readonly label: string;
}

/** What the client asked for, where NAT stood between it and the deciding rule. */
export interface OriginalDestination {
  readonly destination: string;
  readonly destinationPort: number | undefined;
  readonly service: { readonly namespace: string; readonly name: string } | undefined;
}

export interface EnforcementPoint {
  readonly node: string;
  readonly hook: string | undefined;
  readonly interface: string | undefined;
  readonly workload: { readonly namespace: string; readonly pod: string } | undefined;
}

/** Why a connection ended as it did. The same evidence always gives the same explanation. */
export interface Explanation {
  readonly verdict: Verdict;
  readonly cause: Cause;
  /** Codes that explain the surprise while the cause stays policy. */
  readonly contributing: readonly Cause[];
  /** At the endpoint whose policy decided; null when no endpoint's policy did. */
  readonly direction: PolicyDirection | null;
  readonly enforcementPoint: EnforcementPoint | undefined;
  readonly policies: readonly PolicyPart[];
  /** Every rule of the isolating policies with what failed, nearest first. */
  readonly misses: readonly RuleMiss[];
  readonly chainRule: ChainRuleRef | undefined;
  /** The rule that sent the packet to `chainRule`. */
  readonly via: ChainRuleRef | undefined;
  readonly basis: Basis;
  readonly evidence: readonly EvidenceItem[];
  readonly assumptions: readonly string[];
  readonly missing: readonly string[];
  readonly findings: readonly Finding[];
  /** Changes that would admit it, each tried out; more than one: all of them are needed. Empty when no policy is the cause. */
  readonly fix: readonly PolicyFix[];
  readonly sentence: string;
}

/** One blocked (or failed) connection attempt, however many retries, nodes and channels reported it. */
export interface Drop {
  /** Derived from cluster, tuple and first sight: the same evidence gives the same id. */
  readonly id: string;
  readonly cluster: string;
  readonly firstSeenAt: Instant;
  readonly lastSeenAt: Instant;
  readonly source: ExplainedEnd;
  readonly sourcePort: number | undefined;
  readonly destination: ExplainedEnd;
  readonly destinationPort: number | undefined;
  readonly protocol: Protocol;
  readonly original: OriginalDestination | undefined;
  readonly translatedSource: string | undefined;
  /** Connection attempts: new SYNs (by initial sequence number), or new conversations. */
  readonly attempts: number;
  /** Packets seen dropped, retries included; a lower bound where only some were reported. */
  readonly packets: number;
  readonly explanation: Explanation;
}

export type { FailedCriterion };
