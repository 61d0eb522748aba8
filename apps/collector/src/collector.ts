import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Health, serveStatus, type StatusServer } from '@whydrop/telemetry';
import type { GapInput } from '@whydrop/contracts';
import { Bases } from './batch/bases.js';
import { Batcher } from './batch/batcher.js';
import { CoverageClock } from './batch/coverage.js';
import { type Emitter, rfc3339 } from './batch/envelope.js';
import { gapDraft, gapOfDropped } from './batch/gaps.js';
import { collectorMetrics, type CollectorMetrics } from './metrics.js';
import type { CollectorOptions } from './options.js';
import type { Loss, Reader, Watch } from './read/reader.js';
import { Leftovers, marksInUse } from './read/leftovers.js';
import { openReaders } from './readers.js';
import { keepAside } from './ship/aside.js';
import { Poster } from './ship/post.js';
import { Sender } from './ship/sender.js';
import { isFull, makeFolder } from './spool/full.js';
import { holdFolder, holdNode } from './spool/lock.js';
import type { Wreck } from './spool/chain.js';
import type { BatchHead, SpoolClass } from './spool/record.js';
import { pastOf } from './spool/past.js';
import { Spool } from './spool/spool.js';

/** Where the collector writes what an operator should know. The shape of pino. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface RunningCollector {
  /** Of /healthz, /readyz and /metrics. */
  readonly statusUrl: string | undefined;
  readonly metrics: CollectorMetrics;
  /** Stops reading, brings what was read to the disk and tries to send it for `graceMs`. True when nothing is left. */
  stop(graceMs: number): Promise<boolean>;
}

/** How often a channel without loss says so. */
const COVERAGE_MS = 2_500;
/** How often it is looked whether there is room again, in milliseconds. */
const ROOM_MS = 500;

/**
 *   readers ── lines ──▶ batcher ── batches ──▶ spool ──▶ sender ──▶ POST /ingest/v1/batches
 *      │                                         ▲ disk      │
 *      └── losses, coverage ─────────────────────┘ ◀─ ack ───┘
 */
class Collector {
  private readonly now = Date.now;
  private readonly coverage = new CoverageClock();
  private readers: readonly Reader[] = [];
  /** Why nothing is read yet. */
  private noRoom: Error | undefined;
  private beginning: Promise<void> = Promise.resolve();
  private again: NodeJS.Timeout | undefined;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private status: StatusServer | undefined;
  private readonly leftovers: Leftovers;
  private readonly batcher: Batcher;
  private readonly sender: Sender;
  private readonly poster: Poster;
  readonly metrics: CollectorMetrics;

  constructor(
    private readonly options: CollectorOptions,
    private readonly log: Log,
    private readonly spool: Spool,
    bases: Bases,
  ) {
    const { url, token, inFlight, flushMs } = options;
    this.metrics = collectorMetrics(spool, this.now, () => this.readers);
    this.leftovers = new Leftovers(options.spool, options.node, marksInUse(options));
    this.poster = new Poster(url, token, inFlight);
    this.sender = new Sender({
      spool,
      inFlight,
      post: (body) => this.poster.post(body),
      refuse: async (head, body, reason) => {
        bases.refused(head);
        const file = await keepAside(options.spool, head, body, reason);
        log.error({ file, reason, stream: head.stream }, 'the server refused a batch for good; it is kept aside');
        // A report that is refused is not reported again.
        if (head.stream !== 'gaps')
          await this.tell({ ...lostBatch(head), reason: 'REFUSED', detail: reason.slice(0, 1000) });
      },
      damaged: (head) => {
        bases.lost(head, head.sequence, head.sequence);
        return this.tell({ ...lostBatch(head), reason: 'SPOOL_DAMAGED' });
      },
      onAnswer: ({ kind }) => {
        this.metrics.answers.inc({ outcome: kind });
        if (kind === 'accepted') this.metrics.lastAck.setToCurrentTime();
      },
    });
    this.batcher = new Batcher({
      emitter: emitterOf(options),
      spool,
      bases,
      flushMs,
      now: this.now,
      onCommit: () => this.sender.nudge(),
      onTrouble: (error) => log.error({ err: error }, 'the spool cannot be written; nothing is read until it can'),
      onRecords: ({ stream }, records) => this.metrics.records.inc({ stream }, records),
    });
  }

  private get emitter() {
    return emitterOf(this.options);
  }

  /** A gap record, on the disk when this resolves. */
  private async tell(gap: GapInput): Promise<void> {
    this.metrics.gaps.inc({ reason: gap.reason });
    this.metrics.lost.inc({ reason: gap.reason }, gap.records ?? 0);
    this.log.warn({ gap }, 'records were lost');
    this.spool.add(gapDraft(this.emitter, [gap], this.now()));
    await this.batcher.flush();
  }

  private get watch(): Watch {
    return {
      now: this.now,
      lost: (loss) => void this.tell(gapOfLoss(loss)).catch(() => undefined),
      alive: (reader, channel, since) => {
        if (channel !== undefined) this.coverage.alive(reader, channel, since);
      },
      warn: (reader, message) => {
        this.metrics.restarts.inc({ reader });
        this.log.warn({ reader }, message);
      },
    };
  }

  /** What the last run left in pieces is known loss, of a number nobody knows. */
  private reportWrecks(): void {
    for (const { name, wrecks } of this.spool.all) for (const wreck of wrecks) this.reportWreck(name, wreck);
    this.spool.onWreck = (name, wreck) => this.reportWreck(name, wreck);
  }

