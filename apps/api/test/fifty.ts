import type { Database } from '@whydrop/storage';
import { clusterId } from './story.js';

/** When all of it was, in the hour after 2026-11-20T14:00:00Z. */
const SEEN = `'2026-11-20T14:02:11Z'::timestamptz`;
const DETAIL = `jsonb_build_object('source', jsonb_build_object('ip', '10.1.0.1', 'label', 'client' || i, 'role', 'pod'),
  'destination', jsonb_build_object('ip', '10.1.1.1', 'label', 'web' || i, 'role', 'pod'), 'evidence', '[]'::jsonb, 'sentence', 'blocked')`;
const BODY = `jsonb_build_object('verdict', 'dropped', 'cause', 'POLICY_DEFAULT_DENY', 'contributing', '[]'::jsonb, 'direction', 'ingress',
  'policies', '[]'::jsonb, 'misses', '[]'::jsonb, 'basis', 'observed', 'assumptions', '[]'::jsonb, 'missing', '[]'::jsonb,
  'findings', '[]'::jsonb, 'fix', '[]'::jsonb)`;

/** So many of everything that has lists of its own: policies, workloads, groups, drops, findings, deliveries; each with two or three of each. */
export async function storeManyOfEach(db: Database, count = 50): Promise<void> {
  const cluster = await clusterId(db, 'lab');
  const each = `generate_series(10, ${9 + count}) AS i`;
  const run = (sql: string) => db.pool.query(sql.replaceAll('$cluster', String(cluster)));
  await run(`INSERT INTO object_version (cluster_id, api_group, kind, namespace, name, change, at, valid_from, valid_to, content_hash, object, batch_id)
    SELECT $cluster, 'networking.k8s.io', 'NetworkPolicy', 'dev', 'p' || i, 'STATE', ${SEEN}, ${SEEN} + (v - 2) * interval '1 hour',
      CASE WHEN v = 1 THEN ${SEEN} END, 'h' || v, jsonb_build_object('kind', 'NetworkPolicy', 'metadata', jsonb_build_object('name', 'p' || i), 'spec', v), v
    FROM ${each}, generate_series(1, 2) v`);
  await run(`INSERT INTO explanation (id, body) SELECT 'x' || i, ${BODY} FROM ${each}`);
  await run(`INSERT INTO drop_group (id, cluster_id, verdict, cause, direction, basis, protocol, destination_port, source_kind, source_namespace,
      source_name, destination_kind, destination_namespace, destination_name, node, policies, first_seen_at, last_seen_at, drops, attempts, packets, explanation_id)
    SELECT 'g' || i || '-' || n, $cluster, 'dropped', 'POLICY_DEFAULT_DENY', 'ingress', 'observed', 'TCP', 80 + n, 'Pod', 'dev', 'client' || i,
      'Pod', 'dev', 'web' || i, 'n1', ARRAY['NetworkPolicy/dev/p' || i], ${SEEN}, ${SEEN}, 3, 3, 9, 'x' || i FROM ${each}, generate_series(1, 2) n`);
  await run(`INSERT INTO "drop" (first_seen_at, id, last_seen_at, cluster_id, group_id, explanation_id, connection_key, source, source_port,
      destination, destination_port, protocol, attempts, packets, detail)
    SELECT ${SEEN} + n * interval '1 second', 'd' || i || '-' || n, ${SEEN}, $cluster, 'g' || i || '-1', 'x' || i, 1, '10.1.0.1', 40000 + n, '10.1.1.1',
      81, 'TCP', 1, 3, ${DETAIL} FROM ${each}, generate_series(1, 3) n`);
  await run(`WITH node AS (INSERT INTO emitter (cluster_id, node) VALUES ($cluster, 'n1') RETURNING id)
    INSERT INTO reconciliation_finding (id, cluster_id, emitter_id, family, backend, kind, severity, policies, sentence, detail, first_seen_at,
      last_seen_at, opened_at)
    SELECT 'f' || i || '-' || n, $cluster, node.id, 'inet', 'nft', 'NODE_ALLOWS', 'WARNING', ARRAY['NetworkPolicy/dev/p' || i], 'it lets through',
      '{"count": 1}', ${SEEN}, ${SEEN}, ${SEEN} FROM node, ${each}, generate_series(1, 2) n`);
  await run(`WITH hook AS (INSERT INTO receiver (name, kind, settings) VALUES ('hook', 'webhook', '{}') RETURNING id)
    INSERT INTO alert_delivery (key, receiver_id, alert_id, sequence, status, message) SELECT 'k' || i, hook.id, 'a', i, 'firing', '{"summary": "s"}' FROM hook, ${each}`);
  await run(
    `INSERT INTO delivery_attempt (delivery_id, started_at, millis, outcome) SELECT id, ${SEEN}, 1, 'retry' FROM alert_delivery, generate_series(1, 2)`,
  );
}
