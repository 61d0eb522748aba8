import type { Database } from '@whydrop/storage';
import type { Others } from './worlds.js';

/** Alerts, counters and findings of two worlds: what `dev` may know of them is the same, all else is of `others`. */

const FROM = Date.parse('2026-11-20T12:00:00Z');
const utc = (minute: number) => new Date(FROM + minute * 60_000).toISOString();

type Labels = Readonly<Record<string, string>>;

const end = (namespace: string, name: string, drops: number) => ({
  end: { kind: 'Deployment', namespace, name },
  drops,
});

/** As the evaluator writes it, with a word of the others wherever there can be one. */
function messageOf(labels: Labels, { namespace, word }: Others, group: string | null, plain: boolean) {
  const mine = 'NetworkPolicy/dev/only-web';
  const theirs = `NetworkPolicy/${namespace}/of-${word}`;
  return {
    labels,
    summary: plain ? 'as it was told' : `${Object.values(labels).join(', ')}; ${word} was changed`,
    sentence: plain ? 'dev/web -> dev/api was dropped' : `${word} was dropped`,
    cause: 'POLICY_DEFAULT_DENY',
    policies: plain ? [mine] : ['GlobalNetworkPolicy//base', mine, theirs],
    topSources: plain ? [end('dev', 'web', 3)] : [end(namespace, word, 7), end('dev', 'web', 3)],
    topDestinations: [end('dev', 'api', 10)],
    trend: [{ from: FROM * 1000, value: 10 }],
    changes: plain
      ? [`${mine} was changed 5 minutes before`]
      : [`${theirs} was deleted 2 minutes before`, `${mine} was changed 5 minutes before`],
    path: group === null ? '/' : `/?group=${group}`,
  };
}

interface Told {
  readonly id: string;
  readonly labels: Labels;
  readonly group?: string;
  /** Nothing of it is of others. */
  readonly plain?: boolean;
}

function alertsOf({ namespace, word, node, own }: Others): readonly Told[] {
  const theirs = `NetworkPolicy/${namespace}/of-${word}`;
  const mine: readonly Told[] = [
    { id: 'a-plain', labels: { policy: 'NetworkPolicy/dev/only-web', cause: 'X' }, group: 'mates', plain: true },
    { id: 'a-policy', labels: { policy: 'NetworkPolicy/dev/only-web' }, group: 'pair' },
    { id: 'a-policies', labels: { policy: `NetworkPolicy/dev/only-api, ${theirs}` }, group: 'o1' },
    { id: 'a-pair', labels: { source: 'dev/web', destination: `${namespace}/${word}-1`, node, port: '80' } },
    { id: 'a-namespaces', labels: { destination_namespace: 'dev', source_namespace: namespace } },
    { id: 'a-outside', labels: { source: '10.0.0.0/8', destination: 'dev/api' } },
    { id: 'a-drift', labels: { about: 'dev/web', finding: 'NODE_ALLOWS' }, plain: true },
    { id: 'a-unknown-label', labels: { destination: 'dev/api', mystery: word } },
  ];
  const others: readonly Labels[] = [
    { policy: theirs },
    { source: `${namespace}/dev`, destination: `${namespace}/${word}` },
    { source_namespace: namespace, cause: 'dev' },
    { node: 'dev' },
    { about: `${namespace}/dev`, finding: 'NODE_ALLOWS' },
    { about: 'dev', finding: 'ORPHAN_CHAIN' },
    { policy: 'GlobalNetworkPolicy//dev' },
    { mystery: 'dev' },
    {},
  ];
  return [...mine, ...others.slice(0, own).map((labels, i) => ({ id: `z-${i}`, labels, group: 'o1' }))];
}

async function storeAlert(db: Database, cluster: number, i: number, told: Told, others: Others): Promise<void> {
  const { id, labels, group = null, plain = false } = told;
  await db.pool.query(
    `INSERT INTO alert (id, rule_id, rule_name, rule_kind, cluster_id, key, labels, severity, state, starts_at, fired_at, value,
       expected, muted_by, message)
     VALUES ($1, 'r', 'Spike', 'SPIKE', $2, $3, $4, 'warning', 'firing', $5, $5, 10, 1, $6, $7)`,
    [
      id,
      cluster,
      `["${others.word}"]`,
      JSON.stringify(labels),
      utc(i % 8),
      plain ? null : JSON.stringify({ by: 'inhibition', id: others.word }),
      JSON.stringify(messageOf(labels, others, group, plain)),
    ],
  );
}

interface Counted {
  readonly id: string;
  readonly workload?: { readonly namespace: string; readonly pod: string };
  readonly node: string;
  readonly packets: number;
}

