import { UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { WhydropClient } from './client.js';
import { readServerFile } from './server-file.js';

/** Options that say which server a command talks to. */
export const SERVER_OPTIONS = { url: { type: 'string' }, token: { type: 'string' } } as const;

interface ServerWords {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
}

/** The server that was named. Throws when it is no address. */
function namedUrl(word: string | undefined): string | undefined {
  const url = word ?? process.env['WHYDROP_URL'];
  if (url === undefined || (URL.canParse(url) && /^https?:/.test(url))) return url;
  throw new UsageError(`${word === undefined ? 'WHYDROP_URL' : '--url'} ${url}: must be http:// or https://`);
}

/**
 * Runs `work` against the server that was named (`--url`, WHYDROP_URL), or the one that runs on this machine; when there is
 * none, one is started for the time of the command, on the same data.
 */
export async function withServer<T>(
  words: ServerWords,
  io: Io,
  work: (client: WhydropClient) => Promise<T>,
): Promise<T> {
  const url = namedUrl(words.url);
  const token = words.token ?? process.env['WHYDROP_TOKEN'];
  const running = await readServerFile();
  if (url !== undefined) {
    const known = running?.url === url ? running.token : undefined;
    return work(new WhydropClient(url, token ?? known ?? ''));
  }
  if (running) return work(new WhydropClient(running.url, token ?? running.token));
  const { startAll } = await import('../up/start-all.js');
  io.stderr('no server is running here: starting one for this command\n');
  const all = await startAll({ host: '127.0.0.1', port: 0, log: () => undefined });
  try {
    return await work(new WhydropClient(all.url, all.token));
  } finally {
    await all.stop();
  }
}
