import type { PolicyDirection, ServicePort, ServiceState } from '@whydrop/model';
import type { CompiledPolicy } from '../compiled-policy.js';
import { namedPorts } from '../criteria.js';
import type { End } from '../end.js';
import { groupMatches, type CompiledRule } from '../rule.js';
import { policyName } from '../sentence.js';
import type { Target } from '../services.js';
import { fieldsOf, scalarText, wholeNumber } from '../yaml-value.js';
import type { DirectedFinding, FindingContext, MistakeCheck } from './context.js';

/** A port as a rule writes it. */
interface WrittenPort {
  readonly path: string;
  readonly protocol: string;
  readonly port: number | string;
}

function kubernetesPorts(rule: unknown, path: string): readonly WrittenPort[] {
  const ports = fieldsOf(rule)['ports'];
  return (Array.isArray(ports) ? ports : []).flatMap((entry: unknown, i) => {
    const fields = fieldsOf(entry);
    const port = wholeNumber(fields['port']) ?? scalarText(fields['port']);
    const isRange = fields['endPort'] !== undefined && fields['endPort'] !== null;
    if (port === undefined || isRange) return [];
    return [{ path: `${path}.ports[${i}]`, protocol: (scalarText(fields['protocol']) ?? 'TCP').toUpperCase(), port }];
  });
}

function calicoPorts(rule: unknown, path: string): readonly WrittenPort[] {
  const ports = fieldsOf(fieldsOf(rule)['destination'])['ports'];
  const protocol = (scalarText(fieldsOf(rule)['protocol']) ?? 'TCP').toUpperCase();
  return (Array.isArray(ports) ? ports : []).flatMap((entry: unknown, i) => {
    const port = wholeNumber(entry) ?? scalarText(entry);
    if (port === undefined || String(port).includes(':')) return [];
    return [{ path: `${path}.destination.ports[${i}]`, protocol, port }];
  });
}

/** Whether the pod itself has the port that the rule names: then the rule means the pod's. */
function podHas(end: End, { port, protocol }: WrittenPort): boolean {
  if (typeof port === 'string') return namedPorts(end, port, protocol).length > 0;
  return end.pod?.ports.some((one) => one.port === port && one.protocol === protocol) ?? false;
}

function means(servicePort: ServicePort, target: Target, written: WrittenPort): boolean {
  if (servicePort.protocol !== written.protocol) return false;
  if (typeof written.port === 'string') return servicePort.name === written.port;
  return servicePort.port === written.port && target.port !== written.port;
}

function sentenceOf(policy: CompiledPolicy, service: ServiceState, target: Target, { port }: WrittenPort): string {
  const name = `${service.namespace}/${service.name}`;
  return `${policyName(policy.ref)} names port ${port}, which is that of service ${name}; it is judged at the pod after DNAT, where the port is ${target.port}: write ${target.port}`;
}

function reached(
  policy: CompiledPolicy,
  rule: CompiledRule,
  direction: PolicyDirection,
  end: End,
  context: FindingContext,
): boolean {
  const selected = context.selectedBy(policy);
  if (direction === 'ingress') return selected.includes(end);
  const [source] = selected;
  if (!source) return false;
  const connection = context.connect(source, end, 'TCP', undefined);
  return rule.groups.filter(({ about }) => about === 'peer').every((group) => groupMatches(group, connection) === true);
}

function findingsOf(
  policy: CompiledPolicy,
  rule: CompiledRule,
  direction: PolicyDirection,
  written: WrittenPort,
  context: FindingContext,
): readonly DirectedFinding[] {
  for (const { service, targets } of context.services()) {
    const found = targets.find((target) => {
      if (target.end.kind !== 'pod' || !means(target.servicePort, target, written)) return false;
      const end = context.view.end(target.end);
      return end.kind === 'pod' && !podHas(end, written) && reached(policy, rule, direction, end, context);
    });
    if (!found) continue;
    const sentence = sentenceOf(policy, service, found, written);
    return [{ code: 'DNAT_PORT', direction, policy: policy.ref, path: `spec.${written.path}`, sentence }];
  }
  return [];
}

/** A rule written for the port of a service, while enforcement sees the pod's. */
export const SERVICE_PORT: MistakeCheck = {
  code: 'DNAT_PORT',
  find: (policy, context) => {
    if (policy.family === 'priority') return [];
    const read = policy.family === 'union' ? kubernetesPorts : calicoPorts;
    const spec = fieldsOf(policy.object.spec);
    return (['ingress', 'egress'] as const).flatMap((direction) => {
      const rules = spec[direction];
      if (!policy[direction].applies || !Array.isArray(rules)) return [];
      return policy[direction].rules.flatMap((rule) =>
        read(rules[rule.index], rule.path).flatMap((written) => findingsOf(policy, rule, direction, written, context)),
      );
    });
  },
};
