import type { Sink } from './batch/source.js';
import type { CollectorOptions } from './options.js';
import { channelOf, classOf } from './read/classes.js';
import { conntrackReaders } from './read/conntrack.js';
import { FileFollower } from './read/follow.js';
import { kernelReaders } from './read/kernel.js';
import type { Reader, Watch } from './read/reader.js';
import { ruleReaders } from './read/rules.js';
import { scrapeReaders } from './read/scrape.js';
import { nflogReaders } from './read/ulogd.js';
import type { Spool } from './spool/spool.js';

/** What readers are made with. */
export interface ReaderParts {
  readonly options: CollectorOptions;
  readonly sink: Sink;
  readonly watch: Watch;
  readonly spool: Spool;
  /** For pipes and configurations of tools; emptied when the collector ends. */
  readonly folder: string;
}

function followers({ options, sink, watch, spool }: ReaderParts): readonly Reader[] {
  return options.followFiles.map(({ stream, format, path }) => {
    const channel = channelOf(format);
    const source = { stream, format, class: classOf(format), ...(channel === undefined ? {} : { channel }) };
    return new FileFollower({ source, path, sink, watch, cursor: spool.chain(source.class).ledger.cursor(stream) });
  });
}

/** Everything that is read on this node, one line per kind of source. */
export function openReaders(parts: ReaderParts): readonly Reader[] {
  return [
    ...conntrackReaders(parts),
    ...nflogReaders(parts, parts.options.nflogGroups),
    ...ruleReaders(parts),
    ...kernelReaders(parts),
    ...scrapeReaders(parts),
    ...followers(parts),
  ];
}
