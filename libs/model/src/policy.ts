import type { Protocol } from './protocol.js';

export type PolicyDirection = 'ingress' | 'egress';

/** Names one version of one policy object. */
export interface PolicyRef {
  /** `NetworkPolicy`, `CalicoNetworkPolicy`, `GlobalNetworkPolicy`, `AdminNetworkPolicy`, … */
  readonly kind: string;
  /** null for a cluster-wide policy. */
  readonly namespace: string | null;
  readonly name: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly tier: string | undefined;
}

/** A rule that acted: `rule` is the index in the policy's ingress or egress list, from 0; undefined for a default action. */
export interface PolicyHit {
  readonly policy: PolicyRef;
  readonly direction: PolicyDirection;
  readonly rule: number | undefined;
  /** Name the author gave the rule, where the kind has names. */
  readonly ruleName: string | undefined;
  readonly action: 'allow' | 'deny' | 'pass' | 'log';
  /** Place in the object: `ingress[0].from[2]`. */
  readonly path: string;
}

/** One criterion of a policy rule that the connection did not meet. */
export interface FailedCriterion {
  /** What kind of criterion failed. */
  readonly field:
    | 'podSelector'
    | 'namespaceSelector'
    | 'ipBlock'
    | 'except'
    | 'port'
    | 'namedPort'
    | 'protocol'
    | 'serviceAccount'
    | 'networkSet'
    | 'nets'
    | 'icmp'
    | 'service'
    | 'node'
    | 'domainName'
    | 'ipVersion'
    | 'notSelector';
  /** Place in the object: `ingress[0].from[2].podSelector.matchLabels.app`. */
  readonly path: string;
  /** What the rule wants, in the domain's notation: `app=client1-dev`, `80/TCP`. */
  readonly wanted: string;
  /** What the connection has: `app=client2-dev`, `8080/TCP`, `no label app`. */
  readonly got: string;
}

/** A rule that did not admit the connection, and why: the nearest misses come first. */
export interface RuleMiss {
  readonly policy: PolicyRef;
  readonly direction: PolicyDirection;
  readonly rule: number;
  /** The peer of the rule that came closest: `ingress[0].from[2]`; the rule itself where it names no peer. */
  readonly path: string;
  readonly failed: readonly FailedCriterion[];
  /** Smaller is nearer: failed criteria, then edit distance between wanted and got values. */
  readonly distance: number;
}

/** A policy mistake or surprise that people should know of, with its cure. */
export interface Finding {
  readonly code: string;
  readonly policy: PolicyRef | undefined;
  /** Place in the object's YAML: `spec.egress[0].to[1]`. */
  readonly path: string | undefined;
  /** One sentence: what is so, and what to do about it. */
  readonly sentence: string;
}

/** What the policies say about one direction at one endpoint. */
export interface DirectionVerdict {
  readonly verdict: 'allowed' | 'denied' | 'unknown';
  /** All policies that isolate the endpoint in this direction (in the deciding tier). Empty: not isolated. */
  readonly isolatedBy: readonly PolicyRef[];
  /** Rules that decided: every rule that admits, or the rule that denies; empty for a default deny or no isolation. */
  readonly decidedBy: readonly PolicyHit[];
  /** For a denial: every rule of the isolating policies with what failed, nearest first. */
  readonly misses: readonly RuleMiss[];
  readonly assumptions: readonly string[];
  /** Facts without which this cannot be decided: not empty exactly when the verdict is unknown. */
  readonly missing: readonly string[];
  /** One sentence a person can read aloud. */
  readonly reason: string;
}

/** A change of one policy or label that admits a denied connection, tried out before it is offered. */
export interface PolicyFix {
  /** The policy it changes or creates; undefined for a change of labels. */
  readonly policy: PolicyRef | undefined;
  /** JSON Patch (RFC 6902) written as YAML, for `kubectl patch --type=json`; or a new object. */
  readonly patch: string;
  /** One sentence: what it changes, and what it lets through besides. */
  readonly sentence: string;
  /** Other connections between known workloads that it would newly admit, at the ports that were looked at. */
  readonly alsoAdmits: readonly { readonly source: string; readonly destination: string; readonly port: string }[];
}

/** What the policies would say once what is staged is enforced. */
export interface PendingVerdict {
  readonly verdict: 'allowed' | 'denied' | 'unknown';
  readonly direction: PolicyDirection | null;
  readonly egress: DirectionVerdict;
  readonly ingress: DirectionVerdict;
  readonly reason: string;
}

/** What the policies say about a connection: egress at its source first, then ingress at its destination. */
export interface ConnectionVerdict {
  readonly verdict: 'allowed' | 'denied' | 'unknown';
  /** The first side that denies. */
  readonly direction: PolicyDirection | null;
  readonly egress: DirectionVerdict;
  readonly ingress: DirectionVerdict;
  readonly findings: readonly Finding[];
  readonly reason: string;
  /** Present where staged policies have a say at either end. */
  readonly pending?: PendingVerdict;
}

/** One end of a connection to be judged. An address is resolved to its pod or node by whoever knows the time. */
export type ConnectionEnd =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string; readonly ip?: string }
  | { readonly kind: 'node'; readonly name: string; readonly ip?: string }
  | { readonly kind: 'address'; readonly ip: string };

/** A connection to be judged, as the deciding rule sees it (destination after DNAT, source before SNAT). */
export interface ConnectionQuery {
  readonly source: ConnectionEnd;
  readonly destination: ConnectionEnd;
  readonly protocol: Protocol;
  readonly port: number | undefined;
  readonly icmp?: { readonly type: number; readonly code: number };
}
