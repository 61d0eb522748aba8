import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { LabError, labFolder, stop } from '../src/shell.js';

/** A whole Whydrop of this checkout, in a process of its own, on a database of its own. */
export interface LiveServer {
  readonly url: string;
  readonly token: string;
  query<T>(query: string, variables: object): Promise<T>;
  /** Sends one batch. */
  ship(envelope: object, payload: string): Promise<void>;
  close(): Promise<void>;
}

const STARTS_WITHIN_MS = 180_000;
const STOPS_WITHIN_MS = 60_000;

async function asked(url: string, token: string, query: string, variables: object): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: readonly { message: string }[] };
  if (errors?.[0]) throw new LabError(`GraphQL: ${errors[0].message}`);
  return data;
}

/** Starts `whydrop up` with its data in `folder`; what it prints says where it is. */
export async function startServer(folder: string, more: NodeJS.ProcessEnv = {}): Promise<LiveServer> {
  const program = join(labFolder(), '..', 'bin', 'whydrop');
  const { DATABASE_URL: _database, REDIS_URL: _redis, ...rest } = process.env;
  const environment = { ...rest, ...more, WHYDROP_DATA: folder };
  const child = spawn(process.execPath, [program, 'up', '--port', '0'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const atExit = () => child.kill('SIGKILL');
  process.once('exit', atExit);
  let said = '';
  const found = await new Promise<RegExpExecArray>((resolve, reject) => {
    const late = setTimeout(() => reject(new LabError(`the server does not start: ${said}`)), STARTS_WITHIN_MS);
    const look = (text: Buffer) => {
      said += text.toString();
      const match = /^page +(http:\/\/[^/\s]+)\/\S*#token=(\S+)/m.exec(said);
      if (!match) return;
      clearTimeout(late);
      resolve(match);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', (code) => reject(new LabError(`the server ended (${code}): ${said}`)));
  });
  const [, url = '', token = ''] = found;
  return {
    url,
    token,
    query: async <T>(query: string, variables: object) => (await asked(url, token, query, variables)) as T,
    ship: async (envelope, payload) => {
      const headers = { authorization: `Bearer ${token}` };
      const body = `${JSON.stringify(envelope)}\n${payload}`;
      const response = await fetch(`${url}/ingest/v1/batches`, { method: 'POST', headers, body });
      if (response.status !== 202) throw new LabError(`ingest: ${response.status} ${await response.text()}`);
    },
    close: async () => {
      process.removeListener('exit', atExit);
      // It stops the servers that it started: killed before, it would leave them behind.
      await stop(child, 'SIGTERM', STOPS_WITHIN_MS);
    },
  };
}
