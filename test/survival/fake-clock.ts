import { existsSync, renameSync, writeFileSync } from 'node:fs';

/** Where Debian's package `faketime` puts it, by architecture. */
const LIBRARIES = ['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketime.so.1`);

/** The wall clock of one process, which can be set; its steady clock runs on, as when an operator or NTP sets a node's time. */
export class FakeClock {
  private constructor(
    private readonly library: string,
    private readonly file: string,
  ) {
    this.set(0);
  }

  /** Undefined where libfaketime is not installed; where all is there to be tested it has to be. */
  static at(file: string): FakeClock | undefined {
    const library = LIBRARIES.find(existsSync);
    if (library === undefined && process.env['CI'] === 'true')
      throw new Error('no libfaketime: apt-get install faketime');
    return library === undefined ? undefined : new FakeClock(library, file);
  }

  /** For the process whose clock it is. */
  get environment(): NodeJS.ProcessEnv {
    const faked = { FAKETIME_TIMESTAMP_FILE: this.file, FAKETIME_CACHE_DURATION: '1' };
    return { LD_PRELOAD: this.library, ...faked, FAKETIME_DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' };
  }

  /** Seconds from the true time. */
  set(seconds: number): void {
    writeFileSync(`${this.file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${this.file}.new`, this.file);
  }
}
