import type { Chain, ChainOwner, ChainRule, PolicyDirection, PolicyRef, RulesetSnapshot } from '@whydrop/model';

/** What a chain, or one rule of it, is there for. A closed list: causes and words are derived from it. */
export const OWNER_ROLES = {
  entry: 'where the plugin is entered from a base chain',
  dispatch: 'sends packets to the chain of their workload',
  'workload-policies': 'runs the policies of one workload',
  'end-of-policies': 'ends packets that no policy of the workload (in this tier) let through',
  'end-of-profiles': 'ends packets that no profile let through',
  policy: 'the rules of one policy',
  'policy-deny': 'a rule by which a policy denies',
  'policy-group': 'jumps to policies that select the same workloads',
  profile: 'the rules of one profile',
  'default-allow': 'lets through what no policy isolates',
  'shared-drop': 'ends packets of any workload that a mark says no policy let through',
  'conntrack-invalid': 'ends packets that conntrack calls INVALID',
  'established-accept': 'lets packets of known connections through',
  encapsulation: 'ends encapsulated packets that must not be',
  'unknown-interface': 'ends packets of an interface that is no workload’s',
  'admin-disabled': 'ends packets of a disabled endpoint',
  'endpoint-to-host': 'decides what workloads may send to their own node',
  'reverse-path': 'ends packets whose source has another way back',
  'rate-limit': 'ends packets over a rate or connection limit',
  failsafe: 'keeps a node reachable whatever the policies say',
  'loop-prevention': 'ends packets to service addresses that nobody has',
  log: 'reports packets and lets them go on',
  accept: 'lets packets through that were admitted before',
  mark: 'sets or clears marks',
  nat: 'translates addresses',
  service: 'sends service traffic to an endpoint',
  'no-endpoints': 'rejects packets to a service that has no endpoints',
  'no-local-endpoint': 'ends packets to a service without an endpoint on this node',
  'source-range': 'ends packets to a load balancer from outside its source ranges',
  unprogrammed: 'ends packets to or from a workload that has no chain yet',
  isolation: 'keeps container networks apart',
  firewall: 'the firewall of the host',
  chain: 'another chain of the plugin',
} as const;

export type OwnerRole = keyof typeof OWNER_ROLES;

/** A chain's or rule's owner, with all policies it may stand for. */
export interface RuleOwner extends ChainOwner {
  readonly role: OwnerRole;
  /**
   * Every policy concerned: of a policy chain all that can have this name, of the end of policies all that were asked
   * and let nothing through. `policy` is set when one policy owns the rule.
   */
  readonly policies: readonly PolicyRef[];
  /** The service a rule stands for (kube-proxy). */
  readonly service: ServiceName | undefined;
}

export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
  /** Name or number of the service port, where the rule says it. */
  readonly port: string | undefined;
}

/** What is asked: a rule of a chain, or the chain itself. */
export interface OwnerQuery {
  readonly snapshot: RulesetSnapshot;
  readonly table: string;
  readonly chain: Chain;
  readonly rule: ChainRule | undefined;
}

/** Facts of one owner; everything not named is undefined. */
export interface OwnerFacts {
  readonly workload?: ChainOwner['workload'];
  readonly interface?: string | undefined;
  readonly direction?: PolicyDirection | undefined;
  readonly policies?: readonly PolicyRef[];
  /** Policies that are concerned without owning the rule. */
  readonly evaluated?: readonly PolicyRef[];
  readonly tier?: string | undefined;
  readonly policyRule?: number | undefined;
  readonly service?: ServiceName | undefined;
}

/** Builds an owner; `policy` is set when exactly one is named. */
export function ruleOwner(plugin: string, role: OwnerRole, facts: OwnerFacts = {}): RuleOwner {
  const policies = facts.policies ?? [];
  const policy = policies.length === 1 ? policies[0] : undefined;
  return {
    plugin,
    role,
    workload: facts.workload,
    interface: facts.interface,
    direction: facts.direction,
    policy,
    policies: facts.evaluated ?? policies,
    tier: facts.tier ?? policy?.tier,
    policyRule: facts.policyRule,
    service: facts.service,
  };
}

/** First roles of a table whose pattern fits one of the texts. */
export function roleOfTexts(
  table: readonly (readonly [RegExp, OwnerRole])[],
  texts: readonly string[],
): OwnerRole | undefined {
  for (const text of texts) {
    const found = table.find(([pattern]) => pattern.test(text));
    if (found) return found[1];
  }
  return undefined;
}
