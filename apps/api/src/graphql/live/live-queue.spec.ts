import { LiveQueue } from './live-queue.js';

describe('a queue of one reader', () => {
  it('gives items in their order, so many at once', async () => {
    const queue = new LiveQueue<number>(10);
    queue.push(1, 2, 3);
    expect(await queue.take(2)).toEqual({ items: [1, 2], missed: 0 });
    expect(await queue.take(2)).toEqual({ items: [3], missed: 0 });
  });

  it('waits for the first item', async () => {
    const queue = new LiveQueue<number>(10);
    const taken = queue.take(5);
    queue.push(7);
    expect(await taken).toEqual({ items: [7], missed: 0 });
  });

  it('never holds more than its limit, lets the oldest go and counts them', async () => {
    const queue = new LiveQueue<number>(3);
    for (let i = 0; i < 100_000; i++) queue.push(i);
    expect(queue.size).toBe(3);
    expect(await queue.take(5)).toEqual({ items: [99_997, 99_998, 99_999], missed: 99_997 });
    queue.push(5);
    expect(await queue.take(5)).toEqual({ items: [5], missed: 0 });
  });

  it('tells what was missed though nothing is there', async () => {
    const queue = new LiveQueue<number>(3);
    queue.miss(2);
    expect(await queue.take(5)).toEqual({ items: [], missed: 2 });
  });

  it('lets a reader go that waits when it ends', async () => {
    const queue = new LiveQueue<number>(3);
    const taken = queue.take(5);
    queue.end();
    queue.push(1);
    expect(await taken).toBeUndefined();
    expect(queue.size).toBe(0);
  });
});
