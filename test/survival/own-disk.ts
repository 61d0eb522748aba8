import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const FILLING = 'filling';

/** A disk of its own, small enough to be filled: a tmpfs, which needs root. */
export class OwnDisk {
  private mounted = true;

  private constructor(readonly dir: string) {
    process.once('exit', this.takeAway);
  }

  /** Undefined where we may not mount. */
  static mount(dir: string, mebibytes: number): OwnDisk | undefined {
    if (process.getuid?.() !== 0) return undefined;
    try {
      const size = `size=${mebibytes}m,mode=0755`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'whydrop-survival', dir], { stdio: 'ignore' });
      return new OwnDisk(dir);
    } catch {
      return undefined;
    }
  }

  /** Nothing more can be written to it for a while, to the last page. */
  async fill(milliseconds: number): Promise<void> {
    const filling = path.join(this.dir, FILLING);
    for (const end = Date.now() + milliseconds; Date.now() < end; await sleep(50)) this.take(filling);
    rmSync(filling, { force: true });
  }

  private take(filling: string): void {
    const { bavail, bsize } = statfsSync(this.dir);
    if (bavail === 0) return;
    try {
      execFileSync(
        'dd',
        ['if=/dev/zero', `of=${filling}`, `bs=${bsize}`, `count=${bavail}`, 'oflag=append', 'conv=notrunc'],
        {
          stdio: 'ignore',
        },
      );
    } catch {
      // full, as was wanted
    }
  }

  readonly takeAway = (): void => {
    process.off('exit', this.takeAway);
    if (this.mounted) execFileSync('umount', ['-l', this.dir], { stdio: 'ignore' });
    this.mounted = false;
  };
}
