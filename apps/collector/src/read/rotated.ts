import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** A file that rotation put beside the one that is followed. */
export interface Rotated {
  readonly name: string;
  readonly ino: number;
  /** When it was last written to, milliseconds since 1970. */
  readonly mtimeMs: number;
  /** Compressed: it cannot be read here. */
  readonly packed: boolean;
  readonly rank: Rank;
}

/** What its name says of its age. */
interface Rank {
  readonly kind: 'number' | 'date';
  readonly digits: string;
}

const PACKED = /\.(gz|xz|zst|bz2|lz4|Z)$/;

/** `NAME.1`, `NAME.1.gz`, `NAME-20261121`, `NAME.20261121-101010`, `NAME.old`, and `kern-20261121.log` of `kern.log`. */
function rankOf(base: string, sibling: string): Rank | undefined {
  const plain = sibling.replace(PACKED, '');
  const { name, ext } = path.parse(base);
  const tail = plain.startsWith(base) ? plain.slice(base.length) : between(plain, name, ext);
  if (tail === '.old') return { kind: 'number', digits: '1' };
  if (tail === undefined || !/^[._-]\d[\d.:TZ_+-]*$/.test(tail)) return undefined;
  const digits = tail.replaceAll(/\D/g, '');
  return { kind: digits.length < 6 ? 'number' : 'date', digits };
}

function between(text: string, start: string, end: string): string | undefined {
  if (end === '' || !text.startsWith(start) || !text.endsWith(end)) return undefined;
  return text.slice(start.length, -end.length);
}

/**
 * Negative: `a` was written before `b`. Dates tell more than the time of the last writing, which may be that of the
 * compression. Numbers tell less: some count up, most count down.
 */
function byAge(a: Rotated, b: Rotated): number {
  if (a.rank.kind === 'date' && b.rank.kind === 'date') {
    return a.rank.digits < b.rank.digits ? -1 : Number(a.rank.digits > b.rank.digits);
  }
  return a.mtimeMs - b.mtimeMs || Number(b.rank.digits) - Number(a.rank.digits);
}

/** The files that rotation made of the one with this name. */
export async function listRotated(name: string): Promise<readonly Rotated[]> {
  const folder = path.dirname(name);
  const names = await readdir(folder);
  const found = await Promise.all(names.map((each) => look(folder, path.basename(name), each)));
  return found.filter((each) => each !== undefined);
}

async function look(folder: string, base: string, sibling: string): Promise<Rotated | undefined> {
  const rank = rankOf(base, sibling);
  const name = path.join(folder, sibling);
  if (!rank) return undefined;
  const is = await stat(name).catch(() => undefined);
  if (!is?.isFile()) return undefined;
  return { name, ino: is.ino, mtimeMs: is.mtimeMs, packed: PACKED.test(sibling), rank };
}

/** Those that are younger than a file that was read, the oldest first. */
export function youngerThan(
  all: readonly Rotated[],
  file: { readonly ino: number; readonly mtimeMs: number },
): readonly Rotated[] {
  const own = all.find(({ ino }) => ino === file.ino);
  const younger = (each: Rotated) => (own ? byAge(own, each) < 0 : each.mtimeMs > file.mtimeMs);
  return all.filter((each) => each.ino !== file.ino && younger(each)).toSorted(byAge);
}
