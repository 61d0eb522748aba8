import type { MetricSample, NoticeObservation } from '@whydrop/model';
import type pg from 'pg';
import { CopyRows } from './copy.js';

const METRIC_COLUMNS = [
  'observed_at',
  'batch_id',
  'ordinal',
  'emitter_id',
  'name',
  'type',
  'labels',
  'value',
  'line',
] as const;

/** Stores samples of counters and gauges. */
export async function storeMetrics(
  client: pg.PoolClient,
  emitterId: number,
  batchId: bigint,
  samples: readonly MetricSample[],
  firstOrdinal = 0,
): Promise<void> {
  const rows = new CopyRows('metric_sample', METRIC_COLUMNS, samples.length);
  for (const [ordinal, sample] of samples.entries()) {
    rows
      .row()
      .timestamp(sample.observedAt)
      .int8(batchId)
      .int4(firstOrdinal + ordinal)
      .int4(emitterId)
      .text(sample.name);
    rows.text(sample.type).json(sample.labels).float8(sample.value).int4(sample.line);
  }
  await rows.send(client);
}

const NOTICE_COLUMNS = ['batch_id', 'line', 'emitter_id', 'observed_at', 'notice', 'raw'] as const;

/** Stores what sources said about themselves. */
export async function storeNotices(
  client: pg.PoolClient,
  emitterId: number,
  batchId: bigint,
  notices: readonly NoticeObservation[],
): Promise<void> {
  const rows = new CopyRows('notice', NOTICE_COLUMNS, notices.length);
  for (const notice of notices) {
    rows.row().int8(batchId).int4(notice.line).int4(emitterId).timestamp(notice.observedAt);
    rows.text(notice.notice).text(notice.raw);
  }
  await rows.send(client);
}
