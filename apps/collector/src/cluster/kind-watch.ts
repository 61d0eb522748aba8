import type { KubernetesObject } from '@whydrop/model';
import { pauseMs } from '../ship/backoff.js';
import { ApiAnswer, type KubeApi, type OpenWatch, type WatchEvent } from './kube-api.js';
import { apiVersionOf, nameOf, pathOf, type ServedKind } from './kinds.js';

/** What comes out of watching one kind. */
export interface KindListener {
  /** Everything there is. `missed`: since when changes may have been missed, milliseconds; undefined: none were. */
  listed(kind: ServedKind, objects: readonly KubernetesObject[], missed: number | undefined): void;
  changed(kind: ServedKind, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubernetesObject): void;
  /** The API said something of this kind: an event, a bookmark, a list. */
  heard(kind: ServedKind): void;
  troubled(kind: ServedKind, reason: string): void;
}

/** A watch that said nothing for this long is dead, whatever TCP thinks: bookmarks come about once a minute. */
const SILENCE_MS = 150_000;
/** Everything is listed again this often, in case a watch lost something without a word. */
const RELIST_MS = 600_000;

export interface KindWatchTimes {
  readonly silenceMs?: number;
  readonly relistMs?: number;
}

const ERROR_EVENT = 'ERROR';
const CHANGES: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED']);

function isGone(error: unknown): boolean {
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown };
  return statusCode === 410 || code === 410 || (error instanceof ApiAnswer && error.status === 410);
}

/**
 *   list ──▶ watch ──▶ (closed) watch from where it ended ──▶ …
 *     ▲        │ 410 Gone: changes were missed
 *     └────────┴─ silence, refusal, ten minutes gone
 */
export class KindWatch {
  private resourceVersion = '';
  private stopped = false;
  private open: OpenWatch | undefined;
  private listedAt = 0;
  private heardAt: number | undefined;
  private missed: number | undefined;
  private failures = 0;
  private running: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;

  constructor(
    readonly kind: ServedKind,
    private readonly api: KubeApi,
    private readonly listener: KindListener,
    private readonly now: () => number,
    private readonly times: KindWatchTimes = {},
  ) {}

  /** `missed`: until when an earlier run watched; undefined when none did. */
  start(missed: number | undefined): void {
    this.missed = missed;
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.open?.stop();
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.round();
        this.failures = 0;
      } catch (error) {
        await this.failed(error);
      }
    }
  }

  private async round(): Promise<void> {
    const due = this.now() - this.listedAt >= (this.times.relistMs ?? RELIST_MS);
    if (this.resourceVersion === '' || due) await this.list();
    if (!this.stopped) await this.follow();
  }

  private async failed(error: unknown): Promise<void> {
    if (this.stopped) return;
    if (isGone(error)) {
      // What happened between the last word and now is gone from the API's memory.
      this.missed ??= this.heardAt;
      this.resourceVersion = '';
    }
    this.listener.troubled(this.kind, error instanceof Error ? error.message : String(error));
    const wait = pauseMs(++this.failures, undefined, Math.random());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private hear(): void {
    this.heardAt = this.now();
    this.listener.heard(this.kind);
  }

  private async list(): Promise<void> {
    const before = this.now();
    const { items, metadata } = await this.api.list(pathOf(this.kind));
    const apiVersion = apiVersionOf(this.kind);
    // Items of a list say neither their kind nor its version.
    const objects = items.map((item) => ({ ...item, apiVersion, kind: this.kind.kind }));
    this.listener.listed(this.kind, objects, this.missed);
    this.missed = undefined;
    this.listedAt = before;
    this.resourceVersion = metadata.resourceVersion ?? '';
    this.hear();
  }

  private async follow(): Promise<void> {
    let refused: Error | undefined;
    const open = this.api.watch(pathOf(this.kind), this.resourceVersion, (event) => {
      refused ??= this.take(event);
      if (refused) open.stop();
    });
    this.open = open;
    const silence = this.times.silenceMs ?? SILENCE_MS;
    const watchdog = setInterval(
      () => {
        const quiet = this.now() - (this.heardAt ?? 0) > silence;
        const due = this.now() - this.listedAt >= (this.times.relistMs ?? RELIST_MS);
        if (quiet) refused ??= new Error(`nothing heard for ${silence / 1000} s`);
        if (quiet || due) open.stop();
      },
      Math.min(1000, silence / 4),
    );
    const opened = this.now();
    try {
      await open.ended;
    } finally {
      clearInterval(watchdog);
      this.open = undefined;
    }
    if (refused) throw refused;
    // A server that closes every watch at once would be asked without pause.
    if (!this.stopped && this.now() - opened < 100) throw new Error('the watch was closed at once');
  }

  /** Gives the error when the event is one. */
  private take({ type, object }: WatchEvent): Error | undefined {
    if (type === ERROR_EVENT) {
      return Object.assign(new Error(`${nameOf(this.kind)}: ${object.message ?? 'the watch failed'}`), {
        code: object.code,
      });
    }
    this.hear();
    if (CHANGES.has(type)) this.listener.changed(this.kind, type as 'ADDED', object);
    this.resourceVersion = object.metadata.resourceVersion ?? this.resourceVersion;
    return undefined;
  }
}
