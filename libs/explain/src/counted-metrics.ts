import { type MetricSample, type PolicyDirection, protocolFromName } from '@whydrop/model';
import type { CountedFacts, CountedWindow } from './counted.js';

/**
 * Counters by which plugins tell how many packets their policies dropped (weaveworks/weave `npc/metrics`,
 * aws/aws-network-policy-agent `pkg/ebpf/conntrack`).
 */
export const DROP_METRICS: readonly string[] = [
  'weavenpc_blocked_connections_total',
  'network_policy_drop_count_total',
];

type Series = readonly { readonly node: string; readonly sample: MetricSample }[];

function labelText(labels: MetricSample['labels']): string {
  return Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');
}

function directionOf(word: string | undefined): PolicyDirection | null {
  return word === 'ingress' || word === 'egress' ? word : null;
}

function factsOf(node: string, { name, labels }: MetricSample): CountedFacts {
  const port = Number(labels['dport']);
  return {
    channel: 'metric',
    node,
    verdict: 'dropped',
    cause: 'POLICY_DEFAULT_DENY',
    direction: directionOf(labels['direction']),
    endpoint: undefined,
    source: undefined,
    destination: undefined,
    protocol: protocolFromName(labels['protocol']?.toUpperCase() ?? ''),
    destinationPort: Number.isInteger(port) && port > 0 ? port : undefined,
    policies: [],
    misses: [],
    chainRule: undefined,
    counter: name,
    assumptions: [],
    missing: [
      'source and destination: nothing logged these packets',
      'which of the policies on this node it was: the metric does not say',
    ],
  };
}

function windowsOf(series: Series): readonly CountedWindow[] {
  const sorted = series.toSorted((a, b) => a.sample.observedAt - b.sample.observedAt);
  return sorted.flatMap(({ node, sample }, at): readonly CountedWindow[] => {
    const before = sorted[at - 1]?.sample;
    if (!before || before.observedAt === sample.observedAt) return [];
    // A counter that went down began anew: what it shows now came after.
    const reset = sample.value < before.value;
    const gained = Math.round(reset ? sample.value : sample.value - before.value);
    // Infinite, or not a number: the exposition format allows it, and it counts nothing
    if (!Number.isSafeInteger(gained) || gained <= 0) return [];
    const packets = BigInt(gained);
    const key = `metric ${node} ${sample.name}{${labelText(sample.labels)}}`;
    const facts = factsOf(node, sample);
    return [{ key, from: before.observedAt, to: sample.observedAt, packets, isLowerBound: reset, facts }];
  });
}

/** What plugins' own counters of dropped packets gained between two scrapes. */
export function metricWindows(samples: Series): readonly CountedWindow[] {
  const series = new Map<string, Series[number][]>();
  for (const item of samples.filter(({ sample }) => DROP_METRICS.includes(sample.name))) {
    const key = `${item.node} ${item.sample.name}{${labelText(item.sample.labels)}}`;
    const known = series.get(key);
    if (known) known.push(item);
    else series.set(key, [item]);
  }
  return [...series.values()].flatMap(windowsOf);
}
