/** Shapes of the answers this page asks for. */
export interface PolicyName {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
}

export interface GroupEnd {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
}

interface Decided {
  readonly id: string;
  readonly cluster: string;
  readonly verdict: string;
  readonly cause: string;
  readonly direction: string | null;
  readonly basis: string;
  readonly protocol: string;
  readonly destinationPort: number | null;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
}

export interface GroupItem extends Decided {
  readonly drops: string;
  readonly packets: string;
  readonly node: string | null;
  readonly source: GroupEnd;
  readonly destination: GroupEnd;
  readonly policies: readonly PolicyName[];
  readonly sentence: string | null;
}

export interface End {
  readonly ip: string;
  readonly label: string;
  readonly role: string;
  readonly node: string | null;
  readonly pod: { readonly namespace: string; readonly name: string } | null;
  readonly workload: { readonly kind: string; readonly namespace: string | null; readonly name: string } | null;
}

export interface DropItem extends Decided {
  readonly source: End;
  readonly sourcePort: number | null;
  readonly destination: End;
  readonly attempts: number;
  readonly packets: number;
  readonly sentence: string;
  readonly group: { readonly policies: readonly PolicyName[]; readonly node: string | null };
}

export interface ChainRule {
  readonly node: string;
  readonly table: string;
  readonly chain: string;
  readonly position: number;
  readonly text: string;
  readonly owner: { readonly plugin: string; readonly role: string; readonly interface: string | null } | null;
}

export interface RuleMiss {
  readonly policy: PolicyName;
  readonly direction: string;
  readonly path: string;
  readonly failed: readonly {
    readonly field: string;
    readonly path: string;
    readonly wanted: string;
    readonly got: string;
  }[];
}

export interface Evidence {
  readonly channel: string;
  readonly node: string | null;
  readonly observedAt: string;
  readonly shows: string;
  readonly raw: string | null;
}

export interface Explanation {
  readonly causeText: string;
  readonly contributing: readonly string[];
  readonly enforcementPoint: {
    readonly node: string;
    readonly hook: string | null;
    readonly interface: string | null;
  } | null;
  readonly policies: readonly (PolicyName & {
    readonly part: string;
    readonly uid: string | null;
    readonly resourceVersion: string | null;
    readonly tier: string | null;
  })[];
  readonly misses: readonly RuleMiss[];
  readonly chainRule: ChainRule | null;
  readonly via: ChainRule | null;
  readonly assumptions: readonly string[];
  readonly missing: readonly string[];
  readonly findings: readonly {
    readonly code: string;
    readonly path: string | null;
    readonly sentence: string;
    readonly policy: PolicyName | null;
  }[];
}

export interface DropDetail extends Omit<DropItem, 'group'> {
  readonly key: string;
  readonly original: {
    readonly destination: string;
    readonly destinationPort: number | null;
    readonly service: { readonly namespace: string; readonly name: string } | null;
  } | null;
  readonly translatedSource: string | null;
  readonly evidence: readonly Evidence[];
  readonly explanation: Explanation;
}

export interface Page<Item> {
  readonly totalCount: number | null;
  readonly nodes: readonly Item[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}
