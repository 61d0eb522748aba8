import type { ConnectionVerdict, Finding } from '@whydrop/model';
import { policyName } from '../sentence.js';
import type { Target } from '../services.js';
import type { Route } from '../target.js';

/**
 * A rule names the port of a service; the connection meets it at the pod's port, after DNAT. Found where the denied
 * connection would be allowed at the service's own port.
 */
export function translatedPort(
  route: Route & { kind: 'service' },
  target: Target,
  verdict: ConnectionVerdict,
  atServicePort: () => ConnectionVerdict,
): readonly Finding[] {
  const { servicePort } = target;
  if (verdict.verdict !== 'denied' || !route.port || servicePort.port === target.port) return [];
  const untranslated = atServicePort();
  const side = verdict.direction === 'egress' ? 'egress' : 'ingress';
  const [hit] = untranslated[side].decidedBy;
  if (untranslated[side].verdict !== 'allowed' || !hit) return [];
  const service = `${route.service.namespace}/${route.service.name}`;
  const sentence =
    `${policyName(hit.policy)} names port ${servicePort.port} of service ${service}, but it is judged at the pod after DNAT, ` +
    `where the port is ${target.port}: write ${target.port}${typeof servicePort.targetPort === 'string' ? ` or ${servicePort.targetPort}` : ''} in ${hit.path}.ports`;
  return [{ code: 'DNAT_PORT', policy: hit.policy, path: `spec.${hit.path}.ports`, sentence }];
}
