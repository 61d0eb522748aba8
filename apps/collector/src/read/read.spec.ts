import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Piece, Sink, Source } from '../batch/source.js';
import { CommandReader, type Hole } from './command.js';
import { Fifo } from './fifo.js';
import { KmsgNumbers } from './kernel.js';
import { ruleLines } from './own-rules.js';
import type { Loss, Watch } from './reader.js';
import { matchWords, TraceStamper } from './trace.js';
import { ulogdConfig } from './ulogd.js';

const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-read-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function watch() {
  const losses: Loss[] = [];
  const made: Watch = {
    now: Date.now,
    lost: (loss) => void losses.push(loss),
    alive: () => undefined,
    warn: () => undefined,
  };
  return { ...made, losses };
}

class Lines implements Sink {
  full = false;
  text = '';
  lines(_source: Source, { bytes }: Piece): void {
    this.text += bytes.toString();
  }
  snapshot(): void {}
  room(): Promise<void> {
    return Promise.resolve();
  }
}

const SOURCE = { stream: 's', format: 'conntrack-events', class: 'flows', channel: 'conntrack' } as const;

async function until(done: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !done(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > end) throw new Error('it did not come');
  }
}

function reader(script: string, sink: Sink, seen: Watch, lastAt?: number) {
  const fifo = path.join(folder, `fifo-${Math.random()}`);
  const command = () => ['sh', '-c', script];
  return new CommandReader({ source: SOURCE, sink, watch: seen, fifo, command, lossWords: /ENOBUFS/, lastAt });
}

describe('a tool that is read', () => {
  it('gives whole lines, and is started again when it ends, with the time between as a gap', async () => {
    const [sink, seen] = [new Lines(), watch()];
    const reads = reader('echo one; printf tw; sleep 0.5; echo o; exit 3', sink, seen);
    reads.start();
    await until(() => sink.text.split('one').length > 2);
    await until(() => seen.losses.length > 0);
    await reads.stop();
    expect(sink.text).toMatch(/^one\ntwo\none\n/);
    const [loss] = seen.losses;
    expect(loss).toMatchObject({ reason: 'NOT_RUNNING', channel: 'conntrack' });
    expect(loss && loss.to - loss.from).toBeGreaterThan(200);
  });

  it('says what was missed since an earlier run', async () => {
    const [sink, seen] = [new Lines(), watch()];
    const reads = reader('exec sleep 60', sink, seen, Date.now() - 60_000);
    reads.start();
    await until(() => seen.losses.length > 0);
    await reads.stop();
    expect(seen.losses[0] && seen.losses[0].to - seen.losses[0].from).toBeGreaterThan(59_000);
  });

  it('is not read while the disk is full, and waits with what it has', async () => {
    const [sink, seen] = [new Lines(), watch()];
    sink.full = true;
    const reads = reader('echo one; exec sleep 60', sink, seen);
    reads.start();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(sink.text).toBe('');
    sink.full = false;
    await until(() => sink.text === 'one\n');
    await reads.stop();
  });
});

it('a pipe keeps half a line for the next look', async () => {
  const fifo = await Fifo.make(path.join(folder, 'pipe'));
  const end = await fifo.writingEnd();
  await end.write('a\nb');
  expect((await fifo.take()).toString()).toBe('a\n');
  expect((await fifo.take()).toString()).toBe('');
  await end.write('c\n');
  expect((await fifo.take()).toString()).toBe('bc\n');
  await end.close();
  await fifo.close();
});

it('messages of the kernel come once, and the missing ones are counted', () => {
  const holes: Hole[] = [];
  const numbers = new KmsgNumbers(5, 'boot', Date.now);
  const look = (text: string) => numbers.look(Buffer.from(text), (hole) => void holes.push(hole));
  expect(look('4,5,100,-;old\n')).toBeUndefined();
  expect(look('4,6,100,-;new\n KEY=value\n4,9,200,-;later\n')).toMatchObject({ cursor: { boot: 'boot', kmsg: 9 } });
  expect(holes).toMatchObject([{ records: 2 }]);
});

it('messages of the kernel that are missing after a pause lie in it', () => {
  const holes: Hole[] = [];
  let at = 1_000_000;
  const numbers = new KmsgNumbers(5, 'boot', () => at, 400_000);
  const look = (text: string) => numbers.look(Buffer.from(text), (hole) => void holes.push(hole));
  look('');
  look('4,9,100,-;first of this run\n');
  look('');
  numbers.begins();
  at += 60_000;
  look('');
  look('4,9,100,-;again\n4,20,100,-;later\n');
  expect(holes).toMatchObject([
    { from: 400_000, to: 1_000_000, records: 3 },
    { from: 1_000_000, to: 1_060_000, records: 10 },
  ]);
});

it('a trace is stamped, and a packet is never cut in two', () => {
  let at = 1_000_000;
  const stamper = new TraceStamper(() => at);
  const look = (text: string) => stamper.look(Buffer.from(text))?.bytes.toString();
  expect(look('PACKET: 2 aa IN=x \n TRACE: 2 aa raw:A\nPACKET: 2 bb IN=y \n')).toBeUndefined();
  at += 200;
  expect(look(' TRACE: 2 aa raw:B\n')).toBeUndefined();
  at += 200;
  expect(look('')).toBe('1000.000000 PACKET: 2 bb IN=y \n');
  at += 200;
  expect(look('PACKET: 2 cc IN=x \n')?.split('\n')).toEqual([
    '1000.000000 PACKET: 2 aa IN=x ',
    '1000.000000  TRACE: 2 aa raw:A',
    '1000.200000  TRACE: 2 aa raw:B',
    '',
  ]);
  at -= 3_600_000;
  expect(look('')).toBe('1000.600000 PACKET: 2 cc IN=x \n');
});

it.each(['-j ACCEPT', '-p tcp -m owner', '-p $(reboot)', '-t nat', '--dport 80;x'])(
  'a trace does not take the words %s',
  (words) => {
    expect(() => matchWords(words)).toThrow('--trace-match');
  },
);

it('only rules with exactly our mark are ours', () => {
  const saved = [
    '*raw',
    '-A PREROUTING -p tcp -m comment --comment "whydrop:trace:n1" -j TRACE',
    '-A PREROUTING -p tcp -m comment --comment "whydrop:trace:n10" -j TRACE',
    '-A PREROUTING -m comment --comment "not whydrop:trace:n1" -j ACCEPT',
    '-A PREROUTING -j ACCEPT',
    'COMMIT',
  ];
  expect(ruleLines(saved.join('\n'), 'whydrop:trace:n1')).toEqual([saved[1]]);
});

it('ulogd2 writes a group into a file, soon after the packet', () => {
  const text = ulogdConfig([5], () => '/x', 'stdout');
  expect(text).toContain('stack=log5:NFLOG,base5:BASE,ifi5:IFINDEX,ip2str5:IP2STR,mac5:HWHDR,json5:JSON');
  expect(text).toContain('group=5\n');
  expect(text).toContain('file="/x"\nsync=1');
});