async function storeCounted(db: Database, cluster: number, i: number, counted: Counted, others: Others): Promise<void> {
  const { id, workload, node, packets } = counted;
  const policy = (namespace: string | null, name: string) => ({
    kind: 'NetworkPolicy',
    namespace,
    name,
    part: 'isolates',
  });
  const facts = {
    channel: 'counter',
    node,
    verdict: 'dropped',
    cause: 'POLICY_DEFAULT_DENY',
    direction: 'ingress',
    endpoint: workload?.pod,
    policies: [policy('dev', 'only-web'), policy(others.namespace, `of-${others.word}`), policy(null, 'base')],
    misses: [],
    chainRule: {
      node,
      table: 'filter',
      chain: `cali-tw-${id}`,
      position: 4,
      text: `-A cali-tw-${id} -j DROP`,
      owner: { plugin: 'calico', role: 'workload', workload },
    },
    counter: `Rule 4 of chain cali-tw-${id}`,
    assumptions: [],
    missing: ['source and destination: nothing logged these packets'],
  };
  await db.pool.query(
    `INSERT INTO counted_drop (to_time, id, from_time, cluster_id, group_id, node, channel, cause, packets, attributed,
       is_lower_bound, facts) VALUES ($1, $2, $3, $4, $2, $5, 'counter', 'POLICY_DEFAULT_DENY', $6, 1, false, $7)`,
    [utc(i + 1), id, utc(i), cluster, node, packets, JSON.stringify(facts)],
  );
}

interface Finding {
  readonly id: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly workload: string | null;
  readonly policies: readonly string[];
  readonly node: string;
}

async function storeFinding(db: Database, cluster: number, i: number, finding: Finding, others: Others) {
  const { id, kind, namespace, workload, policies, node } = finding;
  const { rows } = await db.pool.query<{ id: number }>(
    `INSERT INTO emitter (cluster_id, node) VALUES ($1, $2) ON CONFLICT (cluster_id, node) DO UPDATE SET node = excluded.node
     RETURNING id`,
    [cluster, node],
  );
  const detail = {
    key: others.word,
    count: 2 + others.own,
    witness: { protocol: 'TCP', source: `10.9.0.${others.own}`, destination: '10.1.0.3', destinationPort: 80 },
    decidedAt: { table: 'filter', chain: `cali-${others.word}`, position: 1, text: `-A cali-${others.word} -j DROP` },
  };
  await db.pool.query(
    `INSERT INTO reconciliation_finding (id, cluster_id, emitter_id, family, backend, kind, severity, namespace, workload,
       direction, subject, policies, sentence, detail, first_seen_at, last_seen_at, opened_at)
     VALUES ($1, $2, $3, 'inet', 'nft', $4, 'critical', $5, $6, 'ingress', $7, $8, $9, $10, $11, $11, $11)`,
    [
      id, cluster, rows[0]?.id, kind, namespace, workload, `set-${others.word}`, policies,
      `${others.namespace}/${others.word} -> dev/web: the node lets it through`, JSON.stringify(detail), utc(i),
    ], // prettier-ignore
  );
}

/** Fills a database that `storeWorld` has filled. */
export async function storeAlertsWorld(db: Database, cluster: number, others: Others): Promise<void> {
  const { namespace, word, node, own } = others;
  for (const [i, told] of alertsOf(others).entries()) await storeAlert(db, cluster, i, told, others);
  const counted: readonly Counted[] = [
    { id: 'web', workload: { namespace: 'dev', pod: 'web-0' }, node: 'n1', packets: 600 },
    { id: 'api', workload: { namespace: 'dev', pod: 'api-0' }, node: 'n1', packets: 1 },
    { id: `of-${word}`, workload: { namespace, pod: 'dev' }, node, packets: 5 + own },
    { id: 'shared', node: 'n1', packets: 9 + own },
  ];
  for (const [i, each] of counted.entries()) await storeCounted(db, cluster, i, each, others);
  const mine = 'NetworkPolicy/dev/only-web';
  const theirs = `NetworkPolicy/${namespace}/of-${word}`;
  const nothing = { namespace: null, workload: null };
  const findings: readonly Finding[] = [
    { id: 'f1', kind: 'NODE_ALLOWS', namespace: 'dev', workload: 'web-0', policies: [mine, theirs], node: 'n1' },
    { id: 'f2', kind: 'ORPHAN_CHAIN', ...nothing, policies: [mine], node: 'n1' },
    { id: 'f3', kind: 'SET_MEMBER_EXTRA', ...nothing, policies: [mine, theirs], node },
    { id: 'f4', kind: 'NODE_DENIES', namespace, workload: 'dev', policies: [mine], node },
    { id: 'f5', kind: 'ORPHAN_CHAIN', ...nothing, policies: [], node },
  ];
  for (const [i, each] of findings.entries()) await storeFinding(db, cluster, i, each, others);
}
