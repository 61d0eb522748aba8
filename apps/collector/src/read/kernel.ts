import { readFileSync } from 'node:fs';
import type { Piece } from '../batch/source.js';
import type { ReaderParts } from '../readers.js';
import { whereIs } from './child.js';
import { channelOf, classOf } from './classes.js';
import { CommandReader } from './command.js';
import { FileFollower } from './follow.js';
import type { Reader, Watch } from './reader.js';

const FORMAT = 'kernel-log';
const CLASS = classOf(FORMAT);

function source(stream: string, attributes: Readonly<Record<string, string>> = {}) {
  const channel = channelOf(FORMAT);
  return { stream, format: FORMAT, class: CLASS, attributes, ...(channel ? { channel } : {}) };
}

const MESSAGE = /^\d{1,4},(\d{1,20}),/;

/**
 * Numbers of /dev/kmsg: it shows everything that the kernel still has, each message with its number. What an earlier
 * look has seen is left out, what the ring has lost is counted.
 */
export class KmsgNumbers {
  constructor(
    private last: number | undefined,
    private readonly boot: string,
    private readonly watch: Watch,
  ) {}

  look(lines: Buffer): Piece | undefined {
    const kept: string[] = [];
    let fresh = true;
    for (const line of lines.toString('latin1').split('\n')) {
      const number = MESSAGE.exec(line)?.[1];
      // Lines that begin with a blank go with the message before them.
      if (number !== undefined) fresh = this.isFresh(Number(number));
      if (fresh && line !== '') kept.push(line);
    }
    if (kept.length === 0) return undefined;
    return { bytes: Buffer.from(`${kept.join('\n')}\n`, 'latin1'), cursor: { boot: this.boot, kmsg: this.last } };
  }

  private isFresh(number: number): boolean {
    if (this.last !== undefined && number <= this.last) return false;
    const missing = this.last === undefined ? 0 : number - this.last - 1;
    if (missing > 0) {
      const [now, channel] = [this.watch.now(), channelOf(FORMAT)];
      const detail = 'the kernel wrote over messages before they were read';
      this.watch.lost({
        stream: 'kernel.log',
        channel,
        reason: 'EVENTS_LOST',
        from: now - 1_000,
        to: now,
        records: missing,
        detail,
      });
    }
    this.last = number;
    return true;
  }
}

/** Seconds since 1970 at which the boot clock was 0. */
function bootTime(): string {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return (Date.now() / 1000 - uptime).toFixed(3);
}

function kmsgReader({ sink, watch, past, folder }: ReaderParts): Reader {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const cursor = past.cursor(CLASS, 'kernel.log');
  const last = cursor?.['boot'] === boot ? Number(cursor['kmsg']) : undefined;
  const numbers = new KmsgNumbers(last, boot, watch);
  return new CommandReader({
    ...{ sink, watch, source: source('kernel.log', { bootTime: bootTime() }), fifo: `${folder}/kernel.fifo` },
    command: () => ['cat', '/dev/kmsg'],
    // The numbers tell what is missing.
    lossWords: /(?!)/,
    look: (lines) => numbers.look(lines),
  });
}

function journalReader({ sink, watch, past, folder }: ReaderParts): Reader {
  const stream = 'journal.json';
  let after = past.cursor(CLASS, stream)?.['journal'];
  return new CommandReader({
    ...{ sink, watch, source: source(stream), fifo: `${folder}/journal.fifo`, lossWords: /Suppressed|vacuumed/ },
    command: () => [
      ...['journalctl', '-k', '-f', '-o', 'json'],
      ...(typeof after === 'string' ? ['--no-tail', `--after-cursor=${after}`] : ['-n', '0']),
    ],
    // What was not read is still in the journal.
    lastAt: typeof after === 'string' ? undefined : past.lastAlive(CLASS, stream, channelOf(FORMAT)),
    look: (bytes) => {
      if (bytes.length === 0) return undefined;
      const text = bytes.toString();
      const at = text.lastIndexOf('"__CURSOR"');
      after = at < 0 ? after : /^"__CURSOR" ?: ?"([^"]*)"/.exec(text.slice(at))?.[1];
      return { bytes, ...(typeof after === 'string' ? { cursor: { journal: after } } : {}) };
    },
  });
}

/** The kernel's messages, from where the options say: its ring, the journal, or a file that syslog writes. */
export function kernelReaders(parts: ReaderParts): readonly Reader[] {
  const { options, sink, watch, past } = parts;
  const readers: Reader[] = [];
  if (options.read.includes('kernel')) readers.push(kmsgReader(parts));
  if (options.read.includes('journal')) {
    if (whereIs('journalctl') === undefined)
      watch.warn('journal.json', 'the program journalctl is not there; the journal is not read');
    else readers.push(journalReader(parts));
  }
  if (options.kernelLog !== undefined) {
    const stream = 'kernel.file.log';
    const cursor = past.cursor(CLASS, stream);
    readers.push(new FileFollower({ source: source(stream), path: options.kernelLog, sink, watch, cursor }));
  }
  return readers;
}
