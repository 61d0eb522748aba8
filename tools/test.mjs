// What `npm test` runs: the type check, then Jest with one PostgreSQL and one Redis for the whole run.
// Arguments go to Jest: npm test -- libs/queue. Ends with a line `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { storageTools } from './scratch-database.mjs';

const ROOT = path.resolve(import.meta.dirname, '..');
const TEMPLATE = `whydrop_test_template_${process.pid}`;
const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

let child;
let interrupted = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // The second time nothing is waited for; what was started is stopped all the same.
    interrupted += 1;
    child?.kill(interrupted > 1 ? 'SIGKILL' : 'SIGTERM');
  });
}

/** Runs Node to its end in the repository; the exit code. */
function node(args, env) {
  if (interrupted) return Promise.resolve(130);
  return new Promise((resolve) => {
    child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function onServer(url, sql) {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

/** PostgreSQL of DATABASE_URL, else one for this run, with a migrated template that tests copy. */
async function startPostgres() {
  const { startEmbeddedPostgres, migrate } = await storageTools();
  const given = process.env.DATABASE_URL;
  const dataDir = given ? undefined : mkdtempSync(path.join(tmpdir(), 'whydrop-test-'));
  const server = given ? undefined : await startEmbeddedPostgres({ dataDir, ephemeral: true, unsafeFast: true });
  const url = given ?? server.url;
  await onServer(url, `CREATE DATABASE ${TEMPLATE} TEMPLATE template0`);
  const stop = async () => {
    await onServer(url, `DROP DATABASE ${TEMPLATE}`);
    await server?.stop();
  };
  try {
    await migrate(Object.assign(new URL(url), { pathname: `/${TEMPLATE}` }).href);
  } catch (error) {
    await stop();
    throw error;
  }
  return { env: { WHYDROP_TEST_DATABASE_URL: url, WHYDROP_TEST_TEMPLATE: TEMPLATE }, stop };
}

/** Redis of this machine, when it has one. Tests that need it say so themselves. */
async function startRedis() {
  const queue = await import('../dist/libs/queue/src/index.js');
  const program = queue.findRedisProgram(process.env.PATH ?? '');
  if (!program) return { env: {}, stop: async () => {} };
  const dataDir = mkdtempSync(path.join(tmpdir(), 'whydrop-test-'));
  const server = await queue.startRedis({ program, dataDir, ephemeral: true });
  return { env: { WHYDROP_TEST_REDIS_URL: server.url }, stop: () => server.stop() };
}

/** Runs Jest and counts; a file that could not be run counts as one failure. */
async function jest(env) {
  const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-jest-'));
  const file = path.join(folder, 'result.json');
  try {
    const code = await node([...JEST, '--json', `--outputFile=${file}`, ...process.argv.slice(2)], env);
    const result = JSON.parse(readFileSync(file, 'utf8'));
    return {
      code,
      passed: result.numPassedTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
      skipped: result.numPendingTests + result.numTodoTests,
    };
  } catch (error) {
    return { code: 1, passed: 0, failed: 1, skipped: 0, error };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withServers(work) {
  const servers = [];
  try {
    servers.push(await startPostgres());
    servers.push(await startRedis());
    return await work(Object.assign({}, ...servers.map((server) => server.env)));
  } finally {
    for (const server of servers.reverse()) await server.stop().catch((error) => console.error(String(error)));
  }
}

const typecheck = await node([
  'node_modules/typescript/bin/tsc',
  '--noEmit',
  '--tsBuildInfoFile',
  'dist/.tsbuildinfo-typecheck',
]);
if (typecheck !== 0) console.error('the type check failed (counted as one failure)');
const result = await withServers(jest);
const failed = result.failed + (typecheck === 0 ? 0 : 1);
console.log(`\n${result.passed} passed, ${failed} failed${result.skipped ? `, ${result.skipped} skipped` : ''}`);
process.exit(interrupted ? 130 : result.code || (failed > 0 || result.passed === 0 ? 1 : 0));
