import { type Deltas, type Slice, sliceDeltas, slicesOf, type Sliced } from '@whydrop/rollup';
import type pg from 'pg';
import { applyDeltas } from './apply.js';

const DIMENSIONS = `
  SELECT id, verdict, cause, direction, source_namespace AS "sourceNamespace",
         destination_namespace AS "destinationNamespace", policies FROM drop_group WHERE id = ANY($1)`;

/** Carries what drops added and took back. Their groups must be there, those that vanish after it as well. */
export async function rollUpDrops(client: pg.PoolClient, clusterId: number, groups: Deltas): Promise<void> {
  const ids = new Set(groups.of('minute').map(({ groupId }) => groupId));
  if (ids.size === 0) return;
  const { rows } = await client.query<Sliced & { readonly id: string }>(DIMENSIONS, [[...ids]]);
  const slices = new Map<string, readonly Slice[]>(rows.map((group) => [group.id, slicesOf(clusterId, group)]));
  await applyDeltas(client, clusterId, {
    groups,
    slices: sliceDeltas(groups, slices),
    named: [...slices.values()].flat(),
  });
}
