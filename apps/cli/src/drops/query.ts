import { ServerError } from '../errors.js';
import type { WhydropClient } from '../server/client.js';

/** Fields of a drop that the list, its JSON and the explanation print. Names are those of schema.graphql. */
const END = 'ip label role node pod { namespace name uid }';
const RULE =
  'node table chain position text owner { plugin role interface tier policyRule workload { namespace name } policy { kind namespace name } }';

const CHANGE = 'kind object { kind namespace name } at resourceVersion sentence';

export const DROP_FIELDS = `
  id key cluster firstSeenAt lastSeenAt sourcePort destinationPort protocol translatedSource attempts packets
  verdict cause direction basis sentence
  source { ${END} } destination { ${END} }
  original { destination destinationPort service { namespace name } }
  evidence { channel node observedAt shows raw }
  explanation {
    contributing assumptions missing
    enforcementPoint { node hook interface workload { namespace name } }
    policies { part rule kind namespace name uid resourceVersion tier }
    misses { policy { kind namespace name } direction rule path failed { field path wanted got } }
    chainRule { ${RULE} } via { ${RULE} }
    findings { code path sentence policy { kind namespace name } }
    fix { policy { kind namespace name } patch sentence alsoAdmits { source destination port } }
  }
  changes { ${CHANGE} }`;

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export interface EndAnswer {
  readonly ip: string;
  readonly label: string;
  readonly role: string;
  readonly node: string | null;
  readonly pod: (PodName & { readonly uid: string | null }) | null;
}

export interface PolicyName {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
}

export interface RuleAnswer {
  readonly node: string;
  readonly table: string;
  readonly chain: string;
  readonly position: number;
  readonly text: string;
  readonly owner: {
    readonly plugin: string;
    readonly role: string;
    readonly interface: string | null;
    readonly tier: string | null;
    readonly policyRule: number | null;
    readonly workload: PodName | null;
    readonly policy: PolicyName | null;
  } | null;
}

export interface ExplanationAnswer {
  readonly contributing: readonly string[];
  readonly assumptions: readonly string[];
  readonly missing: readonly string[];
  readonly enforcementPoint: {
    readonly node: string;
    readonly hook: string | null;
    readonly interface: string | null;
    readonly workload: PodName | null;
  } | null;
  readonly policies: readonly (PolicyName & {
    readonly part: string;
    readonly rule: string | null;
    readonly uid: string | null;
    readonly resourceVersion: string | null;
    readonly tier: string | null;
  })[];
  readonly misses: readonly {
    readonly policy: PolicyName;
    readonly direction: string;
    readonly rule: number;
    readonly path: string;
    readonly failed: readonly {
      readonly field: string;
      readonly path: string;
      readonly wanted: string;
      readonly got: string;
    }[];
  }[];
  readonly chainRule: RuleAnswer | null;
  readonly via: RuleAnswer | null;
  readonly findings: readonly {
    readonly code: string;
    readonly path: string | null;
    readonly sentence: string;
    readonly policy: PolicyName | null;
  }[];
  readonly fix: readonly {
    readonly policy: PolicyName | null;
    readonly patch: string;
    readonly sentence: string;
    readonly alsoAdmits: readonly { readonly source: string; readonly destination: string; readonly port: string }[];
  }[];
}

export interface ChangeAnswer {
  readonly kind: string;
  readonly object: PolicyName;
  readonly at: string;
  readonly resourceVersion: string | null;
  readonly sentence: string;
}

export interface DropAnswer {
  readonly id: string;
  readonly key: string;
  readonly cluster: string;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly source: EndAnswer;
  readonly sourcePort: number | null;
  readonly destination: EndAnswer;
  readonly destinationPort: number | null;
  readonly protocol: string;
  readonly original: {
    readonly destination: string;
    readonly destinationPort: number | null;
    readonly service: PodName | null;
  } | null;
  readonly translatedSource: string | null;
  readonly attempts: number;
  readonly packets: number;
  readonly verdict: string;
  readonly cause: string;
  readonly direction: string | null;
  readonly basis: string;
  readonly sentence: string;
  readonly evidence: readonly {
    readonly channel: string;
    readonly node: string | null;
    readonly observedAt: string;
    readonly shows: string;
    readonly raw: string | null;
  }[];
  readonly explanation: ExplanationAnswer;
  /** What changed just before the first drop of the group. */
  readonly changes: readonly ChangeAnswer[];
  /** What is gone or another since; asked of single drops only. */
  readonly changedSince?: readonly ChangeAnswer[];
}

/** What is asked for: times are RFC 3339, or `last` a duration. */
export interface DropsRequest {
  readonly cluster?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly last?: string | undefined;
  readonly namespace?: string | undefined;
  readonly policy?: string | undefined;
  readonly cause?: string | undefined;
  /** Also what no rule stopped, and what could not be decided. */
  readonly failed?: boolean;
}

const LIST = `query ($filter: DropFilter!, $after: String) {
  drops(filter: $filter, first: 200, after: $after, orderBy: { direction: ASC }) {
    nodes { ${DROP_FIELDS} } pageInfo { hasNextPage endCursor }
  }
}`;

interface Page {
  readonly drops: {
    readonly nodes: readonly DropAnswer[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

/** What is asked for beside the time. */
export function conditionOf(request: DropsRequest): object {
  const { cluster, namespace, policy, cause, failed } = request;
  const eq = (name: string, value: string | undefined) => (value === undefined ? {} : { [name]: { eq: value } });
  const verdicts = failed === true ? { verdict: { in: ['DROPPED', 'REJECTED', 'FAILED', 'UNKNOWN'] } } : {};
  return {
    ...eq('cluster', cluster),
    ...eq('namespace', namespace),
    ...eq('policy', policy),
    ...eq('cause', cause),
    ...verdicts,
  };
}

function filterOf(request: DropsRequest): object {
  const { from, to, last } = request;
  return { timeRange: last === undefined ? { from, to } : { last }, ...conditionOf(request) };
}

/** All drops of a request, oldest first, page by page. */
export async function fetchDrops(client: WhydropClient, request: DropsRequest): Promise<readonly DropAnswer[]> {
  const found: DropAnswer[] = [];
  let after: string | null = null;
  do {
    const page: Page = await client.query<Page>(LIST, { filter: filterOf(request), after });
    found.push(...page.drops.nodes);
    after = page.drops.pageInfo.hasNextPage ? page.drops.pageInfo.endCursor : null;
  } while (after !== null);
  return found;
}

const ONE = `query ($id: ID!) { drop(id: $id) { ${DROP_FIELDS} changedSince { ${CHANGE} } } }`;

/** One drop by its key or global id; null when there is none that the token may see. */
export async function fetchDrop(client: WhydropClient, id: string): Promise<DropAnswer | null> {
  try {
    return (await client.query<{ drop: DropAnswer | null }>(ONE, { id })).drop;
  } catch (error) {
    if (error instanceof ServerError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}
