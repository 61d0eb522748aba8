import { createHash } from 'node:crypto';
import {
  formatInstant,
  type InterfaceSnapshot,
  type IpsetSnapshot,
  type RouteSnapshot,
  type RulesetSnapshot,
} from '@whydrop/model';
import type pg from 'pg';
import { CopyRows } from './copy.js';
import { splitRuleset } from './ruleset-rows.js';
import { storableJson } from './storable-json.js';

const RULESET_COLUMNS = [
  'observed_at', 'emitter_id', 'family', 'backend', 'batch_id', 'ruleset_hash', 'other_backend_present', 'counters',
] as const; // prettier-ignore

/** Stores one iptables-save: its text once per content, its counters once per snapshot. */
export async function storeRuleset(
  client: pg.PoolClient,
  emitterId: number,
  batchId: bigint,
  snapshot: RulesetSnapshot,
): Promise<void> {
  const { hash, tables, counters } = splitRuleset(snapshot);
  const known = await client.query('SELECT 1 FROM ruleset WHERE hash = $1', [hash]);
  if (known.rowCount === 0) {
    const body = storableJson(JSON.stringify(tables));
    await client.query('INSERT INTO ruleset (hash, tables) VALUES ($1, $2) ON CONFLICT DO NOTHING', [hash, body]);
  }
  await new CopyRows('ruleset_snapshot', RULESET_COLUMNS, 1)
    .row()
    .timestamp(snapshot.observedAt)
    .int4(emitterId)
    .text(snapshot.family)
    .text(snapshot.backend)
    .int8(batchId)
    .text(hash)
    .bool(snapshot.otherBackendPresent)
    .int8Array(counters)
    .send(client);
}

/** Stores one ipset save: its content once. */
export async function storeIpsets(
  client: pg.PoolClient,
  emitterId: number,
  batchId: bigint,
  snapshot: IpsetSnapshot,
): Promise<void> {
  const body = storableJson(JSON.stringify(snapshot.sets));
  const hash = createHash('sha256').update(body).digest('base64url');
  await client.query('INSERT INTO ipset_content (hash, sets) VALUES ($1, $2) ON CONFLICT DO NOTHING', [hash, body]);
  await client.query(
    'INSERT INTO ipset_snapshot (observed_at, emitter_id, batch_id, content_hash) VALUES ($1, $2, $3, $4)',
    [formatInstant(snapshot.observedAt), emitterId, batchId, hash],
  );
}

export async function storeInterfaces(
  client: pg.PoolClient,
  emitterId: number,
  batchId: bigint,
  snapshot: InterfaceSnapshot,
): Promise<void> {
  await client.query(
    'INSERT INTO interface_snapshot (batch_id, emitter_id, observed_at, interfaces) VALUES ($1, $2, $3, $4)',
    [
      batchId,
      emitterId,
      snapshot.observedAt === undefined ? null : formatInstant(snapshot.observedAt),
      storableJson(JSON.stringify(snapshot.interfaces)),
    ],
  );
}

/** Stores the routes of a node. */
export async function storeHost(
  client: pg.PoolClient,
  emitterId: number,
  batchId: bigint,
  snapshot: RouteSnapshot,
): Promise<void> {
  await client.query(
    'INSERT INTO host_snapshot (batch_id, emitter_id, kind, observed_at, body) VALUES ($1, $2, $3, $4, $5)',
    [
      batchId,
      emitterId,
      snapshot.kind,
      formatInstant(snapshot.observedAt),
      storableJson(JSON.stringify(snapshot.routes)),
    ],
  );
}
