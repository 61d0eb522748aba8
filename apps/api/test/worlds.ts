import type { Database } from '@whydrop/storage';
import { clusterId } from './story.js';
import { storeAlertsWorld } from './worlds-alerts.js';

/**
 * Two worlds that a reader of `dev` must not be able to tell apart: the same drops of `dev`, while whoever is at the other
 * end, and all that does not concern `dev`, is of `others`.
 */
export interface Others {
  readonly namespace: string;
  readonly word: string;
  /** Drops and objects of their own. */
  readonly own: number;
  readonly node: string;
}

export const FROM = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;

/** Numbers from a seed, always the same: xorshift. */
export function numbers(seed: number): (below: number) => number {
  let state = seed || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.abs(state) % below;
  };
}

interface End {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  readonly node: string;
}

const end = ({ namespace, name, ip, node }: End) => ({
  ip,
  pod: { namespace, name, uid: `uid-${name}` },
  workload: { kind: 'Deployment', namespace, name },
  node,
  role: 'pod',
  label: `${namespace}/${name}`,
});

interface Line {
  readonly id: string;
  readonly source: End;
  readonly destination: End;
  readonly port: number;
  readonly direction: 'ingress' | 'egress';
  readonly at: number;
  /** All that is named beside the ends. */
  readonly word: string;
}

/** Where the others' policies are. */
const otherOf = ({ source, destination }: Line) =>
  source.namespace === 'dev' ? destination.namespace : source.namespace;

function bodyOf(line: Line): object {
  const { source, destination, direction, word } = line;
  const at = direction === 'ingress' ? destination : source;
  const peer = direction === 'ingress' ? source : destination;
  const policy = {
    kind: 'NetworkPolicy',
    namespace: at.namespace,
    name: `only-${at.name}`,
    uid: 'u',
    resourceVersion: '7',
  };
  const foreign = { ...policy, namespace: otherOf(line), name: `of-${word}` };
  const rule = {
    node: at.node,
    table: 'filter',
    chain: `cali-tw-${at.name}`,
    position: 4,
    text: `-A cali-tw-${at.name} -j DROP`,
    owner: { plugin: 'calico', role: 'workload', workload: { namespace: at.namespace, pod: at.name } },
  };
  return {
    verdict: 'dropped',
    cause: 'POLICY_DEFAULT_DENY',
    contributing: [],
    direction,
    basis: 'observed',
    enforcementPoint: { node: at.node, hook: 'forward', workload: { namespace: at.namespace, pod: at.name } },
    policies: [
      { ...policy, part: 'isolates' },
      { ...foreign, part: 'isolates' },
      { kind: 'GlobalNetworkPolicy', name: 'base', part: 'isolates' },
    ],
    misses: [0, 1].map((index) => ({
      policy,
      direction,
      rule: index,
      path: `ingress[${index}].from[${word.length}]`,
      failed: [
        { field: 'podSelector', path: `ingress[${index}].from[${word.length}]`, wanted: 'app=a', got: `app=${word}` },
        { field: 'port', path: `ingress[${index}].ports`, wanted: '443', got: '80' },
      ],
      distance: index === 0 ? word.length : 3,
    })),
    chainRule: rule,
    via: { ...rule, chain: `cali-${word}`, owner: undefined, text: `-A cali-${word}` },
    assumptions: [`the set held ${word}`],
    missing: [`the labels of ${word}`],
    findings: [
      { code: 'NEAR', policy, sentence: `${word} differs by a letter` },
      { code: 'NEAR', policy: foreign, sentence: `${word} too` },
    ],
    fix: [
      {
        policy,
        patch: `value: ${peer.namespace === at.namespace ? 'app' : word}`,
        sentence: `also admits ${word}`,
        alsoAdmits: [{ source: `${word}/x`, destination: `dev/web`, port: '80/TCP' }],
      },
    ],
  };
}

const utc = (at: number) => new Date(at).toISOString();

async function storeLine(db: Database, cluster: number, line: Line): Promise<void> {
  const { id, source, destination, port, direction, at, word } = line;
  const decides = direction === 'ingress' ? destination : source;
  await db.pool.query('INSERT INTO explanation (id, body) VALUES ($1, $2)', [`x-${id}`, JSON.stringify(bodyOf(line))]);
  const object = (kind: string, namespace: string | null, name: string) => ({ kind, namespace, name });
  const changes = [
    {
      kind: 'edited',
      object: object('NetworkPolicy', otherOf(line), `of-${word}`),
      at: at * 1000,
      sentence: `${word} was edited`,
    },
    {
      kind: 'edited',
      object: object('NetworkPolicy', 'dev', 'only-web'),
      at: at * 1000,
      sentence: 'dev/only-web was edited',
    },
    {
      kind: 'edited',
      object: object('Namespace', null, otherOf(line)),
      at: at * 1000,
      sentence: `${word} was edited`,
    },
  ];
  await db.pool.query(
    `INSERT INTO drop_group (id, cluster_id, verdict, cause, direction, basis, protocol, destination_port, source_kind,
       source_namespace, source_name, destination_kind, destination_namespace, destination_name, node, policies,
       first_seen_at, last_seen_at, drops, attempts, packets, explanation_id, changes)
     VALUES ($1, $2, 'dropped', 'POLICY_DEFAULT_DENY', $3, 'observed', 'TCP', $4, 'Deployment', $5, $6, 'Deployment', $7, $8, $9,
       $10, $11, $12, 2, 2, 6, $13, $14)`,
    [
      id,
      cluster,
      direction,
      port,
      source.namespace,
      source.name,
      destination.namespace,
      destination.name,
      decides.node,
      [
        `NetworkPolicy/${decides.namespace}/only-${decides.name}`,
        `NetworkPolicy/${otherOf(line)}/of-${word}`,
        'GlobalNetworkPolicy//base',
      ],
      utc(at),
      utc(at + MINUTE),
      `x-${id}`,
      JSON.stringify(changes),
    ],
  );
  for (const n of [0, 1]) {
    const seen = at + n * MINUTE;
    const detail = {
      source: end(source),
      destination: end(destination),
      original: {
        destination: '10.96.0.9',
        destinationPort: 443,
        service: { namespace: destination.namespace, name: `svc-${destination.name}` },
      },
      evidence: [
        {
          channel: 'nflog',
          node: decides.node,
          observedAt: seen * 1000,
          shows: `${word} was dropped`,
          raw: `IN=${word}`,
        },
      ],
      sentence: `${source.namespace}/${source.name} -> ${destination.namespace}/${destination.name}; ${word}`,
    };
    await db.pool.query(
      `INSERT INTO "drop" (first_seen_at, id, last_seen_at, cluster_id, group_id, explanation_id, connection_key, source,
         source_port, destination, destination_port, protocol, attempts, packets, detail)
       VALUES ($1, $2, $1, $3, $4, $5, 1, $6, 40000, $7, $8, 'TCP', 1, 3, $9)`,
      [utc(seen), `${id}-${n}`, cluster, id, `x-${id}`, source.ip, destination.ip, port, JSON.stringify(detail)],
    );
  }
  for (const level of ['minute', 'hour', 'day']) {
    await db.pool.query(
      `INSERT INTO drop_${level} (bucket, group_id, cluster_id, drops, attempts, packets, counted)
       VALUES (date_trunc('${level}', $1::timestamptz), $2, $3, 2, 2, 6, 1)`,
      [utc(at), id, cluster],
    );
  }
}

