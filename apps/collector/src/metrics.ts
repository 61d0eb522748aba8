import { openMetrics } from '@whydrop/telemetry';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Reader } from './read/reader.js';
import type { Spool } from './spool/spool.js';

/** What a collector counts; `records` by stream as they were read, `gaps` by reason, `answers` by kind. */
export interface CollectorMetrics {
  readonly registry: Registry;
  readonly records: Counter<'stream'>;
  readonly gaps: Counter<'reason'>;
  readonly lost: Counter<'reason'>;
  readonly answers: Counter<'outcome'>;
  readonly restarts: Counter<'reader'>;
  readonly lastAck: Gauge;
}

/** Opens the metrics; those of the spool and of the readers are looked up when somebody asks. */
export function collectorMetrics(spool: Spool, now: () => number, readers: () => readonly Reader[]): CollectorMetrics {
  const registry = openMetrics('collector');
  const registers = [registry];
  new Gauge({
    name: 'whydrop_spool_bytes',
    help: 'bytes in the spool',
    registers,
    collect() {
      this.set(spool.bytes);
    },
  });
  new Gauge({
    name: 'whydrop_spool_batches',
    help: 'batches that the server has not acknowledged, by class',
    labelNames: ['class'],
    registers,
    collect() {
      for (const chain of spool.all) this.set({ class: chain.name }, chain.open);
    },
  });
  new Gauge({
    name: 'whydrop_collector_lag_seconds',
    help: 'age of the oldest batch that is not acknowledged',
    registers,
    async collect() {
      const times = await Promise.all(spool.all.map((chain) => chain.oldestAt()));
      const oldest = Math.min(...times.map((time) => time ?? now()));
      this.set(Math.max(0, now() - oldest) / 1000);
    },
  });
  new Gauge({
    name: 'whydrop_reader_up',
    help: '1 while the reader reads all that it should, else 0',
    labelNames: ['reader'],
    registers,
    collect() {
      this.reset();
      for (const { name, trouble } of readers()) this.set({ reader: name }, trouble === undefined ? 1 : 0);
    },
  });
  const counter = <Label extends string>(name: string, help: string, label: Label) =>
    new Counter({ name, help, labelNames: [label], registers });
  return {
    registry,
    records: counter('whydrop_collector_records_total', 'records read', 'stream'),
    gaps: counter('whydrop_collector_gaps_total', 'gap records made', 'reason'),
    lost: counter('whydrop_collector_lost_records_total', 'records lost, where they can be counted', 'reason'),
    answers: counter('whydrop_collector_batches_total', 'answers of the server to batches', 'outcome'),
    restarts: counter('whydrop_collector_reader_restarts_total', 'readers that were started again', 'reader'),
    lastAck: new Gauge({
      name: 'whydrop_collector_last_acknowledged_timestamp_seconds',
      help: 'when the server took a batch last',
      registers,
    }),
  };
}
