import { setTimeout as sleep } from 'node:timers/promises';
import type { Piece } from '../batch/source.js';
import { OptionError } from '../options.js';
import type { ReaderParts } from '../readers.js';
import { channelOf, classOf } from './classes.js';
import { CommandReader } from './command.js';
import { KeptRules } from './kept-rules.js';
import { ownMark } from './own-rules.js';
import type { Reader } from './reader.js';

/** Words of iptables that choose packets; nothing else gets into the rule. */
const CHOOSING = ['-p', '-s', '-d', '-i', '--sport', '--dport', '--syn', '--icmp-type'];
const VALUE = /^[\w.:/!-]{1,60}$/;

/** The words of `--trace-match`; throws when one of them does more than choose packets. */
export function matchWords(text: string): readonly string[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const wrong = words.find((word) => (word.startsWith('-') ? !CHOOSING.includes(word) : !VALUE.test(word)));
  if (wrong !== undefined) throw new OptionError(`--trace-match ${wrong}: only ${CHOOSING.join(' ')} choose packets`);
  return words;
}

const RECORD = /^ ?(?:PACKET|TRACE): \d+ ([0-9a-f]+) /;
/** A packet's trace is over when nothing of it came for this long. */
const QUIET_MS = 300;

interface Held {
  readonly lines: string[];
  at: number;
}

/**
 * Puts the time in front of each line, and keeps the lines of one packet together, also where those of several processors
 * come mingled: a batch never begins inside one.
 */
export class TraceStamper {
  /** What is not over, by the packet's number; the one that began first is first. */
  private readonly held = new Map<string, Held>();
  private lastId = '';

  constructor(private readonly now: () => number) {}

  look(lines: Buffer): Piece | undefined {
    const at = this.now();
    for (const line of lines.toString('latin1').split('\n')) if (line !== '') this.hold(line, at);
    const out: string[] = [];
    for (const [id, held] of this.held) {
      // A clock that was set back holds nothing up.
      if (at >= held.at && at - held.at < QUIET_MS) continue;
      out.push(...held.lines);
      this.held.delete(id);
    }
    return out.length === 0 ? undefined : { bytes: Buffer.from(`${out.join('\n')}\n`, 'latin1') };
  }

  private hold(line: string, at: number): void {
    this.lastId = RECORD.exec(line)?.[1] ?? this.lastId;
    const held = this.held.get(this.lastId) ?? { lines: [], at };
    held.lines.push(`${(at / 1000).toFixed(6)} ${line}`);
    held.at = at;
    this.held.set(this.lastId, held);
  }
}

const STREAM = 'trace.log';
/** Until it is tried again to take the rules out. */
const RETRY_MS = 5_000;
/** So many packets a second are traced at most. */
const RATE = 50;

/**
 * `--trace 30s`: the kernel names every rule that chosen packets meet, for a while. The rule that asks for it is our own,
 * bounded in rate and time, and goes with the time or with the collector.
 */
export function traceReaders(parts: ReaderParts): readonly Reader[] {
  const { options, sink, watch, folder } = parts;
  const seconds = options.traceSeconds;
  if (seconds === undefined) return [];
  const format = 'xtables-trace';
  const words = [...matchWords(options.traceMatch), '-m', 'limit', '--limit', `${RATE}/second`];
  const stamper = new TraceStamper(watch.now);
  const channel = channelOf(format);
  const rules = new KeptRules({
    ...{ spool: options.spool, mark: ownMark('trace', options.node), watch, stream: STREAM, channel },
    ...{ chains: ['PREROUTING', 'OUTPUT'], words, target: ['-j', 'TRACE'] },
  });
  const reader = new CommandReader({
    ...{ sink, watch, fifo: `${folder}/trace.fifo`, lossWords: /ENOBUFS|No buffer space|lost/i },
    source: { stream: STREAM, format, class: classOf(format), ...(channel ? { channel } : {}) },
    command: () => ['stdbuf', '-oL', 'xtables-monitor', '--trace'],
    look: (lines) => stamper.look(lines),
  });
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  let ending: Promise<void> = Promise.resolve();
  /** The time is over, the collector goes on. */
  const end = async (): Promise<void> => {
    over = true;
    if (await rules.end()) await quiet();
    else timer = setTimeout(later, RETRY_MS);
  };
  const later = (): void => {
    ending = end();
  };
  const quiet = async () => {
    await sleep(2 * QUIET_MS);
    await reader.stop();
  };
  return [
    {
      name: reader.name,
      get trouble() {
        return over ? undefined : (rules.trouble ?? reader.trouble);
      },
      start: () => {
        reader.start();
        rules.start();
        timer = setTimeout(later, seconds * 1000);
      },
      stop: async () => {
        clearTimeout(timer);
        await ending;
        clearTimeout(timer);
        await rules.stop();
        await quiet();
      },
    },
  ];
}
