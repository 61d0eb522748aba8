import type { Instant, MetricSample, NoticeCode, NoticeObservation } from '@whydrop/model';

/** Counters and gauges of a node that bear on drops which no rule made. */
export const HOST_METRICS: readonly string[] = [
  'conntrack_drop',
  'conntrack_early_drop',
  'conntrack_insert_failed',
  'netstat_IpExt_InNoRoutes',
  'netstat_Ip_OutNoRoutes',
  'netstat_TcpExt_IPReversePathFilter',
  'netstat_TcpExt_ListenDrops',
  'netstat_TcpExt_ListenOverflows',
  'softnet_dropped',
];

/** How much a counter of a node gained between the samples around some time. */
export interface Growth {
  readonly name: string;
  readonly by: number;
  readonly from: Instant;
  readonly to: Instant;
}

/** What a node said about itself: messages of its kernel and plugins, and its counters. */
export interface HostFacts {
  notices(node: string, code: NoticeCode, from: Instant, to: Instant): readonly NoticeObservation[];
  /** Undefined: the counter was not sampled on both sides of that time, or was reset in between. */
  growth(node: string, name: string, from: Instant, to: Instant): Growth | undefined;
}

export interface Located<T> {
  readonly node: string;
  readonly item: T;
}

/** Samples further from a time than this say nothing about it, in µs. */
const NEAR = 600_000_000;

interface Point {
  readonly at: Instant;
  readonly value: number;
}

/** The sum over all labels (CPUs) of one scrape. */
function series(samples: readonly Located<MetricSample>[]): ReadonlyMap<string, readonly Point[]> {
  const sums = new Map<string, Map<Instant, number>>();
  for (const { node, item } of samples) {
    if (!HOST_METRICS.includes(item.name)) continue;
    const key = `${node} ${item.name}`;
    const points = sums.get(key) ?? new Map<Instant, number>();
    points.set(item.observedAt, (points.get(item.observedAt) ?? 0) + item.value);
    sums.set(key, points);
  }
  const sorted = (points: ReadonlyMap<Instant, number>) =>
    [...points].map(([at, value]) => ({ at, value })).toSorted((a, b) => a.at - b.at);
  return new Map([...sums].map(([key, points]) => [key, sorted(points)]));
}

/** Prepares notices and samples for asking. */
export function createHostFacts(
  notices: readonly Located<NoticeObservation>[],
  samples: readonly Located<MetricSample>[],
): HostFacts {
  const counters = series(samples);
  return {
    notices: (node, code, from, to) =>
      notices
        .filter((one) => one.node === node && one.item.notice === code)
        .map((one) => one.item)
        .filter(({ observedAt }) => observedAt >= from && observedAt <= to),
    growth: (node, name, from, to) => {
      const points = counters.get(`${node} ${name}`) ?? [];
      const before = points.findLast(({ at }) => at <= from && at >= from - NEAR);
      const after = points.find(({ at }) => at >= to && at <= to + NEAR);
      if (!before || !after || after.value < before.value) return undefined;
      return { name, by: after.value - before.value, from: before.at, to: after.at };
    },
  };
}
