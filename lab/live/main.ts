import { LabError } from '../src/shell.js';
import { runLive } from './live.js';

const USAGE = `usage: lab:live [SECONDS]
Server, lab and a collector in each node's namespace; a policy is applied, a connection times out, GraphQL says why.
SECONDS: interval of the rules' counters, 10 when absent.`;

async function main(word: string | undefined): Promise<number> {
  const seconds = Number(word ?? 10);
  if (!(seconds > 0)) {
    console.error(USAGE);
    return 2;
  }
  const { throughLog, throughCounters, intervalMs } = await runLive({ intervalMs: seconds * 1000, say: console.log });
  console.log(`\nthrough NFLOG          ${throughLog.afterMs} ms (${throughLog.basis}), wanted: under 2000 ms`);
  console.log(
    `through counters alone ${throughCounters.afterMs} ms (${throughCounters.basis}), wanted: under ${intervalMs} ms`,
  );
  return throughLog.afterMs < 2_000 && throughCounters.afterMs < intervalMs ? 0 : 1;
}

// Leaving through exit takes the namespaces along.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
process.exit();
