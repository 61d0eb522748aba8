import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A disk that can be filled: a tmpfs with these options of mount, which needs root. Undefined where we may not. */
export function smallDisk(options: string): string | undefined {
  const disk = mkdtempSync(path.join(tmpdir(), 'whydrop-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'whydrop-test', disk], { stdio: 'ignore' });
    return disk;
  } catch (error) {
    rmSync(disk, { recursive: true });
    if (process.env['CI'] === 'true') throw new Error('no tmpfs can be mounted: the test needs root', { cause: error });
    process.stderr.write('the full disk is left out: mounting a tmpfs needs root\n');
    return undefined;
  }
}
