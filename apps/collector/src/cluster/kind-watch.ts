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
  /** The API answered as it should: a list came, or a watch was taken. */
  well(kind: ServedKind): void;
  /** `status`: of the answer, when there was one. */
  troubled(kind: ServedKind, reason: string, status: number | undefined): void;
  /** A watch said nothing for too long and is begun again. Not every server sends bookmarks: it need not be broken. */
  silent(kind: ServedKind): void;
  /** Resolves when more may be told; undefined when it may be now. */
  room(): Promise<void> | undefined;
}

/** A watch that said nothing for this long is dead, whatever TCP thinks: bookmarks come about once a minute. */
const SILENCE_MS = 150_000;
/** Everything is listed again this often, in case a watch lost something without a word. */
const RELIST_MS = 600_000;
/** What is forbidden or not there stays so for a while. */
const REFUSED = [403, 404, 405];
const LONGEST_REFUSED_MS = 60_000;

export interface KindWatchTimes {
  readonly silenceMs?: number;
  readonly relistMs?: number;
}

const ERROR_EVENT = 'ERROR';
const CHANGES: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED']);

function statusOf(error: unknown): number | undefined {
  const { code } = error as { readonly code?: unknown };
  if (error instanceof ApiAnswer) return error.status;
  return typeof code === 'number' ? code : undefined;
}

/** Pause before the next try, in milliseconds. */
export function pauseAfter(status: number | undefined, failures: number, random: number): number {
  if (status === undefined || !REFUSED.includes(status)) return pauseMs(failures, undefined, random);
  return Math.min(LONGEST_REFUSED_MS, 500 * 2 ** Math.min(failures, 20)) * (0.5 + random / 2);
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
  /** By a clock that never goes back, as all that is waited for; undefined: not yet. */
  private listedAt: number | undefined;
  private aliveAt = 0;
  /** By the clock of the records. */
  private heardAt: number | undefined;
  private missed: number | undefined;
  private failures = 0;
  private waits = false;
  private running: Promise<void> = Promise.resolve();
  private readonly ending = new AbortController();
  private readonly halted = new Promise<void>((resolve) => {
    this.ending.signal.addEventListener('abort', () => resolve());
  });

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

  /** When the API last said something of this kind, by the clock of the records. */
  get lastHeard(): number | undefined {
    return this.heardAt;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.open?.stop();
    this.ending.abort();
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

  private get due(): boolean {
    const { relistMs = RELIST_MS } = this.times;
    return this.listedAt === undefined || performance.now() - this.listedAt >= relistMs;
  }

  private async round(): Promise<void> {
    if (this.resourceVersion === '' || this.due) await this.list();
    if (!this.stopped) await this.follow();
  }

  private async failed(error: unknown): Promise<void> {
    if (this.stopped) return;
    const status = statusOf(error);
    if (status === 410) {
      // What happened between the last word and now is gone from the API's memory.
      this.missed ??= this.heardAt;
      this.resourceVersion = '';
    }
    this.listener.troubled(this.kind, error instanceof Error ? error.message : String(error), status);
    await this.pause(pauseAfter(status, ++this.failures, Math.random()));
  }

  private async pause(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await Promise.race([over, this.halted]);
    clearTimeout(timer);
  }

  /** Nothing is read while there is no room for it; meanwhile the API keeps what happens, or says that it does not. */
  private async room(): Promise<void> {
    const room = this.listener.room();
    if (!room) return;
    this.waits = true;
    await Promise.race([room, this.halted]);
    this.waits = false;
    this.aliveAt = performance.now();
  }

  private hear(): void {
    this.aliveAt = performance.now();
    this.heardAt = this.now();
    this.listener.heard(this.kind);
  }

  private async list(): Promise<void> {
    await this.room();
    if (this.stopped) return;
    const before = performance.now();
    const { items, metadata } = await this.api.list(pathOf(this.kind), this.ending.signal);
    if (this.stopped) return;
    const apiVersion = apiVersionOf(this.kind);
    // Items of a list say neither their kind nor its version.
    const objects = items.map((item) => ({ ...item, apiVersion, kind: this.kind.kind }));
    this.listener.listed(this.kind, objects, this.missed);
    this.missed = undefined;
    this.listedAt = before;
    this.resourceVersion = metadata.resourceVersion ?? '';
    this.hear();
    this.listener.well(this.kind);
  }

  private async follow(): Promise<void> {
    const { silenceMs = SILENCE_MS } = this.times;
    let refused: Error | undefined;
    const began = performance.now();
    // A watch that is taken late is no silence: its opening has a bound of its own.
    this.aliveAt = Infinity;
    const open = this.api.watch(pathOf(this.kind), this.resourceVersion, {
      opened: () => {
        this.aliveAt = performance.now();
        this.listener.well(this.kind);
      },
      event: async (event) => {
        await this.room();
        if (!this.stopped) refused ??= this.take(event);
        if (refused) open.stop();
      },
    });
    this.open = open;
    const watchdog = setInterval(
      () => {
        if (this.waits) return;
        const quiet = performance.now() - this.aliveAt > silenceMs;
        if (quiet) this.listener.silent(this.kind);
        if (quiet || this.due) open.stop();
      },
      Math.min(1000, silenceMs / 4),
    );
    try {
      await open.ended;
    } finally {
      clearInterval(watchdog);
      this.open = undefined;
    }
    if (refused) throw refused;
    // A server that closes every watch at once would be asked without pause.
    if (!this.stopped && !this.due && performance.now() - began < 100) throw new Error('the watch was closed at once');
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
