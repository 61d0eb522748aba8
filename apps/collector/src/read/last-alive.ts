import type { SpoolClass } from '../spool/record.js';
import type { Spool } from '../spool/spool.js';

/** Until when an earlier run surely read a stream: its last record on the disk, or the last time all was said to be well. */
export function lastAlive(spool: Spool, name: SpoolClass, stream: string): number | undefined {
  const own = spool.chain(name).ledger.last(stream);
  const well = spool.chain('flows').ledger.last('coverage');
  return own === undefined ? well : Math.max(own, well ?? own);
}
