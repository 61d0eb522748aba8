import { parseArgs } from 'node:util';
import { UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { readServerFile } from '../server/server-file.js';
import { type Running, startAll } from './start-all.js';

export const UP_OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
} as const;

const DEFAULT_PORT = 4270;

/** The port asked for; without one the usual port, or any free one when that is taken. */
export function portOf(text: string | undefined): number {
  const [name, asked] = text === undefined ? ['PORT', process.env['PORT']] : ['--port', text];
  const port = Number(asked ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new UsageError(`${name} ${asked}: is no port`);
  return port;
}

/** Where to look: printed once everything is up. `view` is what the page shows first. */
export function welcome({ url, token }: Running, view = ''): string {
  return [
    `page     ${url}/${view}#token=${token}`,
    `GraphQL  ${url}/graphql   (Authorization: Bearer ${token})`,
    `ingest   ${url}/ingest/v1/batches`,
    '',
  ].join('\n');
}

/** Waits for Ctrl-C or SIGTERM; a second one ends the process at once. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      process.once(signal, () => process.exit(130));
      resolve(signal);
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}

function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
}

/** Starts everything; when nobody asked for a port and the usual one is taken, on any free one. */
export async function startHere(words: { port?: string | undefined; host: string }, io: Io): Promise<Running> {
  const running = await readServerFile();
  if (running) throw new UsageError(`Whydrop runs here already: ${running.url} (process ${running.pid})`);
  const log = (line: string) => io.stderr(`${line}\n`);
  const port = portOf(words.port);
  try {
    return await startAll({ host: words.host, port, log });
  } catch (error) {
    if (!isTaken(error)) throw error;
    if (words.port !== undefined) throw new UsageError(`--port ${port}: is taken on ${words.host}`);
    log(`port ${port} is taken, taking a free one`);
    return startAll({ host: words.host, port: 0, log });
  }
}

/** `whydrop up` */
export async function runUp(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args, options: UP_OPTIONS });
  const stopped = untilSignal();
  const running = await startHere(values, io);
  io.stdout(welcome(running));
  await stopped;
  io.stderr('stopping\n');
  await running.stop();
  return 0;
}
