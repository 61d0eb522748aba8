import { LRUCache } from 'lru-cache';
import { ApiError } from '../http/api-error.js';
import type { IngestLimits } from '../options.js';
import { TokenBucket } from './token-bucket.js';

interface Buckets {
  readonly requests: TokenBucket;
  readonly bytes: TokenBucket;
}

/** Requests and bytes per second of each token, in this process. */
export class RateLimit {
  private readonly buckets = new LRUCache<string, Buckets>({ max: 10_000 });

  constructor(
    private readonly limits: IngestLimits,
    private readonly now: () => number,
  ) {}

  private of(tokenId: string): Buckets {
    const known = this.buckets.get(tokenId);
    if (known) return known;
    const { requestsPerSecond, requestBurst, bytesPerSecond, byteBurst } = this.limits;
    const made = {
      requests: new TokenBucket(requestsPerSecond, requestBurst, this.now()),
      bytes: new TokenBucket(bytesPerSecond, byteBurst, this.now()),
    };
    this.buckets.set(tokenId, made);
    return made;
  }

  /** Counts a request of this token; throws the 429 to answer when it is one too many. */
  admit(tokenId: string): void {
    const { requests, bytes } = this.of(tokenId);
    const [forRequest, forBytes] = [requests.wait(this.now()), bytes.wait(this.now())];
    if (forRequest > 0) throw this.tooFast(`${this.limits.requestsPerSecond} requests`, forRequest);
    if (forBytes > 0) throw this.tooFast(`${this.limits.bytesPerSecond} bytes`, forBytes);
    requests.take(1, this.now());
  }

  /** Counts bytes that a request of this token sent. */
  sent(tokenId: string, bytes: number): void {
    this.of(tokenId).bytes.take(bytes, this.now());
  }

  private tooFast(limit: string, seconds: number): ApiError {
    const retryAfter = Math.max(1, Math.ceil(seconds));
    const message = `more than ${limit} per second with this token; try again in ${retryAfter} s`;
    return new ApiError(429, 'RATELIMITED', message, { limit }, { 'retry-after': String(retryAfter) });
  }
}
