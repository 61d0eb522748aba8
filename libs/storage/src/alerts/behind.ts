import type { AlertRule, NamedEnd, TrendPoint } from '@whydrop/alerting';
import { MINUTE } from '@whydrop/alerting';
import { type CountedFacts, countedSentence } from '@whydrop/explain';
import type { Instant } from '@whydrop/model';
import { Params } from '../read/condition.js';
import { instantParam } from '../read/page.js';
import { findingKey, findingsOf } from './clock-series.js';
import { loadCounts, type MeasuredRule } from './counts.js';
import { groupsSql, groupTable, keySql } from './keyed-sql.js';
import type { Target } from './target.js';

/** What is behind an alert: the groups of its series, the ends they join, the sentence of the most frequent one. */
export interface Behind {
  readonly groupId: string | null;
  readonly sentence: string | null;
  readonly cause: string | null;
  readonly policies: readonly string[];
  readonly sources: readonly { readonly end: NamedEnd; readonly drops: number }[];
  readonly destinations: readonly { readonly end: NamedEnd; readonly drops: number }[];
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string | null } | null;
  readonly trend: readonly TrendPoint[];
}

type Span = readonly [Instant, Instant];

interface GroupRow {
  readonly id: string;
  readonly n: number;
  readonly cause: string;
  readonly direction: string | null;
  readonly policies: readonly string[] | null;
  readonly source: NamedEnd;
  readonly destination: NamedEnd;
}

const END = (side: string) =>
  `json_build_object('kind', coalesce(g.${side}_kind, ''), 'namespace', g.${side}_namespace, 'name', coalesce(g.${side}_name, ''))`;

const MOST_GROUPS = 500;

function groupsOf(rule: MeasuredRule, clusterId: number, key: string, [from, to]: Span) {
  const params = new Params();
  const text = `SELECT g.id, sum(m.${rule.measure})::float8 AS n, g.cause, g.direction, g.policies,
       ${END('source')} AS source, ${END('destination')} AS destination
  FROM drop_minute m JOIN ${groupTable(rule.measure)} g ON g.id = m.group_id
 WHERE m.cluster_id = ${params.add(clusterId, 'int')}
   AND m.bucket >= ${instantParam(params, from)} AND m.bucket < ${instantParam(params, to)}
   AND ${groupsSql(rule, params)}
   AND ${keySql(rule.groupBy)} = ${params.add(key, 'text')}
 GROUP BY g.id ORDER BY n DESC, g.id LIMIT ${MOST_GROUPS}`;
  return { text, values: params.values };
}

function pairGroupsOf(rule: AlertRule, clusterId: number, key: string, [from, to]: Span) {
  const params = new Params();
  const text = `SELECT g.id, g.drops::float8 AS n, g.cause, g.direction, g.policies,
       ${END('source')} AS source, ${END('destination')} AS destination
  FROM drop_group g
 WHERE g.cluster_id = ${params.add(clusterId, 'int')} AND g.last_seen_at >= ${instantParam(params, from)}
   AND g.first_seen_at >= ${instantParam(params, from)} AND g.first_seen_at < ${instantParam(params, to)}
   AND ${groupsSql(rule, params)}
   AND ${keySql(rule.groupBy)} = ${params.add(key, 'text')}
 ORDER BY n DESC, g.id LIMIT ${MOST_GROUPS}`;
  return { text, values: params.values };
}

/** The five ends with the most drops. */
function topEnds(rows: readonly GroupRow[], side: 'source' | 'destination'): Behind['sources'] {
  const sums = new Map<string, { end: NamedEnd; drops: number }>();
  for (const row of rows) {
    const end = row[side];
    if (end.name === '') continue;
    const id = JSON.stringify([end.kind, end.namespace, end.name]);
    sums.set(id, { end, drops: (sums.get(id)?.drops ?? 0) + row.n });
  }
  return [...sums.values()].toSorted((a, b) => b.drops - a.drops || (a.end.name < b.end.name ? -1 : 1)).slice(0, 5);
}

interface Shown {
  readonly sentence: string | null;
  readonly pod: Behind['pod'];
}

