import type { ClusterState, KubernetesObject, NamespaceState } from '@whydrop/model';
import type { CompiledPolicy } from './compiled-policy.js';
import type { End } from './end.js';
import { compilePolicy } from './kinds/kinds.js';
import { compileNamespaceIsolation, ISOLATION_ANNOTATION, isolatesNamespace } from './kinds/namespace-annotation.js';
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

  candidates(end: End): readonly CompiledPolicy[] {
    const found = [...this.unlabelled];
    for (const [key, values] of this.byLabel) {
      const value = end.labels.get(key);
      if (value !== undefined) found.push(...(values.get(value) ?? []));
    }
    return found;
  }
}

/** All policies of a cluster, ready to be asked which of them select an endpoint. */
export interface PolicySet {
  readonly all: readonly CompiledPolicy[];
  readonly tiers: ReadonlyMap<string, TierInfo>;
  readonly hasStaged: boolean;
  readonly selecting: (end: End) => readonly CompiledPolicy[];
}

function isolatedNamespaces(namespaces: readonly NamespaceState[]): readonly NamespaceState[] {
  return namespaces.filter((namespace) => isolatesNamespace(namespace.annotations[ISOLATION_ANNOTATION]));
}

function shelve(policies: readonly CompiledPolicy[]): (end: End) => readonly CompiledPolicy[] {
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
  return (end) => {
    const own = end.namespace && byNamespace.get(end.namespace.name);
    const candidates = [...anywhere.candidates(end), ...(own?.candidates(end) ?? [])];
    return candidates.filter((policy) => policy.selects(end) === true);
  };
}

function policySet(objects: readonly KubernetesObject[], isolated: readonly NamespaceState[]): PolicySet {
  const names = new Set(isolated.map((namespace) => namespace.name));
  const policies = objects.flatMap((object) => {
    const betaIsolated = names.has(object.metadata.namespace ?? 'default');
    return compilePolicy(object, { betaIsolated }) ?? [];
  });
  const all = [...policies, ...isolated.map(compileNamespaceIsolation)];
  const hasStaged = all.some((policy) => policy.staged !== undefined);
  return { all, tiers: tiersOf(objects), hasStaged, selecting: shelve(all) };
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
