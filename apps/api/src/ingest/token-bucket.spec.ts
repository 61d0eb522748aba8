import { TokenBucket } from './token-bucket.js';

describe('token bucket', () => {
  it('lets a burst through, then as much as flows in', () => {
    const bucket = new TokenBucket(10, 20, 0);
    for (let i = 0; i < 20; i++) {
      expect(bucket.wait(0)).toBe(0);
      bucket.take(1, 0);
    }
    expect(bucket.wait(0)).toBeGreaterThan(0);
    expect(bucket.wait(100)).toBe(0);
    bucket.take(1, 100);
    expect(bucket.wait(100)).toBeGreaterThan(0);
  });

  it('may be overdrawn once and says when the debt is paid', () => {
    const bucket = new TokenBucket(10, 20, 0);
    bucket.take(70, 0);
    expect(bucket.wait(0)).toBe(5);
    expect(bucket.wait(4_999)).toBeGreaterThan(0);
    expect(bucket.wait(5_001)).toBe(0);
  });

  it('never holds more than its burst, and a clock that goes back changes nothing', () => {
    const bucket = new TokenBucket(10, 20, 1_000_000);
    expect(bucket.wait(2_000_000)).toBe(0);
    bucket.take(21, 2_000_000);
    expect(bucket.wait(1_500_000)).toBeCloseTo(0.1);
  });
});
