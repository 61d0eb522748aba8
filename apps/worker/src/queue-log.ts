import type { Steps } from './steps.js';

const PAUSE_MS = 60_000;

/** Says of a job that failed each time that it did; of a queue that is away, to whoever asks ten times a second, once a minute. */
export function queueLog(
  log: Steps['log'],
  now: () => number = Date.now,
): (error: Error, jobId: string | undefined) => void {
  const said = new Map<string, number>();
  return ({ message: error }, jobId) => {
    if (jobId !== undefined) return log.error({ error, jobId }, 'a job failed and is tried again');
    if (now() - (said.get(error) ?? -Infinity) < PAUSE_MS) return;
    if (said.size >= 100) said.clear();
    said.set(error, now());
    log.error(
      { error },
      'the queue cannot be reached: batches are kept in PostgreSQL and worked through when it is back',
    );
  };
}
