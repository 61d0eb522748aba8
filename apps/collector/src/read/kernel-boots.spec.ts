import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Piece, Source } from '../batch/source.js';
import { parseOptions } from '../options.js';
import type { ReaderParts } from '../readers.js';
import type { Cursor } from '../spool/record.js';
import { kernelReaders } from './kernel.js';
import type { Loss, Reader } from './reader.js';

const JOURNALD = ['/usr/lib/systemd/systemd-journald', '/lib/systemd/systemd-journald'].find((file) =>
  existsSync(file),
);
const isRoot = process.getuid?.() === 0;
const hasJournal =
  isRoot && JOURNALD !== undefined && existsSync('/usr/bin/journalctl') && existsSync('/etc/machine-id');
if (!hasJournal && process.env['CI'] === 'true') throw new Error('root and the package systemd are needed');

const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-boots-'));
const searched = process.env['PATH'] ?? '';
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly reader: Reader;
  readonly losses: readonly Loss[];
  text: string;
  cursor: Cursor | undefined;
  alive: number;
}

function read(what: 'kernel' | 'journal', cursor: Cursor | undefined, lastAlive: number | undefined): Run {
  const losses: Loss[] = [];
  const sink = {
    full: false,
    lines: (_source: Source, piece: Piece) => {
      run.text += piece.bytes.toString();
      run.cursor = piece.cursor ?? run.cursor;
    },
    snapshot: () => undefined,
    room: () => Promise.resolve(),
  };
  const watch = {
    now: Date.now,
    lost: (loss: Loss) => void losses.push(loss),
    alive: (_reader: string, _channel: string | undefined, since: number | undefined) => {
      if (since !== undefined) run.alive++;
    },
    warn: () => undefined,
  };
  const options = parseOptions(['--url', 'http://x', '--token', 't', '--node', 'n', '--read', what], {});
  const past = { cursor: () => cursor, lastAlive: () => lastAlive };
  const parts = { options, sink, watch, past, folder } as unknown as ReaderParts;
  const [reader] = kernelReaders(parts);
  if (!reader) throw new Error('no reader');
  const run: Run = { reader, losses, text: '', cursor, alive: 0 };
  reader.start();
  return run;
}

async function until(done: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !done(); await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (Date.now() > end) throw new Error('it did not come');
  }
}

/** Lets what was begun be read. */
const listening = (run: Run) => until(() => run.alive > 0);

function canReadKmsg(): boolean {
  return isRoot && spawnSync('dd', ['if=/dev/kmsg', 'of=/dev/null', 'bs=8192', 'count=1']).status === 0;
}

function kmsg(): void {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

  it('reads on in the same boot without a gap', async () => {
    const first = read('kernel', undefined, undefined);
    await until(() => first.cursor !== undefined);
    await listening(first);
    await first.reader.stop();
    const second = read('kernel', first.cursor, Date.now() - 600_000);
    await listening(second);
    await second.reader.stop();
    expect(second.losses.filter(({ reason }) => reason === 'NOT_RUNNING')).toEqual([]);
  });

  it('tells the time since another boot was read', async () => {
    const lastAlive = Date.now() - 600_000;
    const run = read('kernel', { boot: `not ${boot}`, kmsg: 10 ** 9 }, lastAlive);
    await listening(run);
    await run.reader.stop();
    expect(run.losses[0]).toBeDefined();
    expect(run.losses.map(({ from }) => from)).toContain(lastAlive);
    expect(run.losses.some(({ reason }) => reason === 'NOT_RUNNING')).toBe(true);
    expect(run.text).not.toBe('');
  });
}

/** A journald of its own; `as` tells it the name of the boot. */
class Journal {
  private readonly holder: ChildProcess;
  private daemon: ChildProcess | undefined;

  constructor() {
    const make = 'mount -t tmpfs none /run && mkdir -p /run/log/journal /run/systemd/journal /run/boots';
    const alone = '{ [ ! -d /var/log/journal ] || mount -t tmpfs none /var/log/journal; }';
    this.holder = spawn('unshare', ['-m', 'sh', '-c', `${make} && ${alone} && touch /run/ready && exec sleep 600`]);
  }

