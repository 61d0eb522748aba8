import type { KubernetesObject, PolicyRef } from '@whydrop/model';

/** A policy object that is known to exist, by the name everything here uses for it. */
export interface KnownPolicy {
  readonly ref: PolicyRef;
  readonly object: KubernetesObject | undefined;
}

const KINDS: Readonly<Record<string, string>> = {
  GlobalNetworkPolicy: 'GlobalNetworkPolicy',
  StagedNetworkPolicy: 'StagedNetworkPolicy',
  StagedGlobalNetworkPolicy: 'StagedGlobalNetworkPolicy',
  StagedKubernetesNetworkPolicy: 'StagedKubernetesNetworkPolicy',
  AdminNetworkPolicy: 'AdminNetworkPolicy',
  BaselineAdminNetworkPolicy: 'BaselineAdminNetworkPolicy',
  ClusterNetworkPolicy: 'ClusterNetworkPolicy',
};

const TIERS: Readonly<Record<string, string>> = {
  AdminNetworkPolicy: 'adminnetworkpolicy',
  BaselineAdminNetworkPolicy: 'baselineadminnetworkpolicy',
};

function kindOf(object: KubernetesObject): string | undefined {
  if (object.kind !== 'NetworkPolicy') return KINDS[object.kind];
  return object.apiVersion.includes('projectcalico.org') ? 'CalicoNetworkPolicy' : 'NetworkPolicy';
}

function specText(object: KubernetesObject, key: string): string | undefined {
  const spec = object.spec;
  if (typeof spec !== 'object' || spec === null) return undefined;
  const value: unknown = Reflect.get(spec, key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Where Calico puts a policy: its own tier, or the one its kind lives in. */
function tierOf(kind: string, object: KubernetesObject): string | undefined {
  if (kind === 'NetworkPolicy') return undefined;
  if (kind === 'ClusterNetworkPolicy') {
    return specText(object, 'tier')?.toLowerCase() === 'baseline' ? 'kube-baseline' : 'kube-admin';
  }
  return TIERS[kind] ?? specText(object, 'tier') ?? 'default';
}

/** Reads a policy object of any kind; undefined for every other object. */
export function knownPolicy(object: KubernetesObject): KnownPolicy | undefined {
  const kind = kindOf(object);
  if (kind === undefined) return undefined;
  const isGlobal = /^(StagedGlobal|Global|Admin|BaselineAdmin|Cluster)/.test(kind);
  const ref: PolicyRef = {
    kind,
    namespace: isGlobal ? null : (object.metadata.namespace ?? 'default'),
    name: object.metadata.name,
    uid: object.metadata.uid,
    resourceVersion: object.metadata.resourceVersion,
    tier: tierOf(kind, object),
  };
  return { ref, object };
}

/** A policy that only a name on the node tells of. */
export function policyByName(kind: string, namespace: string | null, name: string, tier?: string): PolicyRef {
  return { kind, namespace, name, uid: undefined, resourceVersion: undefined, tier };
}
