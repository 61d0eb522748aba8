import { createHash } from 'node:crypto';
import { instantFromRfc3339, type Drop, type ExplainedEnd, type Explanation, type Instant } from '@whydrop/model';
import { addUpSlices, type Database } from '@whydrop/storage';

/** Rows as the worker would have written them, for the story of the three tiers. */

const END = (name: string, ip: string, namespace = 'dev', node = 'cent222'): ExplainedEnd => ({
  ip,
  pod: { namespace, name, uid: `uid-${name}` },
  workload: { kind: 'Pod', namespace, name },
  node,
  role: 'pod',
  label: name,
});

export const WEBSERVER = END('webserver-dev', '10.47.255.234', 'dev', 'cent333');
export const DBSERVER = END('dbserver-dev', '10.47.255.233', 'dev', 'cent333');
export const CLIENT1 = END('client1-dev', '10.47.255.232');
export const CLIENT2 = END('client2-dev', '10.47.255.231');
export const CLIENT_QA = END('client-qa', '10.47.255.230', 'qa');

const POLICY1 = {
  kind: 'NetworkPolicy',
  namespace: 'dev',
  name: 'policy1',
  uid: 'c1b8a2b4-0000-4000-8000-000000000001',
  resourceVersion: '4711',
  tier: 'default',
};
const POLICY2 = { ...POLICY1, name: 'policy2', uid: 'c1b8a2b4-0000-4000-8000-000000000002', resourceVersion: '4712' };

export const T0: Instant = instantFromRfc3339('2026-11-20T14:02:11.345678Z') ?? 0;
const SECOND = 1_000_000;

function denied(policy: typeof POLICY1, at: ExplainedEnd, wanted: string, got: string, position: number): Explanation {
  const chain = `cali-tw-cali${createHash('sha1').update(at.label).digest('hex').slice(0, 11)}`;
  return {
    verdict: 'dropped',
    cause: 'POLICY_DEFAULT_DENY',
    contributing: [],
    direction: 'ingress',
    enforcementPoint: {
      node: 'cent333',
      hook: 'forward',
      interface: chain.slice(8),
      workload: { namespace: 'dev', pod: at.label },
    },
    policies: [{ ...policy, part: 'isolates' }],
    misses: [
      {
        policy,
        direction: 'ingress',
        rule: 0,
        path: 'ingress[0].from[1]',
        failed: [
          {
            field: 'namespaceSelector',
            path: 'ingress[0].from[1].namespaceSelector.matchLabels.project',
            wanted: 'project=jtac',
            got: 'no label project',
          },
          { field: 'podSelector', path: 'ingress[0].from[1].podSelector', wanted: 'any', got: 'other namespace' },
        ],
        distance: 2,
      },
      {
        policy,
        direction: 'ingress',
        rule: 0,
        path: 'ingress[0].from[2]',
        failed: [{ field: 'podSelector', path: 'ingress[0].from[2].podSelector.matchLabels.app', wanted, got }],
        distance: 1,
      },
    ],
    chainRule: {
      node: 'cent333',
      table: 'filter',
      chain,
      position,
      text: `-A ${chain} -m comment --comment "cali:abc" -m comment --comment "Drop if no policies passed packet" -j DROP`,
      owner: {
        plugin: 'calico',
        role: 'end of policies of a workload',
        workload: { namespace: 'dev', pod: at.label },
        interface: chain.slice(8),
        direction: 'ingress',
        policy: undefined,
        tier: 'default',
        policyRule: undefined,
      },
    },
    via: undefined,
    basis: 'observed',
    evidence: [],
    assumptions: ['The set cali40s:abc held the addresses of app=client1-dev.'],
    missing: [],
    findings: [
      {
        code: 'SELECTOR_NEAR_MISS',
        policy,
        path: 'spec.ingress[0].from[2].podSelector.matchLabels.app',
        sentence: 'The labels differ by one character: is client2-dev meant to be a client too?',
      },
    ],
    fix: [
      {
        policy,
        patch: '# NetworkPolicy dev/policy1\n- op: add\n  path: /spec/ingress/0/from/-\n  value: {}\n',
        sentence: 'A peer in rule 0 admits it; it would newly admit no other pair of known workloads',
        alsoAdmits: [],
      },
    ],
    sentence: '',
  };
}

