import type { Redis } from 'ioredis';

const QUIT_MS = 1_000;

/** Ends a connection: politely when it stands, at once when it does not. */
export async function hangUp(redis: Redis): Promise<void> {
  if (redis.status === 'ready') {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, QUIT_MS)));
    await Promise.race([redis.quit().catch(() => undefined), patience]);
    clearTimeout(timer);
  }
  if (redis.status !== 'end') redis.disconnect();
}
