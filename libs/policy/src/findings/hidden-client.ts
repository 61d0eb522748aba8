import type { ConnectionVerdict, Finding, ServiceState } from '@whydrop/model';
import type { End } from '../end.js';
import { networkOf, contains, type Network } from '../address.js';
import type { CompiledPolicy } from '../compiled-policy.js';
import { policyName } from '../sentence.js';
import { fieldsOf, scalarText } from '../yaml-value.js';
import type { DirectedFinding, FindingContext, MistakeCheck } from './context.js';

/** Services that clients outside reach through any node, which then puts its own address in place of theirs. */
function hidesClients(service: ServiceState): boolean {
  const outside = service.type === 'NodePort' || service.type === 'LoadBalancer';
  return outside && service.externalTrafficPolicy !== 'Local';
}

function blocksOf(policy: CompiledPolicy): readonly { readonly path: string; readonly network: Network }[] {
  const rules = fieldsOf(policy.object.spec)['ingress'];
  return (Array.isArray(rules) ? rules : []).flatMap((rule: unknown, r) => {
    const peers = fieldsOf(rule)['from'];
    return (Array.isArray(peers) ? peers : []).flatMap((peer: unknown, p) => {
      const network = networkOf(scalarText(fieldsOf(fieldsOf(peer)['ipBlock'])['cidr']) ?? '');
      return network ? [{ path: `spec.ingress[${r}].from[${p}].ipBlock`, network }] : [];
    });
  });
}

function isInside(network: Network, context: FindingContext): boolean {
  return network.prefix === 0 || context.addresses().some((address) => contains(network, address));
}

/** An ipBlock for clients that arrive with the address of a node, because a service translates their source. */
export const HIDDEN_CLIENT: MistakeCheck = {
  code: 'CLIENT_HIDDEN_BY_SNAT',
  find: (policy, context) => {
    if (policy.family !== 'union' || !policy.ingress.applies) return [];
    const hiding = context.services().filter(({ service, targets }) => hidesClients(service) && targets.length > 0);
    const all = hiding.length > 0 ? blocksOf(policy) : [];
    const blocks = all.filter(({ network }) => !isInside(network, context));
    if (blocks.length === 0) return [];
    const selected = new Set(context.selectedBy(policy));
    const hidden = hiding.find(({ targets }) => targets.some(({ end }) => selected.has(context.view.end(end))));
    if (!hidden) return [];
    const name = `${hidden.service.namespace}/${hidden.service.name}`;
    return blocks.map(({ path, network }): DirectedFinding => {
      const sentence =
        `${policyName(policy.ref)} admits ${network.text}, but clients that come through service ${name} arrive with the address of a node: ` +
        'set externalTrafficPolicy: Local on the service, or admit the nodes';
      return { code: 'CLIENT_HIDDEN_BY_SNAT', direction: 'ingress', policy: policy.ref, path, sentence };
    });
  },
};

/** A client outside whose address the pod's policies never see. */
export function hiddenClient(service: ServiceState, source: End, { ingress }: ConnectionVerdict): readonly Finding[] {
  const [policy] = ingress.isolatedBy;
  if (source.kind !== 'address' || !hidesClients(service) || !policy) return [];
  const name = `${service.namespace}/${service.name}`;
  const sentence =
    `${source.label} is judged by its own address here, but service ${name} (${service.type}, externalTrafficPolicy Cluster) may put that of a node in its place: ` +
    'set externalTrafficPolicy: Local, or admit the nodes';
  return [{ code: 'CLIENT_HIDDEN_BY_SNAT', policy, path: undefined, sentence }];
}