export const CLOSED: Explanation = {
  verdict: 'failed',
  cause: 'PORT_CLOSED',
  contributing: [],
  direction: null,
  enforcementPoint: undefined,
  policies: [],
  misses: [],
  chainRule: undefined,
  via: undefined,
  basis: 'derived',
  evidence: [],
  assumptions: [],
  missing: ['whether the pod listened at that time'],
  findings: [],
  fix: [],
  sentence: '',
};

interface Line {
  readonly source: ExplainedEnd;
  readonly destination: ExplainedEnd;
  readonly port: number;
  readonly explanation: Explanation;
  readonly explanationId: string;
  readonly sentence: string;
  readonly times: number;
}

const LINES: readonly Line[] = [
  {
    source: CLIENT2,
    destination: WEBSERVER,
    port: 80,
    explanation: denied(POLICY1, WEBSERVER, 'app=client1-dev', 'app=client2-dev', 6),
    explanationId: 'why-client2-webserver',
    sentence:
      'client2-dev -> webserver-dev:80/TCP was dropped on ingress at webserver-dev (node cent333). Policy dev/policy1 isolates it; its closest rule, ingress[0].from[2], wants app=client1-dev, the client has app=client2-dev. Rule 6 of chain cali-tw-cali1f79f9e08f2 counted 3 packets then.',
    times: 4,
  },
  {
    source: CLIENT_QA,
    destination: WEBSERVER,
    port: 80,
    explanation: denied(POLICY1, WEBSERVER, 'app=client1-dev', 'app=client-qa', 6),
    explanationId: 'why-qa-webserver',
    sentence:
      'client-qa -> webserver-dev:80/TCP was dropped on ingress at webserver-dev (node cent333). Policy dev/policy1 isolates it; no rule of it names namespace qa.',
    times: 2,
  },
  {
    source: CLIENT1,
    destination: DBSERVER,
    port: 80,
    explanation: denied(POLICY2, DBSERVER, 'app=webserver-dev', 'app=client1-dev', 6),
    explanationId: 'why-client1-dbserver',
    sentence:
      'client1-dev -> dbserver-dev:80/TCP was dropped on ingress at dbserver-dev (node cent333). Policy dev/policy2 isolates it; it admits app=webserver-dev only.',
    times: 1,
  },
  {
    source: CLIENT1,
    destination: WEBSERVER,
    port: 8080,
    explanation: CLOSED,
    explanationId: 'why-closed',
    sentence:
      'client1-dev -> webserver-dev:8080/TCP was refused by webserver-dev itself: nothing listened at port 8080.',
    times: 1,
  },
];

function dropsOf(line: Line, index: number): readonly Drop[] {
  return Array.from({ length: line.times }, (_, i) => {
    const at = T0 + index * 10 * SECOND + i * 60 * SECOND + i;
    const evidence = [
      {
        channel: 'nflog' as const,
        node: 'cent333',
        observedAt: at,
        shows: 'the packet that the rule dropped',
        raw: `[NFLOG] IN=eth0 OUT=cali1f79f9e08f2 SRC=${line.source.ip} DST=${line.destination.ip} PROTO=TCP SPT=${41000 + i} DPT=${line.port} SYN PREFIX="calico-packet: "`,
      },
      {
        channel: 'counter' as const,
        node: 'cent333',
        observedAt: at + SECOND,
        shows: 'rule 6 went from 0 to 3 packets (180 bytes)',
        raw: undefined,
      },
    ];
    return {
      id: `d-${line.explanationId}-${i}`,
      cluster: 'lab',
      firstSeenAt: at,
      lastSeenAt: at + 3 * SECOND,
      source: line.source,
      sourcePort: 41000 + i,
      destination: line.destination,
      destinationPort: line.port,
      protocol: 'TCP',
      original:
        index === 0
          ? { destination: '10.96.0.10', destinationPort: 8000, service: { namespace: 'dev', name: 'web' } }
          : undefined,
      translatedSource: undefined,
      attempts: 1,
      packets: 3,
      explanation: {
        ...line.explanation,
        evidence: line.explanation === CLOSED ? [] : evidence,
        sentence: line.sentence,
      },
    };
  });
}

export async function clusterId(db: Database, name: string): Promise<number> {
  const { rows } = await db.pool.query<{ id: number }>(
    'INSERT INTO cluster (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id',
    [name],
  );
  return rows[0]?.id ?? 0;
}

const at = (instant: Instant) => `'epoch'::timestamptz + ${instant} * interval '1 microsecond'`;

