import type { LiveQueue } from './live-queue.js';

/** What a client is told when it was too slow, or when nothing could be heard for a while. */
export interface Told<T> {
  readonly read: (ids: readonly string[]) => Promise<readonly T[]>;
  readonly lagged: (missed: number) => T;
  readonly onEnd: () => void;
}

const READ_AT_ONCE = 100;

/**
 * Answers of one subscription: ids out of its queue, read from the tables when the client is ready for them. Not a
 * generator, because one that waits cannot be ended.
 */
export class LiveStream<T> implements AsyncIterableIterator<T> {
  private ready: T[] = [];

  constructor(
    private readonly queue: LiveQueue<string>,
    private readonly told: Told<T>,
    first: readonly T[] = [],
  ) {
    this.ready.push(...first);
  }

  async next(): Promise<IteratorResult<T>> {
    for (;;) {
      const value = this.ready.shift();
      if (value !== undefined) return { value, done: false };
      const taken = await this.queue.take(READ_AT_ONCE);
      if (!taken) return { value: undefined, done: true };
      if (taken.missed > 0) this.ready.push(this.told.lagged(taken.missed));
      if (taken.items.length > 0) this.ready.push(...(await this.told.read([...new Set(taken.items)])));
    }
  }

  return(): Promise<IteratorResult<T>> {
    this.queue.end();
    this.ready = [];
    this.told.onEnd();
    return Promise.resolve({ value: undefined, done: true });
  }

  throw(error: unknown): Promise<IteratorResult<T>> {
    void this.return();
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
