import { type CollectorGapRule, type DriftRule, type Judgement, MINUTE } from '@whydrop/alerting';
import { loadOpenFindings, type OpenFinding } from '../correlation/findings.js';
import type { Series, SeriesByKey, Target } from './target.js';

const DAY = 1440 * MINUTE;

function fixed(
  value: number,
  holds: boolean,
  labels: Series['labels'],
  nodes: readonly string[],
  live: boolean,
): Series {
  const judgement: Judgement = { heat: holds ? 'hot' : 'cool', value, expected: null, slow: false, baseline: null };
  // `level` remembers that the node was seen alive just then: only such a node can fall silent.
  return { labels, read: (minute) => ({ ...minute, judgement, nodes, level: live ? 1 : 0 }) };
}

/** Nodes that were seen alive by our clock within the last day; one of an imported capture was not. */
export function gapSeries(target: Target & { rule: CollectorGapRule }): SeriesByKey {
  const { rule, seen, now, states } = target;
  const series = new Map<string, Series>();
  for (const [node, last] of seen.last) {
    const key = JSON.stringify([node]);
    const live = last > now - 2 * MINUTE && last <= now;
    if (node === '' || last < now - DAY || (!live && !states.has(key))) continue;
    const wanted = rule.filter.nodes?.includes(node) ?? true;
    const silent = Math.max(0, now - last - MINUTE);
    series.set(key, fixed(Math.floor(silent / MINUTE), wanted && silent >= rule.silentFor, { node }, [node], live));
  }
  for (const key of states.keys()) {
    const [node = ''] = JSON.parse(key) as readonly string[];
    if (!series.has(key)) series.set(key, fixed(0, false, { node }, [], false));
  }
  return series;
}

export const findingKey = ({ kind, policies, subject, namespace, workload }: OpenFinding) =>
  JSON.stringify([
    kind,
    policies.join(', ') || (subject ?? (workload === null ? '' : `${namespace ?? ''}/${workload}`)),
  ]);

/** Open findings of a rule, by kind and what they are about: a policy that all nodes lack is one alert. */
export async function findingsOf({ client, clusterId, now, rule }: Target & { rule: DriftRule }) {
  const all = await loadOpenFindings(client, clusterId, now);
  const { nodes, namespaces, policies } = rule.filter;
  return all.filter(
    (finding) =>
      (rule.findings.length === 0 || rule.findings.includes(finding.kind)) &&
      (nodes === undefined || nodes.includes(finding.node)) &&
      (namespaces === undefined || namespaces.includes(finding.namespace ?? '')) &&
      (policies === undefined || finding.policies.some((policy) => policies.includes(policy))),
  );
}

export async function driftSeries(target: Target & { rule: DriftRule }): Promise<SeriesByKey> {
  const series = new Map<string, Series>();
  const byKey = new Map<string, OpenFinding[]>();
  for (const finding of await findingsOf(target))
    byKey.set(findingKey(finding), [...(byKey.get(findingKey(finding)) ?? []), finding]);
  for (const key of new Set([...byKey.keys(), ...target.states.keys()])) {
    const [finding = '', about = ''] = JSON.parse(key) as readonly string[];
    const labels = { ...(about === '' ? {} : { about }), finding };
    const count = byKey.get(key)?.length ?? 0;
    series.set(key, fixed(count, count > 0, labels, [], false));
  }
  return series;
}
