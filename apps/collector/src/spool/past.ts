import type { Past } from '../readers.js';
import type { Spool } from './spool.js';

/** What a spool knows of the streams that an earlier run read. */
export function pastOf(spool: Spool): Past {
  return {
    cursor: (name, stream) => spool.chain(name).ledger.cursor(stream),
    lastAlive: (name, stream) => {
      const own = spool.chain(name).ledger.last(stream);
      // Its last record, or the last time that all was said to be well.
      const well = spool.chain('flows').ledger.last('coverage');
      return own === undefined ? well : Math.max(own, well ?? own);
    },
  };
}
