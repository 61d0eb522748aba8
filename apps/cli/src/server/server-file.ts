import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { dataHome } from '@whydrop/telemetry';

/** What a server that runs on this machine left for the commands: where it listens and a token for them. */
export interface ServerFile {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
  readonly databaseUrl: string;
}

function filePath(): string {
  return path.join(dataHome(), 'server.json');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is alive as well.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The server of this data folder, when its process lives; undefined otherwise. */
export async function readServerFile(): Promise<ServerFile | undefined> {
  const text = await readFile(filePath(), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const file = JSON.parse(text) as ServerFile;
  return isAlive(file.pid) ? file : undefined;
}

export async function writeServerFile(file: ServerFile): Promise<void> {
  await writeFile(filePath(), `${JSON.stringify(file)}\n`, { mode: 0o600 });
  await chmod(filePath(), 0o600);
}

export async function removeServerFile(): Promise<void> {
  await rm(filePath(), { force: true });
}
