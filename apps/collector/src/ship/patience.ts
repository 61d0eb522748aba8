const SHORTEST_MS = 8_000;
const LONGEST_MS = 30_000;
/** An answer may take so many times as long as the last one took. */
const MARGIN = 3;

/**
 * How long an answer is waited for, in milliseconds. A connection whose packets vanish on the way (a link down, a firewall
 * that forgot it) looks like a server that is slow, and the kernel asks ever more seldom whether it still lives: after ten
 * seconds without a link it would take ten more. So it is given up early, and a server that really is slow is given longer.
 */
export class Patience {
  private ms: number;

  constructor(
    private readonly shortestMs = SHORTEST_MS,
    private readonly longestMs = LONGEST_MS,
  ) {
    this.ms = shortestMs;
  }

  get now(): number {
    return this.ms;
  }

  answered(tookMs: number): void {
    this.ms = Math.min(this.longestMs, Math.max(this.shortestMs, MARGIN * tookMs));
  }

  /** Nothing came in the time that was given. Several at once that were given the same count as one. */
  ranOut(givenMs: number): void {
    this.ms = Math.min(this.longestMs, Math.max(this.ms, 2 * givenMs));
  }
}
