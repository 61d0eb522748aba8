import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Link } from './link.js';
import type { Manifest } from './manifest.js';
import { Chance } from './random.js';
import { numberedLine } from './records.js';
import { CLUSTER } from './sender.js';
import { ServerProcess } from './server-process.js';
import type { World } from './world.js';

/** Its spool lies on a disk of its own, small enough to be filled: a tmpfs, which needs root. */
const SPOOL_MIB = 8;

function mount(dir: string): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SPOOL_MIB}m`, 'whydrop-survival', dir], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A real collector that follows a file in which numbered records appear. */
export class Collector {
  readonly process: ServerProcess;
  /** Whether the disk of its spool can be filled. */
  readonly ownDisk: boolean;
  private readonly spool: string;
  private readonly file: string;
  private writing: Promise<void> | undefined;
  private more = true;
  private stopped = false;
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
    this.ownDisk = mount(disk);
    process.once('exit', this.takeAway);
    this.spool = path.join(disk, 'spool');
    this.file = path.join(world.dir, 'conntrack.log');
    writeFileSync(this.file, '');
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
      env: world.environment,
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
      appendFileSync(this.file, numbers.map((n, at) => `${numberedLine('conntrack-events', n, now + at)}\n`).join(''));
      for (const number of numbers) this.manifest.written.add(number);
      this.marks.push({ at: Date.now(), number: numbers.at(-1) ?? 0 });
      await sleep(200 + 200 * this.chance.next());
    }
  }

  /** Whether the last record that was in the file at that moment is stored. */
  async caughtUp(made: number): Promise<boolean> {
    const mark = this.marks.findLast(({ at }) => at <= made);
    if (!mark) return true;
    const rows = await this.world.query('SELECT 1 FROM flow WHERE conntrack_id = $1', [mark.number]);
    return rows.length > 0;
  }

  /** Nothing more can be written to the disk of the spool for a while. */
  async fillDisk(milliseconds: number): Promise<void> {
    const filling = path.join(path.dirname(this.spool), 'filling');
    try {
      writeFileSync(filling, Buffer.alloc((SPOOL_MIB + 1) * 2 ** 20));
    } catch {
      // full, as was wanted
    }
    await sleep(milliseconds);
    rmSync(filling, { force: true });
  }

  async finish(): Promise<void> {
    this.more = false;
    await this.writing;
  }

  async stop(): Promise<void> {
    this.more = false;
    await this.writing;
    await this.process.stop();
    this.takeAway();
  }

  private readonly takeAway = (): void => {
    process.off('exit', this.takeAway);
    if (this.stopped) return;
    this.stopped = true;
    if (this.ownDisk) execFileSync('umount', ['-l', path.dirname(this.spool)], { stdio: 'ignore' });
  };
}
