import { open, stat, utimes } from 'node:fs/promises';

async function timeOf(name: string): Promise<number | undefined> {
  try {
    return (await stat(name)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Until when all was well: the time of an empty file, which a full disk takes too. */
export class AliveMark {
  constructor(private readonly name: string) {}

  /** `older`: the file whose time meant this before there was a mark. Milliseconds since 1970. */
  async read(older: string): Promise<number | undefined> {
    return (await timeOf(this.name)) ?? (await timeOf(older));
  }

  async set(ms: number): Promise<void> {
    const at = new Date(ms);
    try {
      await utimes(this.name, at, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await (await open(this.name, 'a', 0o600)).close();
      await utimes(this.name, at, at);
    }
  }
}
