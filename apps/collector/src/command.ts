import { setFlagsFromString } from 'node:v8';
import { openLog } from '@whydrop/telemetry';
import { startCollector } from './collector.js';
import { groupsOf, OptionError, parseOptions, wantsUlogdConfig } from './options.js';
import { ulogdInstructions } from './read/ulogd.js';
import { LockedError } from './spool/lock.js';

/** So long a collector that ends tries to send what it has read, in milliseconds. */
const GRACE_MS = 5_000;

export interface Output {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** Waits for Ctrl-C or SIGTERM; a second one ends the process at once. */
function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      process.once(signal, () => process.exit(130));
      resolve(signal);
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}

function isUsage(error: unknown): error is Error {
  const { code } = error as { code?: unknown };
  return error instanceof OptionError || error instanceof LockedError || String(code).startsWith('ERR_PARSE_ARGS');
}

/** `whydrop collector`: reads until it is asked to stop. Gives the exit code. */
export async function runCollector(args: readonly string[], output: Output): Promise<number> {
  try {
    if (wantsUlogdConfig(args)) {
      output.stdout(ulogdInstructions(groupsOf(args, process.env)));
      return 0;
    }
    const options = parseOptions(args, process.env);
    // What is read is garbage a moment later: the young generation stays small, which saves some 15 MiB.
    setFlagsFromString('--semi-space-growth-factor=1');
    const stopped = untilSignal();
    const log = openLog({ name: 'collector' });
    const collector = await startCollector(options, log);
    const signal = await stopped;
    log.info({ signal }, 'stopping');
    const done = await collector.stop(GRACE_MS);
    log.info({}, done ? 'everything was sent' : 'what is not sent stays in the spool');
    return 0;
  } catch (error) {
    if (!isUsage(error)) throw error;
    output.stderr(`whydrop collector: ${error.message}\n`);
    return 2;
  }
}