  private reportWreck(name: SpoolClass, { segment, bytes, after }: Wreck): void {
    const detail = `${bytes} bytes of ${segment} cannot be read; streams of the class ${name} may miss records`;
    const [from, to] = [after ?? 0, this.now()];
    this.watch.lost({ stream: `spool ${name}`, reason: 'SPOOL_DAMAGED', from, to, detail });
  }

  async start(): Promise<void> {
    const { options, spool } = this;
    const health = new Health()
      .add('spool', () => {
        const trouble = spool.trouble ?? spool.untidy;
        return trouble ? Promise.reject(trouble) : Promise.resolve();
      })
      .add('server', () =>
        this.sender.trouble === undefined ? Promise.resolve() : Promise.reject(new Error(this.sender.trouble)),
      )
      .add('readers', () => {
        const troubles = this.troubles;
        return troubles.length === 0 ? Promise.resolve() : Promise.reject(new Error(troubles.join('; ')));
      });
    if (options.status) {
      this.status = await serveStatus({ health, metrics: this.metrics.registry, ...options.status });
    }
    this.reportWrecks();
    this.sender.start();
    this.timer = setInterval(() => this.sayCovered(), COVERAGE_MS);
    this.beginning = this.begin();
    await this.beginning;
  }

  /** Reads as soon as the disk takes what is read; what the last run left is sent meanwhile. */
  private async begin(): Promise<void> {
    try {
      if (this.spool.trouble) await this.spool.commit();
      await this.read();
      this.noRoom = undefined;
    } catch (error) {
      if (!this.noRoom && !isFull(error)) throw error;
      if (!this.noRoom) this.log.error({ err: error }, 'the spool has no room; nothing is read until it has');
      this.noRoom = error as Error;
      if (this.stopped) return;
      this.again = setTimeout(() => {
        this.beginning = this.begin();
      }, ROOM_MS);
    }
  }

  private async read(): Promise<void> {
    const { options, spool, batcher: sink, watch } = this;
    const folder = path.join(options.spool, 'run');
    await rm(folder, { recursive: true, force: true });
    await makeFolder(folder);
    await this.leftovers.takeOut();
    if (this.stopped) return;
    this.readers = openReaders({ options, sink, watch, past: pastOf(spool), folder, registry: this.metrics.registry });
    for (const reader of this.readers) reader.start();
    this.log.info(
      { server: options.url, node: options.node, spool: options.spool, streams: this.readers.map(({ name }) => name) },
      'the collector is reading',
    );
  }

  /** Why not everything is read that should be. */
  private get troubles(): readonly string[] {
    if (this.noRoom) return [this.noRoom.message];
    return [this.leftovers, ...this.readers].flatMap(({ trouble }) => (trouble === undefined ? [] : [trouble]));
  }

  get statusUrl(): string | undefined {
    return this.status?.url;
  }

  private sayCovered(): void {
    if (this.batcher.full) return;
    for (const draft of this.coverage.take(this.emitter, this.now())) this.spool.add(draft);
    if (this.spool.unwritten > 0) void this.batcher.flush().catch(() => undefined);
  }

  async stop(graceMs: number): Promise<boolean> {
    this.stopped = true;
    clearInterval(this.timer);
    clearTimeout(this.again);
    await this.beginning;
    await Promise.all([this.leftovers.stop(), ...this.readers.map((reader) => reader.stop())]);
    this.sayCovered();
    const written = await this.batcher.flush().then(
      () => true,
      () => false,
    );
    const sent = await this.sender.drain(graceMs);
    await this.sender.stop(500);
    this.poster.close();
    await this.status?.close();
    await this.spool.close();
    return written && sent;
  }
}

/** The cluster itself, which a watcher speaks for, is no node. */
function emitterOf({ cluster, node }: CollectorOptions): Emitter {
  return { cluster, node: node === '' ? null : node };
}

function lostBatch({ stream, channel, epoch, sequence, records, from, to }: BatchHead): Omit<GapInput, 'reason'> {
  const place = { epoch, firstSequence: sequence, lastSequence: sequence };
  return { stream, channel: channel ?? null, records, from: rfc3339(from), to: rfc3339(to), ...place };
}

function gapOfLoss({ stream, channel, reason, from, to, records, detail }: Loss): GapInput {
  return {
    stream,
    channel: channel ?? null,
    reason,
    from: rfc3339(from),
    to: rfc3339(to),
    records: records ?? null,
    detail: detail ?? null,
  };
}

/** Starts a collector. Throws LockedError when another one uses its spool or ships for its node. */
export async function startCollector(options: CollectorOptions, log: Log): Promise<RunningCollector> {
  const letNodeGo = await holdNode(options.cluster, options.node);
  const emitter = emitterOf(options);
  const bases = new Bases();
  const spool = await Spool.open({
    folder: options.spool,
    maxBytes: options.spoolBytes,
    hold: holdFolder,
    report: (dropped) => {
      for (const each of dropped) bases.lost(each, each.firstSequence, each.lastSequence);
      return gapDraft(emitter, dropped.map(gapOfDropped), Date.now());
    },
  }).catch((error: unknown) => {
    letNodeGo();
    throw error;
  });
  const collector = new Collector(options, log, spool, bases);
  await collector.start();
  return {
    statusUrl: collector.statusUrl,
    metrics: collector.metrics,
    stop: async (graceMs) => {
      const done = await collector.stop(graceMs);
      letNodeGo();
      return done;
    },
  };
}
