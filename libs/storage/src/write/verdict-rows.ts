import { type FlowVerdictObservation, protocolNumber, tupleHash } from '@whydrop/model';
import type pg from 'pg';
import { CopyRows } from './copy.js';

const COLUMNS = [
  'observed_at',
  'batch_id',
  'ordinal',
  'emitter_id',
  'line',
  'flow_emitter',
  'verdict',
  'direction',
  'node',
  'protocol',
  'source',
  'destination',
  'source_port',
  'destination_port',
  'body',
  'original_key',
] as const;

/** Hash of the judged tuple; an aggregate that folds addresses together has none. */
function keyOf({ ends }: FlowVerdictObservation): number | undefined {
  const { source, destination } = ends;
  if (source === undefined || destination === undefined) return undefined;
  return tupleHash({ ...ends, source, destination });
}

function bigintsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** Stores flows with their logged verdicts. */
export async function storeVerdicts(
  client: pg.PoolClient,
  emitterId: number,
  batchId: bigint,
  verdicts: readonly FlowVerdictObservation[],
  firstOrdinal = 0,
): Promise<void> {
  const rows = new CopyRows('flow_verdict', COLUMNS, verdicts.length);
  for (const [ordinal, item] of verdicts.entries()) {
    const { ends } = item;
    rows
      .row()
      .timestamp(item.observedAt)
      .int8(batchId)
      .int4(firstOrdinal + ordinal)
      .int4(emitterId)
      .int4(item.line);
    rows.text(item.emitter).text(item.verdict).text(item.direction).text(item.node).int2(protocolNumber(ends.protocol));
    rows.inet(ends.source).inet(ends.destination).int4(ends.sourcePort).int4(ends.destinationPort);
    rows.json(JSON.parse(JSON.stringify(item, bigintsAsText))).int8(keyOf(item));
  }
  await rows.send(client);
}
