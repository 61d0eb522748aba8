import type { Registry } from 'prom-client';
import type { Sink } from './batch/source.js';
import { ClusterReader } from './cluster/cluster-reader.js';
import type { CollectorOptions } from './options.js';
import { channelOf, classOf } from './read/classes.js';
import { conntrackReaders } from './read/conntrack.js';
import { FileFollower } from './read/follow.js';
import { kernelReaders } from './read/kernel.js';
import { observeReaders } from './read/observe.js';
import type { Reader, Watch } from './read/reader.js';
import { ruleReaders } from './read/rules.js';
import { scrapeReaders } from './read/scrape.js';
import { traceReaders } from './read/trace.js';
import { nflogReaders } from './read/ulogd.js';
import type { Cursor, SpoolClass } from './spool/record.js';

/** What an earlier run left on the disk of a stream. */
export interface Past {
  cursor(name: SpoolClass, stream: string): Cursor | undefined;
  /** Until when it was surely read, milliseconds since 1970; what is covered of its channel counts as read. */
  lastAlive(name: SpoolClass, stream: string, channel?: string): number | undefined;
  /** Bytes that wait for the server, now. */
  held(): number;
}

/** What readers are made with. */
export interface ReaderParts {
  readonly options: CollectorOptions;
  readonly sink: Sink;
  readonly watch: Watch;
  readonly past: Past;
  /** For pipes and configurations of tools; emptied when the collector ends. */
  readonly folder: string;
  readonly registry?: Registry | undefined;
}

function followers({ options, sink, watch, past }: ReaderParts): readonly Reader[] {
  return options.followFiles.map(({ stream, format, path }) => {
    const channel = channelOf(format);
    const source = { stream, format, class: classOf(format), ...(channel === undefined ? {} : { channel }) };
    const [cursor, lastAt] = [past.cursor(source.class, stream), past.lastAlive(source.class, stream)];
    return new FileFollower({ source, path, sink, watch, cursor, lastAt });
  });
}

/** The cluster's objects, which one watcher tells for all nodes. */
function clusterReaders({ options, ...parts }: ReaderParts): readonly Reader[] {
  const { kubeconfig, spool: folder, spoolBytes: maxBytes, clusterWatch } = options;
  return clusterWatch ? [new ClusterReader({ ...parts, kubeconfig, folder, maxBytes })] : [];
}

/** Everything that is read on this node, one line per kind of source. */
export function openReaders(parts: ReaderParts): readonly Reader[] {
  return [
    ...conntrackReaders(parts),
    ...nflogReaders(parts, parts.options.nflogGroups),
    ...observeReaders(parts),
    ...traceReaders(parts),
    ...ruleReaders(parts),
    ...kernelReaders(parts),
    ...scrapeReaders(parts),
    ...followers(parts),
    ...clusterReaders(parts),
  ];
}
