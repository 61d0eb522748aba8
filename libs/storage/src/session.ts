/**
 * Settings of every session. It is in UTC: the Prisma adapter writes times without an offset. A client whose machine vanished
 * without a word (power, a node that is gone) is found out within half a minute, and its locks are free: by itself the
 * server would wait for two hours. In seconds, and milliseconds for the last.
 */
export const SESSION_SETTINGS = [
  '-c timezone=UTC',
  '-c tcp_keepalives_idle=10',
  '-c tcp_keepalives_interval=5',
  '-c tcp_keepalives_count=3',
  '-c tcp_user_timeout=25000',
].join(' ');

/** The same from our side: who waits for an answer of a server whose machine is gone learns it, and asks anew. */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const;
