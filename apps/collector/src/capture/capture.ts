import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CoverageClock } from '../batch/coverage.js';
import { OptionError, type CollectorOptions } from '../options.js';
import type { Loss, Watch } from '../read/reader.js';
import { openReaders } from '../readers.js';
import { FolderSink } from './folder-sink.js';

/** What was captured. */
export interface Captured {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  /** Channels that were read without a gap from `from` to `to`. */
  readonly complete: readonly string[];
  readonly losses: readonly Loss[];
  readonly warnings: readonly string[];
  readonly kernel: string;
}

/** What the readers say of themselves while a capture runs. */
class CaptureWatch implements Watch {
  readonly now = Date.now;
  readonly coverage = new CoverageClock();
  readonly losses: Loss[] = [];
  readonly warnings: string[] = [];

  lost(loss: Loss): void {
    this.losses.push(loss);
  }

  alive(reader: string, channel: string | undefined, since: number | undefined): void {
    if (channel !== undefined) this.coverage.alive(reader, channel, since);
  }

  warn(reader: string, message: string): void {
    this.warnings.push(`${reader}: ${message}`);
  }
}

/** What the kernel and the tools have not handed out yet comes within this time. */
const SETTLE_MS = 1_200;
const READY_MS = 600;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Reads a node with the collector's readers into `directory/nodes/NODE`, until `until` resolves. The folder must be empty
 * or not there: two captures in one folder would be one that never was.
 */
export async function captureNode(
  directory: string,
  options: CollectorOptions,
  until: Promise<unknown>,
): Promise<Captured> {
  const there = await readdir(directory).catch(() => []);
  if (there.length > 0) throw new OptionError(`${directory}: is not empty`);
  await mkdir(directory, { recursive: true });
  const scratch = await mkdtemp(path.join(tmpdir(), 'whydrop-capture-'));
  const sink = new FolderSink(path.join(directory, 'nodes', options.node));
  const watch = new CaptureWatch();
  const past = { cursor: () => undefined, lastAlive: () => undefined, held: () => 0 };
  const readers = openReaders({ options, sink, watch, past, folder: scratch });
  try {
    const begun = Date.now();
    for (const reader of readers) reader.start();
    await sleep(READY_MS);
    await until;
    // A last look at the rules: what moved since the one before belongs to this capture.
    for (const reader of readers) await reader.takeOne?.();
    const to = Date.now();
    await sleep(SETTLE_MS);
    await Promise.all(readers.map((reader) => reader.stop()));
    const channels = watch.coverage
      .channels()
      .filter(([channel]) => !watch.losses.some((loss) => loss.channel === channel));
    const kernel = (await readFile('/proc/sys/kernel/osrelease', 'utf8')).trim().replace(/-.*$/, '');
    const from = Math.max(begun, ...channels.map(([, since]) => since));
    const { losses, warnings } = watch;
    return {
      from,
      to,
      bytes: sink.bytes,
      complete: channels.map(([channel]) => channel).toSorted(),
      losses,
      warnings,
      kernel,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
