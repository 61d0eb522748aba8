import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmdirSync,
  rmSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Piece, Sink } from '../batch/source.js';
import type { Cursor } from '../spool/record.js';
import { FileFollower, type FollowOptions } from './follow.js';
import type { Loss } from './reader.js';

const SOURCE = { stream: 'log', format: 'kernel-log', class: 'drops', channel: 'nflog' } as const;

const HOUR_MS = 3_600_000;

/** A folder with a log, and followers of it one after the other, as a collector that is started again has them. */
class Stage implements Sink {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'whydrop-follow-'));
  readonly log = path.join(this.folder, 'kern.log');
  readonly losses: Loss[] = [];
  readonly warnings: string[] = [];
  text = '';
  cursor: Cursor | undefined;
  full = false;
  /** How often it was asked for room. */
  asked = 0;
  covered: number | undefined;
  follower: FileFollower | undefined;

  lines(_source: unknown, { bytes, cursor }: Piece): void {
    this.text += bytes.toString();
    this.cursor = JSON.parse(JSON.stringify(cursor)) as Cursor;
  }
  snapshot(): void {}
  room(): Promise<void> {
    this.asked++;
    return sleep(5);
  }

  start(options: Partial<FollowOptions> = {}): void {
    const watch = {
      now: Date.now,
      lost: (loss: Loss) => void this.losses.push(loss),
      alive: (_reader: string, _channel: string | undefined, since: number | undefined) => void (this.covered = since),
      warn: (_reader: string, message: string) => void this.warnings.push(message),
    };
    const usual = { source: SOURCE, path: this.log, sink: this, watch, cursor: this.cursor, pollMs: 10, quietMs: 300 };
    this.follower = new FileFollower({ ...usual, ...options });
    this.follower.start();
  }

  async stop(): Promise<void> {
    await this.follower?.stop();
    this.follower = undefined;
  }

  /** Waits until these lines were read, and the follower stands at the end. */
  async reads(...lines: readonly string[]): Promise<void> {
    await until(
      () => this.text.split('\n').length > lines.length && this.covered !== undefined,
      () => this.text,
    );
    expect(this.text.trimEnd().split('\n')).toEqual(lines);
  }

  sibling(name: string): string {
    return path.join(this.folder, name);
  }

  write(text: string, name = 'kern.log'): void {
    appendFileSync(this.sibling(name), text);
  }

  rotate(from = 'kern.log', to = 'kern.log.1'): void {
    renameSync(this.sibling(from), this.sibling(to));
  }

  copyAndCut(to = 'kern.log.1'): void {
    copyFileSync(this.log, this.sibling(to));
    truncateSync(this.log);
  }
}

async function until(done: () => boolean, state: () => unknown = () => ''): Promise<void> {
  for (const end = performance.now() + 10_000; !done(); await sleep(5)) {
    if (performance.now() > end) throw new Error(`it did not come: ${JSON.stringify(state())}`);
  }
}

/** The stage, with a look at what is covered before it takes lines. */
function tapped(to: Stage, look: () => void): Sink {
  return {
    full: false,
    snapshot: () => undefined,
    room: () => to.room(),
    lines: (source, piece) => {
      look();
      to.lines(source, piece);
    },
  };
}

let stage: Stage;
beforeEach(() => (stage = new Stage()));
afterEach(async () => {
  await stage.stop();
  rmSync(stage.folder, { recursive: true });
});

