import type { Past } from '../readers.js';
import type { Spool } from './spool.js';

/** What a spool knows of the streams that an earlier run read. */
export function pastOf(spool: Spool): Past {
  return {
    cursor: (name, stream) => spool.chain(name).ledger.cursor(stream),
    lastAlive: (name, stream, channel) => {
      const own = spool.chain(name).ledger.last(stream);
      const well = channel === undefined ? undefined : wellUntil(spool, channel);
      if (own !== undefined && well !== undefined) return Math.max(own, well);
      return own ?? well ?? wellOnce(spool);
    },
    // What is acknowledged lies in its file for a while, and waits for nobody.
    held: () => (spool.open === 0 ? 0 : spool.bytes) + spool.unwritten,
  };
}

/** Until when its channel was said to be well: of another one it says nothing. */
function wellUntil(spool: Spool, channel: string): number | undefined {
  return spool.chain('flows').ledger.covered(channel);
}

/** Where an older collector has not written of which channels it spoke. */
function wellOnce(spool: Spool): number | undefined {
  const { ledger } = spool.chain('flows');
  return ledger.tellsChannels ? undefined : ledger.last('coverage');
}
