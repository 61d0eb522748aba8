/** What a reader takes at once: items in their order, and how many were let go since it took before. */
export interface Taken<T> {
  readonly items: readonly T[];
  readonly missed: number;
}

/**
 * Items between whoever tells and one reader. It never holds more than `limit`: then the oldest are let go and counted, so
 * that a client that does not read costs a fixed amount of memory and learns later what it missed.
 */
export class LiveQueue<T> {
  private items: T[] = [];
  private missed = 0;
  private ended = false;
  private wake: () => void = () => undefined;

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.items.length;
  }

  push(...items: readonly T[]): void {
    if (this.ended) return;
    this.items.push(...items);
    const over = this.items.length - this.limit;
    if (over > 0) {
      this.items.splice(0, over);
      this.missed += over;
    }
    this.wake();
  }

  /** Something was told that cannot be queued. */
  miss(count: number): void {
    this.missed += count;
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.items = [];
    this.wake();
  }

  /** Waits until there is something; undefined when it ended. */
  async take(most: number): Promise<Taken<T> | undefined> {
    while (!this.ended && this.items.length === 0 && this.missed === 0) {
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    if (this.ended) return undefined;
    const { missed } = this;
    this.missed = 0;
    return { items: this.items.splice(0, most), missed };
  }
}
