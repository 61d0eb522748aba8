/** Lets work run side by side, and suspects alone: what dies then is to blame for it. */
export class Quarantine {
  private others = 0;
  private last: Promise<unknown> = Promise.resolve();
  private readonly idle: (() => void)[] = [];

  /** Waits only for a suspect. */
  async together<T>(work: () => Promise<T>): Promise<T> {
    await this.last;
    this.others += 1;
    try {
      return await work();
    } finally {
      this.others -= 1;
      if (this.others === 0) for (const resolve of this.idle.splice(0)) resolve();
    }
  }

  /** Waits until nothing else runs, and keeps everything else waiting. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.last.then(async () => {
      if (this.others > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
      return work();
    });
    this.last = run.then(
      () => undefined,
      () => undefined,
    );
    return run;
  }
}
