import type {
  ConnectionEnd,
  ConnectionVerdict,
  FlowVerdictObservation,
  NamedEnd,
  NamedPolicy,
  PodEndpoint,
  PolicyPart,
} from '@whydrop/model';
import { MOST_COUNTED } from '@whydrop/ruleset';
import type { CountedFacts, CountedWindow } from './counted.js';
import type { ClusterHistory } from './history.js';
import { partsOf } from './policy-rung.js';
import type { ClusterView } from './view.js';

/** A pod that an aggregate's name can stand for: they share one template. */
function podOf(end: NamedEnd | undefined, view: ClusterView): PodEndpoint | undefined {
  if (!end || end.namespace === undefined) return undefined;
  const fits = (name: string) => (end.isPrefix ? name.startsWith(end.name) : name === end.name);
  return view.state.pods.find((pod) => pod.namespace === end.namespace && fits(pod.name));
}

function labelOf(end: NamedEnd | undefined): string {
  if (!end) return 'somebody';
  return end.isPrefix ? `${end.name}*` : end.name;
}

/** The policies' word on pods like those; undefined when an end is no pod that is known. */
function evaluated(verdict: FlowVerdictObservation, view: ClusterView): ConnectionVerdict | undefined {
  const [source, destination] = [podOf(verdict.source, view), podOf(verdict.destination, view)];
  if (!source || !destination) return undefined;
  const end = ({ namespace, name, ips }: PodEndpoint): ConnectionEnd => ({
    kind: 'pod',
    namespace,
    name,
    ...(ips[0] === undefined ? {} : { ip: ips[0] }),
  });
  const { protocol, destinationPort: port } = verdict.ends;
  return view.engine.evaluate({ source: end(source), destination: end(destination), protocol, port });
}

function namedPart(named: NamedPolicy, direction: FlowVerdictObservation['direction']): PolicyPart {
  const { kind = 'Policy', namespace, name, uid, tier } = named;
  const denies = named.part === 'rule' && named.action === 'deny' && kind !== 'NetworkPolicy';
  const rule = denies && named.rule !== undefined && direction ? { rule: `${direction}[${named.rule}]` } : {};
  const part = denies ? 'denies' : named.action === 'pass' ? 'passes' : 'isolates';
  return { kind, namespace, name, uid, resourceVersion: undefined, tier, part, ...rule };
}

function factsOf(node: string, verdict: FlowVerdictObservation, view: ClusterView): CountedFacts {
  const { direction, ends, emitter } = verdict;
  const named = verdict.policies.filter(({ part, action }) => part !== 'staged' && action !== 'allow');
  const parts = named.map((policy) => namedPart(policy, direction));
  const side = direction && evaluated(verdict, view)?.[direction];
  const agrees = side?.verdict === 'denied' && !parts.some(({ part }) => part === 'denies');
  const policies = agrees ? partsOf(side) : parts;
  const explicit = policies.some(({ part }) => part === 'denies');
  const end = direction === 'egress' ? verdict.source : verdict.destination;
  return {
    channel: 'flow-log',
    node: verdict.node ?? node,
    verdict: verdict.verdict === 'rejected' ? 'rejected' : 'dropped',
    cause: explicit ? 'POLICY_EXPLICIT_DENY' : 'POLICY_DEFAULT_DENY',
    direction: direction ?? null,
    endpoint: end && labelOf(end),
    source: labelOf(verdict.source),
    destination: labelOf(verdict.destination),
    protocol: ends.protocol,
    destinationPort: ends.destinationPort,
    policies,
    misses: agrees ? side.misses : [],
    chainRule: undefined,
    counter: `The flow log of ${emitter}`,
    assumptions: agrees ? ['pods of one name before the * share their labels'] : [],
    missing: ['addresses and source ports: the flow log folds them together'],
  };
}

/** Denied flows that name their ends without addresses: one window each. */
export function flowWindows(
  aggregates: readonly { readonly node: string; readonly verdict: FlowVerdictObservation }[],
  history: ClusterHistory,
): readonly CountedWindow[] {
  return aggregates.flatMap(({ node, verdict }): readonly CountedWindow[] => {
    if ((verdict.verdict !== 'dropped' && verdict.verdict !== 'rejected') || verdict.denial === 'other') return [];
    const to = verdict.window?.to ?? verdict.observedAt;
    const from = verdict.window?.from ?? verdict.observedAt;
    const facts = factsOf(node, verdict, history.at(from));
    const place = [
      facts.node,
      facts.direction,
      verdict.source?.namespace,
      facts.source,
      verdict.destination?.namespace,
    ];
    const what = [facts.destination, facts.protocol, facts.destinationPort, facts.cause];
    const policies = facts.policies.map((policy) => `${policy.kind}/${policy.namespace}/${policy.name}`);
    const key = ['flow-log', verdict.emitter, ...place, ...what, ...policies].join(' ');
    const packets = verdict.packets ?? verdict.connections ?? 1n;
    return packets <= 0n || packets > MOST_COUNTED ? [] : [{ key, from, to, packets, isLowerBound: false, facts }];
  });
}
