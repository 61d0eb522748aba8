import type { FlowEnds, FlowVerdictObservation, NamedEnd, NamedPolicy } from '@whydrop/model';

type Required = 'emitter' | 'observedAt' | 'verdict' | 'ends' | 'raw' | 'line';

/** A flow verdict from what the record says; everything else is absent. */
export function flowVerdict(
  said: Pick<FlowVerdictObservation, Required> & Partial<FlowVerdictObservation>,
): FlowVerdictObservation {
  return {
    kind: 'flow-verdict',
    window: undefined,
    denial: undefined,
    reporter: undefined,
    direction: undefined,
    original: undefined,
    source: undefined,
    destination: undefined,
    service: undefined,
    node: undefined,
    policies: [],
    reason: undefined,
    packets: undefined,
    bytes: undefined,
    connections: undefined,
    ...said,
  };
}

/** Ends of a record that has no NAT, no ICMP and perhaps no ports. */
export function flowEnds(said: Pick<FlowEnds, 'protocol'> & Partial<FlowEnds>): FlowEnds {
  return {
    source: undefined,
    destination: undefined,
    sourcePort: undefined,
    destinationPort: undefined,
    icmp: undefined,
    ...said,
  };
}

/** A pod by name. */
export function podEnd(namespace: string, name: string, labels: Readonly<Record<string, string>> = {}): NamedEnd {
  return { kind: 'pod', namespace, name, isPrefix: false, labels };
}

/** A policy by name; null stands for the namespace of a cluster-wide one. */
export function namedPolicy(
  said: Pick<NamedPolicy, 'namespace' | 'name' | 'part'> & Partial<NamedPolicy>,
): NamedPolicy {
  return {
    kind: undefined,
    uid: undefined,
    tier: undefined,
    action: undefined,
    rule: undefined,
    ruleName: undefined,
    ...said,
  };
}

/** A port number; 0, which several emitters write for "none", and anything else become undefined. */
export function portOf(value: unknown): number | undefined {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

/** A count as bigint, from a number or its decimal text; undefined for anything else. */
export function countOf(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}
