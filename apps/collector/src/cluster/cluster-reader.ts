import type { KubernetesObject } from '@whydrop/model';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Sink, Source } from '../batch/source.js';
import type { Reader, Watch } from '../read/reader.js';
import type { Past } from '../readers.js';
import { discover } from './discover.js';
import { KindWatch, type KindListener, type KindWatchTimes } from './kind-watch.js';
import { nameOf, type ServedKind } from './kinds.js';
import { KubeApi } from './kube-api.js';
import { KnownObjects } from './known.js';
import { Teller, type ToldChange } from './told.js';

/** The stream of object changes; a bundle has it under the same name. */
const SOURCE: Source = { stream: 'cluster/events.jsonl', format: 'kubernetes-events', class: 'control' };
/** Kinds that somebody installs or removes are found after this long. */
const DISCOVER_MS = 600_000;
const RETRY_MS = 5_000;
/** How often it is noted that all is well. */
const ALIVE_MS = 5_000;

export interface ClusterReaderParts {
  readonly kubeconfig: string | undefined;
  /** Folder of the spool. */
  readonly folder: string;
  readonly sink: Sink;
  readonly watch: Watch;
  readonly past: Pick<Past, 'cursor'>;
  /** Nobody asks when there is none. */
  readonly registry?: Registry | undefined;
  readonly times?: KindWatchTimes;
}

function watchMetrics(registers: Registry[]) {
  return {
    heard: new Gauge({
      name: 'whydrop_watch_last_heard_timestamp_seconds',
      help: 'when the Kubernetes API last said something of a kind: an event, a bookmark or a list',
      labelNames: ['kind'],
      registers,
    }),
    troubles: new Counter({
      name: 'whydrop_watch_restarts_total',
      help: 'watches that had to be begun again, by kind',
      labelNames: ['kind'],
      registers,
    }),
    objects: new Gauge({ name: 'whydrop_watch_objects', help: 'objects that are known', registers }),
  };
}

/** Watches every kind that decides who reaches whom, and tells what changes. */
export class ClusterReader implements Reader, KindListener {
  readonly name = 'cluster';
  private readonly kinds = new Map<string, KindWatch>();
  private readonly unlisted = new Set<string>();
  private readonly metrics: ReturnType<typeof watchMetrics>;
  private known: KnownObjects | undefined;
  private teller: Teller | undefined;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private alive: NodeJS.Timeout | undefined;
  private opening: Promise<void> = Promise.resolve();
  /** Until when an earlier run watched; undefined when this is the first. */
  private lastRun: number | undefined;

  constructor(private readonly parts: ClusterReaderParts) {
    this.metrics = watchMetrics([parts.registry ?? new Registry()]);
  }

  start(): void {
    this.opening = this.open().catch((error: unknown) => {
      this.parts.watch.warn(this.name, error instanceof Error ? error.message : String(error));
      if (!this.stopped) this.timer = setTimeout(() => this.start(), RETRY_MS);
    });
  }

  /** Why not everything is watched yet. */
  get trouble(): string | undefined {
    if (this.kinds.size === 0) return 'the Kubernetes API was not reached yet';
    return this.unlisted.size === 0 ? undefined : `not listed yet: ${[...this.unlisted].join(', ')}`;
  }

  private async open(): Promise<void> {
    const onDisk = (): number | undefined => {
      const n = this.parts.past.cursor(SOURCE.class, SOURCE.stream)?.['n'];
      return typeof n === 'number' ? n : undefined;
    };
    this.known = await KnownObjects.open(this.parts.folder, onDisk);
    this.lastRun = this.known.lastAlive;
    this.alive = setInterval(() => {
      if (this.trouble === undefined) void this.known?.alive();
    }, ALIVE_MS);
    this.teller = new Teller(this.known, this.parts.watch.now);
    await this.look();
  }

  /** Finds the kinds of the cluster, now and again. */
  private async look(): Promise<void> {
    let again = DISCOVER_MS;
    try {
      const api = await KubeApi.open(this.parts.kubeconfig);
      const served = await discover(api);
      if (this.stopped) return;
      for (const kind of served) if (!this.kinds.has(nameOf(kind))) this.begin(api, kind);
    } catch (error) {
      again = RETRY_MS;
      this.parts.watch.warn(this.name, error instanceof Error ? error.message : String(error));
    }
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.opening = this.look();
    }, again);
  }

  private begin(api: KubeApi, kind: ServedKind): void {
    const watched = new KindWatch(kind, api, this, this.parts.watch.now, this.parts.times);
    this.kinds.set(nameOf(kind), watched);
    this.unlisted.add(nameOf(kind));
    watched.start(this.lastRun);
  }

  listed(kind: ServedKind, objects: readonly KubernetesObject[], missed: number | undefined): void {
    const { watch } = this.parts;
    const first = this.unlisted.delete(nameOf(kind)) && this.lastRun === undefined;
    if (missed !== undefined) {
      const reason = missed === this.lastRun ? 'NOT_RUNNING' : 'EVENTS_LOST';
      const detail = `changes of ${nameOf(kind)} between two looks are told as one`;
      watch.lost({ stream: SOURCE.stream, reason, from: missed, to: watch.now(), detail });
    }
    this.tell(this.teller?.list(kind.group, kind.kind, objects, { first, missed }) ?? []);
  }

  changed(_kind: ServedKind, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubernetesObject): void {
    this.tell(this.teller?.event(type, object) ?? []);
  }

  heard(kind: ServedKind): void {
    this.metrics.heard.set({ kind: nameOf(kind) }, this.parts.watch.now() / 1000);
  }

  troubled(kind: ServedKind, reason: string): void {
    this.metrics.troubles.inc({ kind: nameOf(kind) });
    this.parts.watch.warn(this.name, `${nameOf(kind)}: ${reason}`);
  }

  private tell(changes: readonly ToldChange[]): void {
    this.metrics.objects.set(this.known?.size ?? 0);
    for (const { n, type, at, object } of changes) {
      const line = JSON.stringify({ at: new Date(at).toISOString(), type, object });
      this.parts.sink.lines(SOURCE, { bytes: Buffer.from(`${line}\n`), cursor: { n } });
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    clearInterval(this.alive);
    await Promise.all([...this.kinds.values()].map((kind) => kind.stop()));
    await this.opening;
    await this.known?.close();
  }
}
