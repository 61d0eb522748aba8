import { readFileSync } from 'node:fs';
import type { Piece } from '../batch/source.js';
import type { ReaderParts } from '../readers.js';
import { whereIs } from './child.js';
import { channelOf, classOf } from './classes.js';
import { CommandReader, type Missed } from './command.js';
import { FileFollower } from './follow.js';
import { journalReader } from './journal.js';
import type { Reader } from './reader.js';

const FORMAT = 'kernel-log';
const CLASS = classOf(FORMAT);

function source(stream: string, attributes: Readonly<Record<string, string>> = {}) {
  const channel = channelOf(FORMAT);
  return { stream, format: FORMAT, class: CLASS, attributes, ...(channel ? { channel } : {}) };
}

const MESSAGE = /^\d{1,4},(\d{1,20}),/;

const OVERWRITTEN = 'the kernel wrote over messages before they were read';

/**
 * Numbers of /dev/kmsg: it shows everything that the kernel still has, each message with its number. What an earlier
 * look has seen is left out, what the ring has lost is counted.
 */
export class KmsgNumbers {
  /** Nothing has come of the tool yet: it may still have to tell what is new. */
  private waits = true;

  constructor(
    private last: number | undefined,
    private readonly boot: string,
    private readonly now: () => number,
    /** When it was looked last, milliseconds since 1970. */
    private lookedAt?: number,
  ) {}

  /** The tool starts: it shows everything again. */
  begins(): void {
    this.waits = true;
  }

  look(lines: Buffer, missed: Missed): Piece | undefined {
    const kept: string[] = [];
    let fresh = true;
    for (const line of lines.toString('latin1').split('\n')) {
      const number = MESSAGE.exec(line)?.[1];
      // Lines that begin with a blank go with the message before them.
      if (number !== undefined) fresh = this.isFresh(Number(number), missed);
      if (fresh && line !== '') kept.push(line);
    }
    this.waits &&= lines.length === 0;
    if (!this.waits) this.lookedAt = this.now();
    if (kept.length === 0) return undefined;
    return { bytes: Buffer.from(`${kept.join('\n')}\n`, 'latin1'), cursor: { boot: this.boot, kmsg: this.last } };
  }

  private isFresh(number: number, missed: Missed): boolean {
    if (this.last !== undefined && number <= this.last) return false;
    const missing = this.last === undefined ? 0 : number - this.last - 1;
    if (missing > 0) {
      const now = this.now();
      missed({ from: Math.min(now - 1_000, this.lookedAt ?? now), to: now, records: missing, detail: OVERWRITTEN });
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

/** Where reading goes on: another boot numbers from 0, and its predecessor's messages are gone. */
function kmsgReader({ sink, watch, past, folder }: ReaderParts): Reader {
  const stream = 'kernel.log';
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const cursor = past.cursor(CLASS, stream);
  const isSameBoot = cursor?.['boot'] === boot;
  const lastAlive = past.lastAlive(CLASS, stream, channelOf(FORMAT));
  const last = isSameBoot ? Number(cursor['kmsg']) : -1;
  const numbers = new KmsgNumbers(cursor && last, boot, watch.now, lastAlive);
  return new CommandReader({
    ...{ sink, watch, source: source(stream, { bootTime: bootTime() }), fifo: `${folder}/kernel.fifo` },
    command: () => ['cat', '/dev/kmsg'],
    // The numbers tell what is missing; of an earlier boot nothing does.
    ...{ lossWords: /(?!)/, keeps: true, lastAt: isSameBoot ? undefined : lastAlive },
    begins: () => numbers.begins(),
    look: (lines, missed) => numbers.look(lines, missed),
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