describe('a log that is renamed', () => {
  it('is read on under its old name while its writer does not know of the new one', async () => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    stage.rotate();
    stage.write('b1\n');
    await until(() => stage.covered === undefined);
    stage.write('a2\n', 'kern.log.1');
    await until(() => stage.text.includes('a2'));
    stage.write('a3', 'kern.log.1');
    await stage.reads('a1', 'a2', 'a3b1');
    expect(stage.losses).toEqual([]);
  });

  it('is read on under its old name as long as nothing is in the new one', async () => {
    stage.write('a1\n');
    stage.start({ quietMs: 50 });
    await stage.reads('a1');
    stage.rotate();
    stage.write('');
    await until(() => stage.covered === undefined);
    await stage.reads('a1');
    stage.write('a2\n', 'kern.log.1');
    await stage.reads('a1', 'a2');
    stage.write('b1\n');
    await stage.reads('a1', 'a2', 'b1');
    stage.write('b2\n');
    await stage.reads('a1', 'a2', 'b1', 'b2');
    expect(stage.losses).toEqual([]);
  });

  it('and whose writer never learns of the new one is left in the end, and that is a gap', async () => {
    stage.write('a1\n');
    stage.start({ farewellMs: 400 });
    await stage.reads('a1');
    stage.rotate();
    stage.write('b1\n');
    const writing = setInterval(() => stage.write('a\n', 'kern.log.1'), 5);
    await until(() => stage.text.includes('b1')).finally(() => clearInterval(writing));
    expect(stage.losses).toMatchObject([
      { reason: 'SOURCE_GONE', detail: expect.stringContaining('it is written to after its rotation') },
    ]);
  });

  it('with much in it covers nothing until its end was reached', async () => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    await stage.stop();
    stage.write(`${'.'.repeat(99)}\n`.repeat(50_000));
    const covers: boolean[] = [];
    stage.start({ sink: tapped(stage, () => covers.push(stage.covered !== undefined)) });
    await until(() => stage.text.length > 5_000_000 && stage.covered !== undefined);
    expect(covers.length).toBeGreaterThan(10);
    expect(covers).not.toContain(true);
  });

  it.each([
    ['numbers', 'kern.log.2', 'kern.log.1'],
    ['numbers that count up', 'kern.log.1', 'kern.log.2'],
    ['dates', 'kern.log-20261120', 'kern.log-20261121'],
    ['dates before the extension', 'kern-20261120.log', 'kern-20261121.log'],
    ['times', 'kern.log.20261121-101010', 'kern.log.20261121-111010'],
  ])('twice while nobody read it is read from file to file: %s', async (names, older, newer) => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    await stage.stop();
    stage.write('a2\n');
    stage.rotate('kern.log', older);
    stage.write('b1\n');
    stage.rotate('kern.log', newer);
    stage.write('c1\n');
    const [earlier, later] = [1, 2].map((minutes) => new Date(Date.now() - 600_000 + minutes * 60_000));
    // A date in a name is believed before the time of the last writing.
    const dated = names.startsWith('numbers') ? later : earlier;
    utimesSync(stage.sibling(older), earlier ?? 0, earlier ?? 0);
    utimesSync(stage.sibling(newer), dated ?? 0, dated ?? 0);
    stage.start();
    await stage.reads('a1', 'a2', 'b1', 'c1');
    expect(stage.losses).toEqual([]);
    await stage.stop();
    stage.write('c2\n');
    stage.start();
    await stage.reads('a1', 'a2', 'b1', 'c1', 'c2');
  });

  it('twice while the disk of the spool was full is read from file to file', async () => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    stage.full = true;
    stage.write('a2\n');
    stage.rotate();
    stage.write('b1\n');
    stage.rotate('kern.log.1', 'kern.log.2');
    stage.rotate();
    stage.write('c1\n');
    await until(() => stage.covered === undefined);
    stage.full = false;
    await stage.reads('a1', 'a2', 'b1', 'c1');
    expect(stage.losses).toEqual([]);
  });

  it('is the one with its inode, not a copy that begins like it', async () => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    await stage.stop();
    stage.rotate();
    stage.write('b1\n');
    copyFileSync(stage.sibling('kern.log.1'), stage.sibling('kern.log.copy'));
    stage.write('a2\n', 'kern.log.1');
    const later = new Date(Date.now() + 1_000);
    utimesSync(stage.sibling('kern.log.copy'), later, later);
    stage.start();
    await stage.reads('a1', 'a2', 'b1');
  });

  it('and compressed before it was read is a gap', async () => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    await stage.stop();
    stage.rotate('kern.log', 'kern.log.3');
    writeFileSync(stage.sibling('kern.log.2.gz'), gzipSync('b1\n'));
    stage.write('c1\n', 'kern.log.1');
    stage.write('d1\n');
    stage.start({ lastAt: 1_000 });
    await stage.reads('a1', 'c1', 'd1');
    expect(stage.losses).toMatchObject([
      { reason: 'SOURCE_GONE', channel: 'nflog', detail: expect.stringMatching(/kern\.log\.2\.gz: compressed before/) },
    ]);
  });

  it('and whose older files are compressed anew is no gap', async () => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    stage.rotate('kern.log', 'kern.log.20261121-111010');
    writeFileSync(stage.sibling('kern.log.20261121-101010.gz'), gzipSync('older\n'));
    stage.write('b1\n');
    await until(() => stage.text.includes('b1'));
    await stage.reads('a1', 'b1');
    expect(stage.losses).toEqual([]);
  });

  it('and removed while nobody read is a gap since it was last read, and what is younger is read', async () => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    await stage.stop();
    unlinkSync(stage.log);
    stage.write('b1\n', 'kern.log.1');
    const later = new Date(Date.now() + 1_000);
    utimesSync(stage.sibling('kern.log.1'), later, later);
    stage.write('c1\n');
    const lastAt = Date.now() - 60_000;
    stage.start({ lastAt });
    await stage.reads('a1', 'b1', 'c1');
    expect(stage.losses).toMatchObject([{ reason: 'SOURCE_GONE', from: lastAt }]);
    expect((stage.losses[0]?.to ?? 0) - lastAt).toBeGreaterThanOrEqual(60_000);
  });
});