  words(...words: readonly string[]): readonly string[] {
    return [`--mount=/proc/${this.holder.pid}/ns/mnt`, ...words];
  }

  run(script: string): string {
    return spawnSync('nsenter', this.words('sh', '-c', script)).stdout.toString();
  }

  async open(): Promise<void> {
    await until(() => this.run('ls /run/ready') !== '');
    const file = path.join(folder, 'journalctl');
    writeFileSync(file, `#!/bin/sh\nexec nsenter ${this.words('/usr/bin/journalctl').join(' ')} "$@"\n`);
    chmodSync(file, 0o755);
    process.env['PATH'] = `${folder}:${searched}`;
  }

  async boot(id: string): Promise<void> {
    await this.end();
    this.run(`echo ${id} > /run/boots/${id}; mount --bind /run/boots/${id} /proc/sys/kernel/random/boot_id`);
    this.daemon = spawn('nsenter', [...this.words(JOURNALD ?? '')]);
    await this.say(`whydrop boot ${id}`);
  }

  /** What the kernel says, until it is in the journal. */
  async say(text: string): Promise<void> {
    // Without its newline the kernel waits for more of it.
    writeFileSync('/dev/kmsg', `${text}\n`);
    await until(() => this.run('journalctl _TRANSPORT=kernel -o cat -n 50').includes(text));
  }

  async end(): Promise<void> {
    const { daemon } = this;
    if (!daemon) return;
    const over = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    await over;
    this.daemon = undefined;
  }

  async close(): Promise<void> {
    process.env['PATH'] = searched;
    await this.end();
    this.holder.kill('SIGKILL');
  }
}

/** Ends the journalctl that this process started. */
function endJournalctl(): void {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ');
  const name = (pid: string) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  for (const pid of children) if (name(pid) === 'journalctl') process.kill(Number(pid));
}

function journal(): void {
  const system = new Journal();
  const unique = `${process.pid}-${Date.now()}`;
  const [first, second] = ['aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002'];
  beforeAll(() => system.open());
  afterAll(() => system.close());
  let cursor: Cursor | undefined;

  it('is read from its end at first, and a journalctl that is started again misses nothing', async () => {
    await system.boot(first);
    await system.say(`before ${unique}`);
    const run = read('journal', undefined, undefined);
    await listening(run);
    await system.say(`one ${unique}`);
    await until(() => run.text.includes(`one ${unique}`));
    const heard = run.alive;
    endJournalctl();
    await system.say(`two ${unique}`);
    await until(() => run.text.includes(`two ${unique}`));
    await until(() => run.alive > heard);
    await run.reader.stop();
    expect(run.text).not.toContain(`before ${unique}`);
    expect(run.losses).toEqual([]);
    cursor = run.cursor;
  });

  it('gives what was not read of an earlier boot, without a gap', async () => {
    await system.say(`rest ${unique}`);
    await system.boot(second);
    const run = read('journal', cursor, Date.now() - 60_000);
    await until(() => run.text.includes(`whydrop boot ${second}`));
    await listening(run);
    await run.reader.stop();
    expect(run.text).toContain(`rest ${unique}`);
    expect(run.losses).toEqual([]);
  });

  it('tells when what was read last was deleted', async () => {
    system.run('journalctl --rotate');
    await until(() => {
      system.run('journalctl --vacuum-time=1ms');
      return system.run(`journalctl -o cat | grep -cF 'rest ${unique}'`).trim() === '0';
    });
    const lastAlive = Date.now() - 60_000;
    const run = read('journal', cursor, lastAlive);
    await listening(run);
    await run.reader.stop();
    expect(run.losses).toMatchObject([{ reason: 'EVENTS_LOST', channel: 'kernel-log', from: lastAlive }]);
  });
}

if (canReadKmsg()) describe('the ring of the kernel', kmsg);
else console.warn('the tests with /dev/kmsg are left out: it cannot be read here');
if (hasJournal) describe('the journal', journal);
else console.warn('the tests with a real journald are left out: they need root and the package systemd');
