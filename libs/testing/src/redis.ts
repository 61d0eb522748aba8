import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findRedisProgram, startRedis } from '@whydrop/queue';

export interface TestRedis {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** The Redis server of this machine; where there is none, CI fails and others are told what was left out. */
export function testRedisProgram(): string | undefined {
  const program = findRedisProgram(process.env['PATH'] ?? '');
  if (program !== undefined) return program;
  const message = 'there is no redis-server: the tests on Redis';
  if (process.env['CI']) throw new Error(`${message} cannot run (apt-get install redis-server)`);
  process.stderr.write(`${message} are left out (apt-get install redis-server)\n`);
  return undefined;
}

/** The Redis of the test run, else one of our own; undefined when this machine has none. Use a prefix of your own. */
export async function testRedis(): Promise<TestRedis | undefined> {
  const url = process.env['WHYDROP_TEST_REDIS_URL'];
  if (url !== undefined) return { url, stop: () => Promise.resolve() };
  const program = testRedisProgram();
  if (program === undefined) return undefined;
  const dataDir = mkdtempSync(path.join(tmpdir(), 'whydrop-test-'));
  return startRedis({ program, dataDir, ephemeral: true });
}
