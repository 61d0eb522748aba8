/**
 * A bucket that fills at `rate` per second up to `burst`. Taking may overdraw it once (a batch's size is known only
 * after reading it); nothing is let in until the debt is paid back.
 */
export class TokenBucket {
  private level: number;

  constructor(
    private readonly rate: number,
    private readonly burst: number,
    private at: number,
  ) {
    this.level = burst;
  }

  private refill(now: number): void {
    this.level = Math.min(this.burst, this.level + (Math.max(0, now - this.at) / 1000) * this.rate);
    this.at = now;
  }

  /** Seconds until something may be taken; 0 when it may now. `now` in milliseconds. */
  wait(now: number): number {
    this.refill(now);
    return this.level > 0 ? 0 : Math.max(Number.MIN_VALUE, -this.level / this.rate);
  }

  take(amount: number, now: number): void {
    this.refill(now);
    this.level -= amount;
  }
}
