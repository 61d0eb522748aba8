import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CoverageClock } from '../batch/coverage.js';
import type { Sink } from '../batch/source.js';
import { CommandReader, type CommandOptions } from './command.js';
import type { Loss, Watch } from './reader.js';

const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-losses-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SOURCE = { stream: 's', format: 'conntrack-events', class: 'flows', channel: 'conntrack' } as const;
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

class Seen implements Watch {
  readonly losses: Loss[] = [];
  readonly clock = new CoverageClock();
  readonly warnings: string[] = [];
  /** Added to the clock of the node. */
  step = 0;
  now = () => Date.now() + this.step;
  lost(loss: Loss): void {
    this.losses.push(loss);
  }
  alive(reader: string, channel: string | undefined, since: number | undefined): void {
    if (channel !== undefined) this.clock.alive(reader, channel, since);
  }
  warn(_reader: string, message: string): void {
    this.warnings.push(message);
  }
  /** Since when the channel counts as read. */
  get since(): number | undefined {
    return this.clock.channels()[0]?.[1];
  }
  get lostEvents(): readonly Loss[] {
    return this.losses.filter(({ reason }) => reason === 'EVENTS_LOST');
  }
}

class Bucket implements Sink {
  full = false;
  text = '';
  lines(_source: unknown, { bytes }: { readonly bytes: Buffer }): void {
    this.text += bytes.toString();
  }
  snapshot(): void {}
  room(): Promise<void> {
    return Promise.resolve();
  }
}

async function until(done: () => boolean): Promise<void> {
  for (const end = Date.now() + 15_000; !done(); await sleep(10)) {
    if (Date.now() > end) throw new Error('it did not come');
  }
}

let reader: CommandReader | undefined;
afterEach(() => reader?.stop());

function start(script: string, sink: Sink, watch: Watch, more: Partial<CommandOptions> = {}): CommandReader {
  const fifo = path.join(folder, `fifo-${Math.random()}`);
  const command = () => ['sh', '-c', script];
  reader = new CommandReader({ source: SOURCE, sink, watch, fifo, command, lossWords: /ENOBUFS/, ...more });
  reader.start();
  return reader;
}

/** Says a loss for each line that the test writes into the pipe `go`. */
const SAYS_WHEN_TOLD = (go: string) => `while [ ! -e ${go}.end ]; do
  if [ -e ${go} ]; then rm ${go}; echo ENOBUFS >&2; fi; sleep 0.02; done; exec sleep 60`;

async function say(go: string): Promise<void> {
  writeFileSync(go, '');
  await until(() => !existsSync(go));
}

describe('a tool that says its losses', () => {
  it('is not believed between two losses within a second, and the second one is told at the end of it', async () => {
    const [watch, go] = [new Seen(), path.join(folder, 'go-1')];
    start(SAYS_WHEN_TOLD(go), new Bucket(), watch);
    await until(() => watch.since !== undefined);
    await say(go);
    await until(() => watch.lostEvents.length === 1);
    await say(go);
    await until(() => watch.since === undefined || watch.lostEvents.length > 1);
    await until(() => watch.lostEvents.length === 2);
    const [first, second] = watch.lostEvents;
    expect(second?.from).toBeGreaterThanOrEqual(first?.to ?? Infinity);
    expect(watch.since).toBe(second?.to);
  });

  it('tells what it said last before it ends', async () => {
    const [watch, go] = [new Seen(), path.join(folder, 'go-2')];
    const reads = start(SAYS_WHEN_TOLD(go), new Bucket(), watch);
    await until(() => watch.since !== undefined);
    await say(go);
    await until(() => watch.lostEvents.length === 1);
    await say(go);
    await until(() => watch.since === undefined || watch.lostEvents.length > 1);
    await reads.stop();
    expect(watch.lostEvents).toHaveLength(2);
  });

  it('is heard also when the clock of the node was put back', async () => {
    const [watch, go] = [new Seen(), path.join(folder, 'go-3')];
    start(SAYS_WHEN_TOLD(go), new Bucket(), watch);
    await until(() => watch.since !== undefined);
    await say(go);
    await until(() => watch.lostEvents.length === 1);
    watch.step = -3_600_000;
    await say(go);
    await until(() => watch.lostEvents.length === 2);
    const second = watch.lostEvents[1];
    expect(second && second.to - second.from).toBeGreaterThanOrEqual(0);
    expect(second && second.to - second.from).toBeLessThan(60_000);
  });
});

describe('a pause while the disk is full', () => {
  it('counts from its beginning when the tool says a loss behind it', async () => {
    const [watch, go, sink] = [new Seen(), path.join(folder, 'go-4'), new Bucket()];
    // It cannot go on, and not say what it lost, before its lines are read.
    const script = `while [ ! -e ${go} ]; do sleep 0.02; done; yes | head -c 400000; echo ENOBUFS >&2; exec sleep 60`;
    start(script, sink, watch);
    await until(() => watch.since !== undefined);
    const since = watch.since;
    sink.full = true;
    const pausedAt = Date.now();
    await until(() => watch.since === undefined);
    writeFileSync(go, '');
    await sleep(1_500);
    sink.full = false;
    await until(() => watch.lostEvents.length === 1);
    expect(since).toBeDefined();
    expect(watch.lostEvents[0]?.from).toBeLessThanOrEqual(pausedAt + 100);
  });

  it('is no loss when the tool kept all', async () => {
    const [watch, sink] = [new Seen(), new Bucket()];
    start('exec sleep 60', sink, watch);
    await until(() => watch.since !== undefined);
    const since = watch.since;
    sink.full = true;
    await until(() => watch.since === undefined);
    sink.full = false;
    await until(() => watch.since !== undefined);
    expect(watch.since).toBe(since);
    expect(watch.losses).toEqual([]);
  });
});

describe('a tool that does not work', () => {
  it('is named until it works', async () => {
    const [watch, go] = [new Seen(), path.join(folder, 'works')];
    const reads = start(`[ -e ${go} ] && exec sleep 60; echo no permission >&2; exit 1`, new Bucket(), watch);
    await until(() => reads.trouble !== undefined);
    expect(reads.trouble).toBe('s: the tool ended (no permission exit code 1)');
    writeFileSync(go, '');
    await until(() => reads.trouble === undefined);
  });

  it('is named also between two starts that look well', async () => {
    const watch = new Seen();
    const reads = start('sleep 0.6; exit 1', new Bucket(), watch);
    await until(() => watch.warnings.length === 3);
    let named = true;
    await until(() => {
      named &&= reads.trouble !== undefined;
      return watch.warnings.length === 4;
    });
    expect(named).toBe(true);
  });
});

describe('what the source keeps while nobody reads', () => {
  it('is no loss when the tool was started again', async () => {
    const [watch, sink] = [new Seen(), new Bucket()];
    start('echo one; sleep 0.6; exit 1', sink, watch, { keeps: true });
    await until(() => sink.text.split('one').length > 3);
    expect(watch.losses).toEqual([]);
  });
});
