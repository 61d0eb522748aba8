import { runCollector } from '../../../collector/src/command.js';
import type { Io } from '../io.js';

/** `whydrop collector`; nothing of the server is loaded into its process. */
export function runCollectorHere(args: string[], io: Io): Promise<number> {
  return runCollector(args, io);
}