async function storeAround(db: Database, cluster: number, others: Others): Promise<void> {
  const { word, namespace, node, own } = others;
  const object = JSON.stringify({ kind: 'NetworkPolicy', metadata: { name: word } });
  await db.pool.query(
    `INSERT INTO object_version (cluster_id, api_group, kind, namespace, name, change, at, valid_from, content_hash, object, batch_id)
     SELECT $1, 'networking.k8s.io', 'NetworkPolicy', $2, $3 || i, 'created', $4, $4, 'h' || i, $5, 1 FROM generate_series(1, $6::int) i`,
    [cluster, namespace, `of-${word}`, utc(FROM), object, own],
  );
  for (const [slice, dimension, value] of [
    ['s1', 'all', ''],
    ['s2', 'namespace', namespace],
    ['s3', 'cause', word],
  ]) {
    await db.pool.query(
      `INSERT INTO drop_slice (id, cluster_id, verdict, dimension, value) VALUES ($1, $2, 'dropped', $3, $4)`,
      [slice, cluster, dimension, value],
    );
    await db.pool.query(
      `INSERT INTO slice_minute (bucket, group_id, cluster_id, drops, attempts, packets, counted) VALUES ($1, $2, $3, $4, 1, 1, 1)`,
      [utc(FROM), slice, cluster, own],
    );
  }
  const seen = `INSERT INTO seen_day (cluster_id, node, day, minutes) VALUES ($1, $2, '2026-11-20', repeat('1', 1440)::bit(1440))`;
  await db.pool.query(seen, [cluster, '']);
  await db.pool.query(seen, [cluster, node]);
  await db.pool.query(
    `INSERT INTO silence (id, matchers, author, comment, starts_at, ends_at)
    VALUES ('s', '[]', $1, $1, now(), now() + interval '1 day')`,
    [word],
  );
}

/** Fills a database with `dev`'s drops, the same for every seed, and with what `others` have. */
export async function storeWorld(db: Database, seed: number, others: Others): Promise<void> {
  const below = numbers(seed);
  const cluster = await clusterId(db, 'lab');
  const dev = (name: string): End => ({ namespace: 'dev', name, ip: `10.1.0.${name.length}`, node: 'n1' });
  const other = (i: number): End => ({
    namespace: others.namespace,
    name: `${others.word}-${i}`,
    ip: `10.2.0.${i}`,
    node: others.node,
  });
  const names = ['web', 'api', 'cache', 'worker'];
  const name = () => names[below(names.length)] ?? 'web';
  for (let i = 0; i < 24; i++) {
    const kind = below(4);
    const peer = other(below(200));
    const [own, mate] = [dev(name()), dev(name())];
    const [source, destination] = kind === 0 ? [own, mate] : kind === 1 ? [peer, own] : [own, peer];
    const direction = below(2) === 0 ? ('ingress' as const) : ('egress' as const);
    const word = kind === 0 ? 'dev' : others.word;
    await storeLine(db, cluster, {
      id: `g${i}`,
      source,
      destination,
      port: 80 + below(3),
      direction,
      at: FROM + i * MINUTE,
      word,
    });
  }
  for (let i = 0; i < others.own; i++) {
    const line = { source: other(i), destination: other(i + 1), port: 80, direction: 'ingress' as const };
    await storeLine(db, cluster, { ...line, id: `o${i}`, at: FROM + i * MINUTE, word: others.word });
  }
  // Two ends of dev, and an end of somebody else.
  const mates = { source: dev('web'), destination: dev('api'), port: 443, direction: 'ingress' as const };
  await storeLine(db, cluster, { ...mates, id: 'mates', at: FROM + 30 * MINUTE, word: 'dev' });
  const pair = { ...mates, source: other(0) };
  await storeLine(db, cluster, { ...pair, id: 'pair', at: FROM + 31 * MINUTE, word: others.word });
  await storeAround(db, cluster, others);
  await storeAlertsWorld(db, cluster, others);
}
