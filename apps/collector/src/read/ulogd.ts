import { rm, writeFile } from 'node:fs/promises';
import type { ReaderParts } from '../readers.js';
import type { SpoolClass } from '../spool/record.js';
import { whereIs } from './child.js';
import { channelOf, classOf } from './classes.js';
import { CommandReader } from './command.js';
import { NflogNumbers } from './nflog-numbers.js';
import type { Reader } from './reader.js';

/** ulogd2's configuration for one group: one JSON object per packet into a file, at most 100 ms after the packet. */
export function ulogdConfig(groups: readonly number[], file: (group: number) => string, log: string): string {
  const stacks = groups.map(
    (group) =>
      `stack=log${group}:NFLOG,base${group}:BASE,ifi${group}:IFINDEX,ip2str${group}:IP2STR,mac${group}:HWHDR,json${group}:JSON`,
  );
  const sections = groups.flatMap((group) => [
    `[log${group}]`,
    `group=${group}`,
    'netlink_socket_buffer_size=1048576',
    'netlink_socket_buffer_maxsize=16777216',
    'netlink_qthreshold=20',
    'netlink_qtimeout=5',
    'seq_local=1',
    `[json${group}]`,
    `file="${file(group)}"`,
    'sync=1',
  ]);
  return ['[global]', `logfile="${log}"`, 'loglevel=3', ...stacks, ...sections, ''].join('\n');
}

/** For whoever runs ulogd2 by himself: the configuration, and how its files are read. */
export function ulogdInstructions(groups: readonly number[]): string {
  const file = (group: number) => `/var/log/whydrop/nflog.${group}.json`;
  const follow = groups.map((group) => `--follow-file nflog.${group}.json:nflog-json:${file(group)}`);
  const head = [
    '# ulogd2 for Whydrop: mkdir -p /var/log/whydrop; ulogd -d -c THIS-FILE',
    `# then: whydrop collector ${follow.join(' ')}`,
    '# After logrotate has moved a file: kill -HUP of ulogd. The collector reads the moved file to its end.',
  ];
  return `${head.join('\n')}\n${ulogdConfig(groups, file, '/var/log/whydrop/ulogd.log')}`;
}

const RETRY_MS = 1_000;

/** A ulogd2 for one group; `as` names the stream of a group that tells no drops. */
export function groupReader(
  { sink, watch, past, folder }: ReaderParts,
  group: number,
  as?: { readonly stream: string; readonly class: SpoolClass },
): Reader {
  const format = 'nflog-json';
  const stream = as?.stream ?? `nflog.${group}.json`;
  const channel = as ? undefined : channelOf(format);
  const source = {
    stream,
    format,
    class: as?.class ?? classOf(format),
    ...(channel ? { channel } : {}),
    attributes: { group: String(group) },
  };
  const config = `${folder}/ulogd.${group}.conf`;
  const numbers = new NflogNumbers(watch.now);
  const reader = new CommandReader({
    ...{
      source,
      sink,
      watch,
      fifo: `${folder}/nflog.${group}.fifo`,
      lastAt: past.lastAlive(source.class, stream, channel),
    },
    command: () => ['ulogd', '-c', config],
    writesToFifo: true,
    lossWords: /losing events|ENOBUFS|overrun|maximum buffer size/i,
    begins: () => numbers.begins(),
    look: (lines, missed) => numbers.look(lines, missed),
  });
  const text = ulogdConfig([group], () => `${folder}/nflog.${group}.fifo`, 'stdout');
  let again: NodeJS.Timeout | undefined;
  let noConfig: string | undefined;
  // The disk may be full: then there is a ulogd2 when it is not any more.
  const start = (): void =>
    void writeFile(config, text, { mode: 0o600 }).then(
      () => {
        noConfig = undefined;
        reader.start();
      },
      (error: Error) => {
        noConfig = `${stream}: ${error.message}`;
        watch.warn(stream, error.message);
        again = setTimeout(start, RETRY_MS);
      },
    );
  return {
    name: stream,
    get trouble() {
      return noConfig ?? reader.trouble;
    },
    start,
    stop: async () => {
      clearTimeout(again);
      await reader.stop();
      await rm(config, { force: true });
    },
  };
}

/** A ulogd2 of our own for each NFLOG group: nobody else may listen to a group that one listens to. */
export function nflogReaders(parts: ReaderParts, groups: readonly number[]): readonly Reader[] {
  if (groups.length === 0) return [];
  if (whereIs('ulogd') !== undefined) return groups.map((group) => groupReader(parts, group));
  parts.watch.warn(
    'nflog',
    'the program ulogd is not there (Debian: apt-get install ulogd2 ulogd2-json); NFLOG is not read',
  );
  return [];
}