describe('a log that is copied and cut', () => {
  it('after all of it was read is no gap', async () => {
    stage.write('a1\n');
    stage.start({ quietMs: HOUR_MS });
    await stage.reads('a1');
    for (const [at, line] of ['b1', 'c1', 'd1'].entries()) {
      stage.copyAndCut(`kern.log.${5 - at}`);
      stage.write(`${line}\n`);
      await until(() => stage.text.includes(line));
    }
    await stage.reads('a1', 'b1', 'c1', 'd1');
    expect(stage.losses).toEqual([]);
  });

  it.each(['shorter', 'as long', 'longer'])(
    'while nobody could read is read to its end: the new one is %s',
    async (is) => {
      stage.write('a1\n');
      stage.start({ quietMs: HOUR_MS });
      await stage.reads('a1');
      stage.full = true;
      await until(() => stage.covered === undefined);
      stage.write('a2\n');
      stage.copyAndCut();
      const first = { shorter: 'b', 'as long': 'b1', longer: 'b1 and longer than it was before' }[is] ?? '';
      stage.write(`${first}\n`);
      stage.full = false;
      await stage.reads('a1', 'a2', first);
      expect(stage.losses).toEqual([]);
    },
  );

  it('before a line of it was read is read from the copy', async () => {
    stage.write('');
    stage.start();
    await until(() => stage.covered !== undefined);
    stage.full = true;
    await until(() => stage.covered === undefined);
    stage.write('a1\n');
    // Seen, but there is no room for it.
    const looks = stage.asked;
    await until(() => stage.asked > looks + 1);
    stage.copyAndCut();
    stage.write('b1 and more\n');
    stage.full = false;
    await stage.reads('a1', 'b1 and more');
  });

  it('twice while the collector was away is read from copy to copy', async () => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    await stage.stop();
    stage.write('a2\n');
    stage.copyAndCut('kern.log.2');
    stage.write('b1\n');
    stage.copyAndCut('kern.log.1');
    stage.write('c1\n');
    stage.start();
    await stage.reads('a1', 'a2', 'b1', 'c1');
    expect(stage.losses).toEqual([]);
  });

  it('without a copy is a gap since its end was last seen', async () => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    const before = Date.now();
    truncateSync(stage.log);
    stage.write('b1 and longer\n');
    await until(() => stage.losses.length > 0);
    await stage.reads('a1', 'b1 and longer');
    expect(stage.losses).toMatchObject([{ reason: 'SOURCE_GONE' }]);
    expect(stage.losses[0]?.to).toBeGreaterThanOrEqual(before);
  });
});

describe('a log that cannot be read', () => {
  it('because it is not there covers nothing, is trouble, is told once, and is read when it comes', async () => {
    stage.start();
    await until(() => stage.follower?.trouble !== undefined);
    await sleep(50);
    expect(stage.covered).toBeUndefined();
    expect(stage.warnings).toEqual([expect.stringContaining('ENOENT')]);
    stage.write('a1\n');
    await stage.reads('a1');
    expect(stage.follower?.trouble).toBeUndefined();
    expect(stage.losses).toEqual([]);
  });

  it('because it is a folder covers nothing, is trouble, and is told once', async () => {
    stage.start({ path: stage.folder });
    await until(() => stage.warnings.length > 0);
    expect(stage.covered).toBeUndefined();
    expect(stage.follower?.trouble).toContain('EISDIR');
  });

  it('any more covers nothing until it can be, and goes on where it was', async () => {
    stage.write('a1\n');
    stage.start();
    await stage.reads('a1');
    stage.write('a2\n');
    stage.rotate();
    mkdirSync(stage.log);
    await until(() => stage.follower?.trouble?.includes('EISDIR') === true);
    expect(stage.covered).toBeUndefined();
    rmdirSync(stage.log);
    stage.write('b1\n');
    await stage.reads('a1', 'a2', 'b1');
    expect(stage.follower?.trouble).toBeUndefined();
    expect(stage.losses).toEqual([]);
  });
});
