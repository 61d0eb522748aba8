import type { ReaderParts } from '../readers.js';
import { runTool, whereIs } from './child.js';
import { channelOf, classOf } from './classes.js';
import { CommandReader } from './command.js';
import type { Reader } from './reader.js';

const STREAM = 'conntrack.log';

/** `conntrack -E`: every connection that begins, changes and ends; `conntrack -L` when events may have been missed. */
export function conntrackReaders({ options, sink, watch, past, folder }: ReaderParts): readonly Reader[] {
  if (!options.read.includes('conntrack')) return [];
  if (whereIs('conntrack') === undefined) {
    watch.warn(
      STREAM,
      'the program conntrack is not there (Debian: apt-get install conntrack); connections are not read',
    );
    return [];
  }
  const format = 'conntrack-events';
  const source = { stream: STREAM, format, class: classOf(format), channel: channelOf(format) ?? 'conntrack' };
  const events = options.conntrackEvents.length === 0 ? [] : ['-e', options.conntrackEvents.join(',')];
  const dump = { stream: 'conntrack.dump', format: 'conntrack-dump', class: classOf('conntrack-dump') };
  const resync = () => {
    const at = watch.now();
    runTool(['conntrack', '-L', '-o', 'id']).then(
      ({ stdout }) => stdout.length > 0 && sink.snapshot(dump, stdout, at),
      (error: Error) => watch.warn(dump.stream, error.message),
    );
  };
  const command = () => ['conntrack', '-E', '-o', 'timestamp,id', '-b', String(options.conntrackBuffer), ...events];
  const lastAt = past.lastAlive(source.class, STREAM, source.channel);
  return [
    new CommandReader({
      ...{ source, sink, watch, command, resync, lastAt },
      fifo: `${folder}/conntrack.fifo`,
      lossWords: /ENOBUFS/,
      buffer: options.conntrackBuffer,
    }),
  ];
}