/** Sentence of a group and the pod whose policy decided, as its latest drop has them. */
async function shownByDrop({ client }: Target, { id, direction }: GroupRow): Promise<Shown> {
  type Pod = { readonly namespace: string; readonly name: string; readonly uid?: string };
  type Detail = { readonly sentence: string; readonly source: { pod?: Pod }; readonly destination: { pod?: Pod } };
  const { rows } = await client.query<{ detail: Detail }>(
    'SELECT detail FROM "drop" WHERE group_id = $1 ORDER BY first_seen_at DESC, id LIMIT 1',
    [id],
  );
  const detail = rows[0]?.detail;
  if (!detail) return { sentence: null, pod: null };
  const pod = direction === 'egress' ? detail.source.pod : (detail.destination.pod ?? detail.source.pod);
  return {
    sentence: detail.sentence,
    pod: pod ? { namespace: pod.namespace, name: pod.name, uid: pod.uid ?? null } : null,
  };
}

async function shownByCount({ client }: Target, { id, n }: GroupRow, [from, to]: Span): Promise<Shown> {
  const { rows } = await client.query<{ facts: CountedFacts }>('SELECT facts FROM counted_group WHERE id = $1', [id]);
  const facts = rows[0]?.facts;
  const sum = { from, to, packets: BigInt(Math.round(n)), attributed: 0n, isLowerBound: false };
  return { sentence: facts ? countedSentence(facts, sum) : null, pod: null };
}

/** The last hour before an instant, minute by minute; what was not covered is no zero. */
async function trendOf(target: Target, rule: MeasuredRule, key: string, to: Instant): Promise<readonly TrendPoint[]> {
  const from = to - 60 * MINUTE;
  const counts = (await loadCounts(target.client, rule, target.clusterId, [[from, to]], [key])).get(key)?.at;
  return Array.from({ length: 60 }, (_, i) => from + i * MINUTE).map((minute) => {
    const value = counts?.get(minute) ?? (target.seen.covered(minute) ? 0 : null);
    return { from: minute, value };
  });
}

async function behindGroups(target: Target, key: string, span: Span): Promise<Behind> {
  const { client, rule, clusterId } = target;
  const measured = 'measure' in rule ? (rule as MeasuredRule) : undefined;
  const statement = measured ? groupsOf(measured, clusterId, key, span) : pairGroupsOf(rule, clusterId, key, span);
  const { rows } = await client.query<GroupRow>(statement);
  const first = rows[0];
  const counted = measured?.measure === 'counted';
  const shown = first && (counted ? await shownByCount(target, first, span) : await shownByDrop(target, first));
  return {
    groupId: counted ? null : (first?.id ?? null),
    sentence: shown?.sentence ?? null,
    cause: first?.cause ?? null,
    policies: [...new Set(rows.flatMap(({ policies }) => policies ?? []))].toSorted().slice(0, 20),
    sources: topEnds(rows, 'source'),
    destinations: topEnds(rows, 'destination'),
    pod: shown?.pod ?? null,
    trend: measured ? await trendOf(target, measured, key, span[1]) : [],
  };
}

const NOTHING: Behind = {
  groupId: null,
  sentence: null,
  cause: null,
  policies: [],
  sources: [],
  destinations: [],
  pod: null,
  trend: [],
};

async function behindFindings(target: Target, key: string): Promise<Behind> {
  if (target.rule.kind !== 'DRIFT') return NOTHING;
  const findings = (await findingsOf({ ...target, rule: target.rule })).filter(
    (finding) => findingKey(finding) === key,
  );
  const policies = [...new Set(findings.flatMap((finding) => finding.policies))].toSorted();
  return { ...NOTHING, sentence: findings[0]?.sentence ?? null, policies };
}

/** Looks up what is behind an alert in a time. */
export async function loadBehind(target: Target, key: string, [from, to]: Span): Promise<Behind> {
  switch (target.rule.kind) {
    case 'SPIKE':
    case 'THRESHOLD':
    case 'NEW_PAIR':
      return behindGroups(target, key, [from, to]);
    case 'SILENCE':
      return behindGroups(target, key, [from - 1440 * MINUTE, to]);
    case 'DRIFT':
    case 'COLLECTOR_GAP':
      return behindFindings(target, key);
  }
}
