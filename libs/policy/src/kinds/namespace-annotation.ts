import type { NamespaceState } from '@whydrop/model';
import type { CompiledPolicy } from '../compiled-policy.js';
import { fieldsOf } from '../yaml-value.js';

/** The annotation that switched isolation on before networking.k8s.io/v1. */
export const ISOLATION_ANNOTATION = 'net.beta.kubernetes.io/network-policy';

/** Whether the annotation isolates the namespace: `{"ingress":{"isolation":"DefaultDeny"}}`. Anything else does not. */
export function isolatesNamespace(annotation: string | undefined): boolean {
  if (annotation === undefined) return false;
  try {
    return fieldsOf(fieldsOf(JSON.parse(annotation))['ingress'])['isolation'] === 'DefaultDeny';
  } catch {
    return false;
  }
}

/** An isolated namespace acts like a policy that selects all its pods for ingress and has no rule. */
export function compileNamespaceIsolation(namespace: NamespaceState): CompiledPolicy {
  const { name } = namespace;
  return {
    object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, annotations: namespace.annotations } },
    ref: { kind: 'Namespace', namespace: null, name, uid: undefined, resourceVersion: undefined, tier: 'default' },
    family: 'union',
    tier: 'default',
    order: 1000,
    sortName: `${name}/knp.default.`,
    candidates: { namespace: name, label: undefined },
    selects: (end) => end.kind === 'pod' && end.namespace?.name === name,
    ingress: { applies: true, rules: [] },
    egress: { applies: false, rules: [] },
    problems: [],
    staged: undefined,
    host: undefined,
  };
}
