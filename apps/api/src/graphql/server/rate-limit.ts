import { LRUCache } from 'lru-cache';
import { TokenBucket } from '../../ingest/token-bucket.js';
import { DEFAULT_QUERY_LIMITS, type ApiOptions } from '../../options.js';
import { graphqlError } from './graphql-error.js';

/**
 * What each token may ask for in a time, in the units of a query's cost, in this process. A query is let in while there is
 * anything left, so that a dear one is not starved by cheap ones; then it must be paid back before the next.
 */
export class CostRate {
  private readonly buckets = new LRUCache<string, TokenBucket>({ max: 10_000 });

  constructor(private readonly options: Pick<ApiOptions, 'queryLimits' | 'now'>) {}

  /** Takes a query's cost; throws RATELIMITED with the seconds to wait, which go to `onWait` too. */
  take(tokenId: string, cost: number, onWait: (seconds: number) => void = () => undefined): void {
    const now = (this.options.now ?? Date.now)();
    const { costPerSecond, costBurst } = { ...DEFAULT_QUERY_LIMITS, ...this.options.queryLimits };
    let bucket = this.buckets.get(tokenId);
    if (!bucket) this.buckets.set(tokenId, (bucket = new TokenBucket(costPerSecond, costBurst, now)));
    const wait = bucket.wait(now);
    if (wait === 0) return bucket.take(cost, now);
    const retryAfter = Math.max(1, Math.ceil(wait));
    onWait(retryAfter);
    const message = `more than a cost of ${costPerSecond} per second with this token; try again in ${retryAfter} s`;
    throw graphqlError('RATELIMITED', message, { retryAfter, limit: { costPerSecond, costBurst } });
  }
}

const rates = new WeakMap<object, CostRate>();

/** One for all doors of a server: what is asked over a socket counts too. */
export function costRateOf(options: ApiOptions): CostRate {
  const known = rates.get(options);
  if (known) return known;
  const made = new CostRate(options);
  rates.set(options, made);
  return made;
}
