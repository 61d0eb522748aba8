import type { ClusterState, KubernetesObject, NamespaceState } from '@whydrop/model';
import { groupOf, type CompiledPolicy } from './compiled-policy.js';
import type { End } from './end.js';
import { compileProfile, isProfile } from './kinds/calico-profile.js';
import { compilePolicy } from './kinds/kinds.js';
import { compileNamespaceIsolation, ISOLATION_ANNOTATION, isolatesNamespace } from './kinds/namespace-annotation.js';
import type { Labels } from './label-selector.js';
import type { World } from './world.js';
import { tiersOf, type TierInfo } from './tiers.js';

/** Policies of one namespace (or of none), found by a label that they require. */
class PolicyShelf {
  private readonly unlabelled: CompiledPolicy[] = [];
  private readonly byLabel = new Map<string, Map<string, CompiledPolicy[]>>();

  add(policy: CompiledPolicy): void {
    const { label } = policy.candidates;
    if (!label) {
      this.unlabelled.push(policy);
      return;
    }
    const values = this.byLabel.get(label.key) ?? new Map<string, CompiledPolicy[]>();
    const policies = values.get(label.value) ?? [];
    policies.push(policy);
    values.set(label.value, policies);
    this.byLabel.set(label.key, values);
  }

  candidates(labels: Labels): readonly CompiledPolicy[] {
    const found = [...this.unlabelled];
    for (const [key, values] of this.byLabel) {
      const value = labels.get(key);
      if (value !== undefined) found.push(...(values.get(value) ?? []));
    }
    return found;
  }
}

/** All policies of a cluster, ready to be asked which of them select an endpoint. */
export interface PolicySet {
  readonly all: readonly CompiledPolicy[];
  readonly tiers: ReadonlyMap<string, TierInfo>;
  readonly profiles: ReadonlyMap<string, CompiledPolicy>;
  readonly hasStaged: boolean;
  /** Whether there are policies with an order: those of Calico. */
  readonly hasOrdered: boolean;
  /** What staged policies stand for: the enforced policies of these names are replaced or go away. */
  readonly staged: ReadonlySet<string>;
  readonly selecting: (end: End, world: World) => readonly CompiledPolicy[];
}

function isolatedNamespaces(namespaces: readonly NamespaceState[]): readonly NamespaceState[] {
  return namespaces.filter((namespace) => isolatesNamespace(namespace.annotations[ISOLATION_ANNOTATION]));
}

function shelve(policies: readonly CompiledPolicy[]): PolicySet['selecting'] {
  const anywhere = new PolicyShelf();
  const byNamespace = new Map<string, PolicyShelf>();
  for (const policy of policies) {
    const { namespace } = policy.candidates;
    if (namespace === undefined) {
      anywhere.add(policy);
      continue;
    }
    const shelf = byNamespace.get(namespace) ?? new PolicyShelf();
    shelf.add(policy);
    byNamespace.set(namespace, shelf);
  }
  return (end, world) => {
    const labels = world.hostEndpoint(end)?.labels ?? end.labels;
    const own = end.namespace && byNamespace.get(end.namespace.name);
    const candidates = [...anywhere.candidates(labels), ...(own?.candidates(labels) ?? [])];
    return candidates.filter((policy) => policy.selects(end, world) === true);
  };
}

const STAGED: Readonly<Record<string, string>> = {
  StagedNetworkPolicy: 'CalicoNetworkPolicy',
  StagedGlobalNetworkPolicy: 'GlobalNetworkPolicy',
  StagedKubernetesNetworkPolicy: 'NetworkPolicy',
};

/** The name of the enforced policy that a policy is or stands for. */
function enforcedName({ ref }: CompiledPolicy): string {
  return `${STAGED[ref.kind] ?? ref.kind} ${ref.namespace ?? ''}/${ref.name}`;
}

/** The policies in force now. */
export function enforcedOf(policies: readonly CompiledPolicy[]): readonly CompiledPolicy[] {
  return policies.filter(({ staged }) => staged === undefined);
}

/** The policies as they will be in force once what is staged is enforced. */
export function pendingOf(policies: readonly CompiledPolicy[], staged: ReadonlySet<string>): readonly CompiledPolicy[] {
  return policies.filter((policy) =>
    policy.staged === undefined ? !staged.has(enforcedName(policy)) : policy.staged === 'set',
  );
}

/** The stored form of a policy that is also here as the API serves it: one object, given twice. */
function isDouble(object: KubernetesObject, served: ReadonlySet<string>): boolean {
  if (groupOf(object) !== 'crd.projectcalico.org') return false;
  const { namespace, name } = object.metadata;
  const names = [name, name.replace(/^default\./, '')];
  return names.some((one) => served.has(`${object.kind} ${namespace ?? ''}/${one}`));
}

function withoutDoubles(objects: readonly KubernetesObject[]): readonly KubernetesObject[] {
  const served = objects.filter((object) => groupOf(object) === 'projectcalico.org');
  const names = new Set(served.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`));
  return names.size === 0 ? objects : objects.filter((object) => !isDouble(object, names));
}

function policySet(objects: readonly KubernetesObject[], isolated: readonly NamespaceState[]): PolicySet {
  const names = new Set(isolated.map((namespace) => namespace.name));
  const policies = withoutDoubles(objects).flatMap((object) => {
    const betaIsolated = names.has(object.metadata.namespace ?? 'default');
    return compilePolicy(object, { betaIsolated }) ?? [];
  });
  const all = [...policies, ...isolated.map(compileNamespaceIsolation)];
  const staged = new Set(all.filter((policy) => policy.staged !== undefined).map(enforcedName));
  const profiles = new Map(
    objects.filter(isProfile).map((object) => [object.metadata.name, compileProfile(object)] as const),
  );
  return {
    all,
    tiers: tiersOf(objects),
    profiles,
    hasStaged: staged.size > 0,
    hasOrdered: all.some(({ family }) => family === 'ordered'),
    staged,
    selecting: shelve(all),
  };
}

const known = new WeakMap<readonly KubernetesObject[], Map<string, PolicySet>>();

/** The policies of a state. States that share the list of objects and their isolated namespaces share the answer. */
export function policySetOf(state: ClusterState): PolicySet {
  const isolated = isolatedNamespaces(state.namespaces);
  const key = isolated.map((namespace) => namespace.name).join(' ');
  const sets = known.get(state.others) ?? new Map<string, PolicySet>();
  known.set(state.others, sets);
  const found = sets.get(key) ?? policySet(state.others, isolated);
  sets.set(key, found);
  return found;
}
