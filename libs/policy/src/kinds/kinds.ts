import type { KubernetesObject } from '@whydrop/model';
import { groupOf, type CompiledPolicy } from '../compiled-policy.js';
import { compileAdminPolicy, compileBaselinePolicy, compileClusterPolicy } from './cluster-policy.js';
import { compileCalicoPolicy, compileStagedNetworkPolicy } from './calico-policy.js';
import { compileNetworkPolicy } from './network-policy.js';

/** What compiling an object needs to know of the rest of the cluster. */
export interface CompileContext {
  /** The namespace is isolated by the beta annotation. */
  readonly betaIsolated: boolean;
}

type Compile = (object: KubernetesObject, context: CompileContext) => CompiledPolicy;

const CALICO = {
  NetworkPolicy: { kind: 'CalicoNetworkPolicy', global: false, staged: false },
  GlobalNetworkPolicy: { kind: 'GlobalNetworkPolicy', global: true, staged: false },
  StagedNetworkPolicy: { kind: 'StagedNetworkPolicy', global: false, staged: true },
  StagedGlobalNetworkPolicy: { kind: 'StagedGlobalNetworkPolicy', global: true, staged: true },
} as const;

/** One line per kind of policy, by API group and kind. */
const KINDS: Readonly<Record<string, Compile>> = {
  'networking.k8s.io/NetworkPolicy': (object) => compileNetworkPolicy(object, false),
  'extensions/NetworkPolicy': (object, { betaIsolated }) => compileNetworkPolicy(object, betaIsolated),
  'projectcalico.org/NetworkPolicy': (object) => compileCalicoPolicy(object, CALICO.NetworkPolicy),
  'projectcalico.org/GlobalNetworkPolicy': (object) => compileCalicoPolicy(object, CALICO.GlobalNetworkPolicy),
  'projectcalico.org/StagedNetworkPolicy': (object) => compileCalicoPolicy(object, CALICO.StagedNetworkPolicy),
  'projectcalico.org/StagedGlobalNetworkPolicy': (object) =>
    compileCalicoPolicy(object, CALICO.StagedGlobalNetworkPolicy),
  'projectcalico.org/StagedKubernetesNetworkPolicy': compileStagedNetworkPolicy,
  'policy.networking.k8s.io/AdminNetworkPolicy': compileAdminPolicy,
  'policy.networking.k8s.io/BaselineAdminNetworkPolicy': compileBaselinePolicy,
  'policy.networking.k8s.io/ClusterNetworkPolicy': compileClusterPolicy,
};

function keyOf(object: KubernetesObject): string {
  // Calico's stored form (crd.projectcalico.org/v1) has the kinds of the served one.
  return `${groupOf(object).replace(/^crd\./, '')}/${object.kind}`;
}

/** Whether objects of this kind are policies. */
export function isPolicy(object: KubernetesObject): boolean {
  return Object.hasOwn(KINDS, keyOf(object));
}

const compiled = {
  plain: new WeakMap<KubernetesObject, CompiledPolicy>(),
  beta: new WeakMap<KubernetesObject, CompiledPolicy>(),
};

/** Compiles a policy of any kind; once per object and beta isolation. Undefined when the object is no policy. */
export function compilePolicy(object: KubernetesObject, context: CompileContext): CompiledPolicy | undefined {
  const compile = Object.hasOwn(KINDS, keyOf(object)) ? KINDS[keyOf(object)] : undefined;
  if (!compile) return undefined;
  const cache = context.betaIsolated ? compiled.beta : compiled.plain;
  const known = cache.get(object);
  if (known) return known;
  const policy = compile(object, context);
  cache.set(object, policy);
  return policy;
}
