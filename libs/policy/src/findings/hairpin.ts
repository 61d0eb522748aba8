import type { Finding, ServiceState } from '@whydrop/model';
import type { End } from '../end.js';
import type { Program } from '../program.js';

/**
 * A pod that reaches itself through its own service. The API never blocks a pod from itself; many plugins do, since the
 * connection comes back to the pod with the address of its node.
 */
export function hairpin(service: ServiceState, source: End, destination: End, ingress: Program): readonly Finding[] {
  if (source.pod === undefined || source.pod !== destination.pod) return [];
  const isolating = ingress.tiers.flatMap((tier) => tier.isolating);
  const [policy] = isolating;
  if (!policy) return [];
  const name = `${service.namespace}/${service.name}`;
  const sentence =
    `${source.label} reaches itself through service ${name}: the API always allows that, but plugins that translate the source to the node's address may drop it at the pod; ` +
    'admit the pod itself and its node, or connect to localhost';
  return [{ code: 'HAIRPIN', policy: policy.ref, path: undefined, sentence }];
}
