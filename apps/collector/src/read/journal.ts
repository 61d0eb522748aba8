import { readFileSync } from 'node:fs';
import type { ReaderParts } from '../readers.js';
import { runTool } from './child.js';
import { channelOf, classOf } from './classes.js';
import { CommandReader } from './command.js';
import type { Reader } from './reader.js';

const FORMAT = 'kernel-log';
const STREAM = 'journal.json';

/** `-k` is of this boot only, and so is `-f` unless journals are merged: merged, but those of this machine. */
function ownBoots(): readonly string[] {
  try {
    return ['--merge', `_MACHINE_ID=${readFileSync('/etc/machine-id', 'utf8').trim()}`];
  } catch {
    // Without it journalctl finds no journal either, and says so.
    return [];
  }
}

/** The cursor of the last entry in some lines of `journalctl -o json`. */
function cursorIn(lines: string): string | undefined {
  const at = lines.lastIndexOf('"__CURSOR"');
  return at < 0 ? undefined : /^"__CURSOR" ?: ?"([^"]*)"/.exec(lines.slice(at))?.[1];
}

async function ask(...words: readonly string[]): Promise<string | undefined> {
  const { stdout } = await runTool(['journalctl', ...words, '-n', '1', '-o', 'json']);
  return cursorIn(stdout.toString());
}

/** Where the journal ends; undefined when it is empty. */
const endOf = (): Promise<string | undefined> => ask();

/** Whether an entry is still there: journald deletes old files, and journalctl then goes on at the next entry that it has. */
async function isKept(cursor: string): Promise<boolean> {
  return (await ask(`--cursor=${cursor}`)) === cursor;
}

/** When the entry was written, in milliseconds since 1970 (systemd `sd-journal.c`: `t` is its realtime in hexadecimal microseconds). */
function timeOf(cursor: string): number | undefined {
  const micros = /(?:^|;)t=([0-9a-f]{1,14})(?:;|$)/.exec(cursor)?.[1];
  return micros === undefined ? undefined : Math.floor(Number.parseInt(micros, 16) / 1000);
}

/** Where to read on in the journal. It keeps what nobody reads, also that of an earlier boot, until journald deletes it. */
class JournalPlace {
  private begun = false;
  /** Nothing was there when reading began: everything is new. */
  private fromStart = false;
  private told: string | undefined;

  constructor(
    private readonly parts: ReaderParts,
    public after: string | undefined,
    private readonly lastAlive: number | undefined,
  ) {}

  /** Before each start of journalctl. */
  async look(): Promise<void> {
    if (this.after === undefined) await this.beginAtEnd();
    else if (this.told !== this.after && !(await isKept(this.after))) this.gone(this.after);
    this.begun = true;
  }

  private async beginAtEnd(): Promise<void> {
    if (!this.fromStart) this.after = await endOf();
    this.fromStart = this.after === undefined;
    if (!this.begun && this.lastAlive !== undefined) this.lost('NOT_RUNNING', this.lastAlive, undefined);
  }

  private gone(cursor: string): void {
    this.told = cursor;
    const detail = 'the journal does not have any more what was read last; what came behind it may be gone too';
    const from = this.begun ? timeOf(cursor) : (this.lastAlive ?? timeOf(cursor));
    this.lost('EVENTS_LOST', from, detail);
  }

  private lost(reason: 'NOT_RUNNING' | 'EVENTS_LOST', from: number | undefined, detail: string | undefined): void {
    const to = this.parts.watch.now();
    const facts = { stream: STREAM, channel: channelOf(FORMAT), reason, from: Math.min(from ?? to, to), to };
    this.parts.watch.lost(detail === undefined ? facts : { ...facts, detail });
  }
}

/** The kernel's messages in the journal, of this boot and of those before. */
export function journalReader(parts: ReaderParts): Reader {
  const { sink, watch, past, folder } = parts;
  const [channel, spoolClass] = [channelOf(FORMAT), classOf(FORMAT)];
  const cursor = past.cursor(spoolClass, STREAM)?.['journal'];
  const after = typeof cursor === 'string' ? cursor : undefined;
  const place = new JournalPlace(parts, after, past.lastAlive(spoolClass, STREAM, channel));
  const source = { stream: STREAM, format: FORMAT, class: spoolClass, attributes: {}, ...(channel ? { channel } : {}) };
  return new CommandReader({
    ...{ sink, watch, source, fifo: `${folder}/journal.fifo`, lossWords: /Suppressed|vacuumed/, keeps: true },
    begins: () => place.look(),
    command: () => [
      ...['journalctl', ...ownBoots(), '_TRANSPORT=kernel', '-f', '-o', 'json', '--no-tail'],
      ...(place.after === undefined ? [] : [`--after-cursor=${place.after}`]),
    ],
    look: (bytes) => {
      if (bytes.length === 0) return undefined;
      place.after = cursorIn(bytes.toString()) ?? place.after;
      return { bytes, ...(place.after === undefined ? {} : { cursor: { journal: place.after } }) };
    },
  });
}