async function insertGroup(db: Database, cluster: number, line: Line, drops: readonly Drop[]): Promise<void> {
  const { evidence: _evidence, sentence: _sentence, ...body } = line.explanation;
  await db.pool.query('INSERT INTO explanation (id, body) VALUES ($1, $2)', [line.explanationId, JSON.stringify(body)]);
  const [first, last] = [drops[0], drops.at(-1)];
  await db.pool.query(
    `INSERT INTO drop_group (id, cluster_id, verdict, cause, direction, basis, protocol, destination_port,
       source_kind, source_namespace, source_name, destination_kind, destination_namespace, destination_name, node, policies,
       first_seen_at, last_seen_at, drops, attempts, packets, explanation_id)
     VALUES ($1, $2, $3, $4, $5, $6, 'TCP', $7, 'Pod', $8, $9, 'Pod', $10, $11, $12, $13,
       ${at(first?.firstSeenAt ?? 0)}, ${at(last?.lastSeenAt ?? 0)}, $14, $14, $15, $16)`,
    [
      `g-${line.explanationId}`,
      cluster,
      body.verdict,
      body.cause,
      body.direction,
      body.basis,
      line.port,
      line.source.pod?.namespace,
      line.source.label,
      line.destination.pod?.namespace,
      line.destination.label,
      body.enforcementPoint?.node,
      body.policies.map(({ kind, namespace, name }) => `${kind}/${namespace ?? ''}/${name}`),
      drops.length,
      drops.length * 3,
      line.explanationId,
    ],
  );
}

async function insertDrop(db: Database, cluster: number, line: Line, drop: Drop): Promise<void> {
  const { source, destination, original, translatedSource } = drop;
  const { evidence, sentence } = drop.explanation;
  const detail = { source, destination, original, translatedSource, evidence, sentence };
  await db.pool.query(
    `INSERT INTO "drop" (first_seen_at, id, last_seen_at, cluster_id, group_id, explanation_id, connection_key,
       source, source_port, destination, destination_port, protocol, attempts, packets, detail)
     VALUES (${at(drop.firstSeenAt)}, $1, ${at(drop.lastSeenAt)}, $2, $3, $4, 1, $5, $6, $7, $8, 'TCP', $9, $10, $11)`,
    [
      drop.id,
      cluster,
      `g-${line.explanationId}`,
      line.explanationId,
      source.ip,
      drop.sourcePort,
      destination.ip,
      drop.destinationPort,
      drop.attempts,
      drop.packets,
      JSON.stringify(detail),
    ],
  );
}

/** Stores the story: 8 drops in 4 groups, one group of which no rule stopped. */
export async function storeStory(db: Database): Promise<void> {
  const cluster = await clusterId(db, 'lab');
  for (const [index, line] of LINES.entries()) {
    const drops = dropsOf(line, index);
    await insertGroup(db, cluster, line, drops);
    for (const drop of drops) await insertDrop(db, cluster, line, drop);
  }
}

/** Many drops of one new group, a second apart, all alike. */
export async function storeMany(db: Database, count: number): Promise<void> {
  const cluster = await clusterId(db, 'many');
  const base = LINES[1];
  if (!base) return;
  const line = { ...base, explanationId: 'why-many' };
  const [drop] = dropsOf(line, 0);
  if (!drop) return;
  await insertGroup(db, cluster, line, [drop]);
  await insertDrop(db, cluster, line, drop);
  await db.pool.query(
    `INSERT INTO "drop" SELECT first_seen_at + i * interval '1 second', id || '-' || i, last_seen_at, cluster_id, group_id,
       explanation_id, connection_key, source, source_port, destination, destination_port, protocol, attempts, packets, detail
     FROM "drop", generate_series(1, $1::int) i WHERE group_id = 'g-why-many'`,
    [count - 1],
  );
}

/** Windows of the drops that are stored, and from when to when the cluster was seen: what trends are read from. */
export async function storeWindows(
  db: Database,
  seen: { readonly from: number; readonly minutes: number },
): Promise<void> {
  for (const level of ['minute', 'hour', 'day']) {
    await db.pool.query(
      `INSERT INTO drop_${level} SELECT date_trunc('${level}', first_seen_at), group_id, min(cluster_id), count(*), sum(attempts), sum(packets), 0
         FROM "drop" GROUP BY 1, 2`,
    );
  }
  await addUpSlices(db.pool);
  await db.pool.query(
    `INSERT INTO seen_day SELECT id, '', '2026-11-20', rpad(repeat('0', $1) || repeat('1', $2), 1440, '0')::bit(1440) FROM cluster WHERE name = 'lab'`,
    [seen.from, seen.minutes],
  );
}
