import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FakeClock } from './fake-clock.js';
import type { Link } from './link.js';
import type { Manifest } from './manifest.js';
import { OwnDisk } from './own-disk.js';
import { Chance } from './random.js';
import { numberedLine } from './records.js';
import { CLUSTER } from './sender.js';
import { ServerProcess } from './server-process.js';
import type { World } from './world.js';

/** Of the disk that its spool lies on. */
const SPOOL_MIB = 8;

/** A real collector that follows a file in which numbered records appear. */
export class Collector {
  readonly process: ServerProcess;
  /** Of its spool; absent where we may not mount. */
  readonly ownDisk: OwnDisk | undefined;
  /** Its wall clock; absent where libfaketime is not installed. */
  readonly clock: FakeClock | undefined;
  private readonly spool: string;
  private readonly file: string;
  /** Of the log that is written; after a rotation still of the old one, until whoever writes is told. */
  private log: number;
  private rotations = 0;
  private writing: Promise<void> | undefined;
  private more = true;
  /** When which number was the last one in the file. */
  private readonly marks: { readonly at: number; readonly number: number }[] = [];

  constructor(
    private readonly world: World,
    private readonly manifest: Manifest,
    private readonly chance: Chance,
    /** Its way to the API; through the host's own loopback when there is none. */
    link?: Link,
  ) {
    const disk = path.join(world.dir, 'spool-disk');
    mkdirSync(disk);
    this.ownDisk = OwnDisk.mount(disk, SPOOL_MIB);
    this.clock = FakeClock.at(path.join(world.dir, 'clock'));
    this.spool = path.join(disk, 'spool');
    this.file = path.join(world.dir, 'conntrack.log');
    this.log = openSync(this.file, 'a');
    const url = link?.url ?? `http://127.0.0.1:${world.network.api.port}`;
    const to = ['--url', url, '--token', world.token, '--cluster', CLUSTER];
    const from = ['--read', 'none', '--follow-file', `followed.log:conntrack-events:${this.file}`];
    const own = ['--node', 'node-c', '--spool', this.spool, '--spool-size', '4M', '--status', 'none'];
    const program = [path.join(world.product, 'dist/apps/collector/src/main.js'), ...to, ...from, ...own];
    const [command, args] = link?.inside(process.execPath, program) ?? [process.execPath, program];
    this.process = new ServerProcess({
      name: 'collector',
      command,
      args,
      env: { ...world.environment, ...this.clock?.environment },
      log: path.join(world.dir, 'collector.log'),
    });
  }

  start(): void {
    this.process.start();
    this.writing = this.write();
  }

  private async write(): Promise<void> {
    while (this.more) {
      const numbers = Array.from({ length: this.chance.int(1, 10) }, () => this.manifest.number());
      const now = Date.now() * 1000;
      writeSync(this.log, numbers.map((n, at) => `${numberedLine('conntrack-events', n, now + at)}\n`).join(''));
      for (const number of numbers) this.manifest.written.add(number);
      this.marks.push({ at: Date.now(), number: numbers.at(-1) ?? 0 });
      await sleep(200 + 200 * this.chance.next());
    }
  }

  /** The last record that was in the file at that moment, when it is not stored. */
  async missing(made: number): Promise<number | undefined> {
    const mark = this.marks.findLast(({ at }) => at <= made);
    if (!mark) return undefined;
    const rows = await this.world.query('SELECT 1 FROM flow WHERE conntrack_id = $1', [mark.number]);
    return rows.length > 0 ? undefined : mark.number;
  }

  /** A log is followed from when it was first seen: one that is rotated before that begins with the new file. */
  async hasBegun(): Promise<boolean> {
    const rows = await this.world.query("SELECT 1 FROM raw_batch WHERE stream = 'followed.log' LIMIT 1");
    return rows.length > 0;
  }

  /** As logrotate does it: names move on, a new file is there, and only then whoever writes is told to open it. */
  async rotate(toldAfterMs: number): Promise<void> {
    for (let number = this.rotations++; number > 0; number--)
      renameSync(`${this.file}.${number}`, `${this.file}.${number + 1}`);
    renameSync(this.file, `${this.file}.1`);
    const log = openSync(this.file, 'a');
    await sleep(toldAfterMs);
    closeSync(this.log);
    this.log = log;
  }

  async finish(): Promise<void> {
    this.more = false;
    await this.writing;
  }

  async stop(): Promise<void> {
    this.more = false;
    await this.writing;
    await this.process.stop();
    this.ownDisk?.takeAway();
  }
}
