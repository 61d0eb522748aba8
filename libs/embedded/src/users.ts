import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let opened = 0;

/** Who works with a shared server, as one file each: the last one to leave stops it; the dead do not count. */
export class Users {
  private readonly self = `${process.pid}.${++opened}`;

  constructor(private readonly dir: string) {}

  enter(): void {
    mkdirSync(this.dir, { recursive: true });
    writeFileSync(path.join(this.dir, this.self), '');
  }

  /** True when nobody else is there. */
  leave(): boolean {
    rmSync(path.join(this.dir, this.self), { force: true });
    const others = readdirSync(this.dir);
    const dead = others.filter((name) => !alive(Number.parseInt(name, 10)));
    for (const name of dead) rmSync(path.join(this.dir, name), { force: true });
    return dead.length === others.length;
  }
}
