import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CoverageClock } from '../batch/coverage.js';
import { parseOptions } from '../options.js';
import { KeptRules } from './kept-rules.js';
import { Leftovers } from './leftovers.js';
import { isNoTable, ownMark, ruleLines } from './own-rules.js';
import type { Loss, Watch } from './reader.js';
import { traceReaders } from './trace.js';

const PROGRAMS = ['iptables', 'ip6tables', 'unshare', 'nsenter'];
const places = new Map(
  PROGRAMS.map((each) => [
    each,
    ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].find((dir) => existsSync(`${dir}/${each}`)),
  ]),
);
const canRun = process.getuid?.() === 0 && [...places.values()].every((dir) => dir !== undefined);
if (!canRun && process.env['CI'] === 'true') throw new Error(`root and ${PROGRAMS.join(', ')} are needed`);

it('knows where there is no table to work on', () => {
  const said = (text: string) => isNoTable(new Error(text));
  expect(said("can't initialize ip6tables table `raw': Table does not exist (do you need to insmod?)")).toBe(true);
  expect(said('ip6tables: Address family not supported by protocol')).toBe(true);
  expect(said("can't initialize iptables table `raw': Permission denied (you must be root)")).toBe(false);
  expect(said('iptables-save -t raw: ended with 4')).toBe(false);
});

const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-rules-'));
const searched = process.env['PATH'] ?? '';
const mark = ownMark('observe-new', 'n1');
let holder: ChildProcess | undefined;
let spool: string;

/** A namespace of its own: the programs in front of those of the machine work in it. A file named like one makes it fail. */
function enter(): void {
  holder = spawn('unshare', ['-n', 'sleep', '600'], { stdio: 'ignore' });
  const bin = path.join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const family of ['iptables', 'ip6tables']) {
    for (const name of [family, `${family}-save`, `${family}-restore`]) {
      const file = `/usr/sbin/${name}`;
      const fails = path.join(folder, `fails-${name}`);
      const script = `if [ -e ${fails} ]; then rm ${fails}; echo "busy" >&2; exit 4; fi\nexec nsenter --net=/proc/${holder.pid}/ns/net ${file} "$@"`;
      writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(path.join(bin, name), 0o755);
    }
  }
  process.env['PATH'] = `${bin}:${searched}`;
}

const failOnce = (name: string): void => writeFileSync(path.join(folder, `fails-${name}`), '');
const run = (...words: readonly string[]): string =>
  spawnSync('nsenter', [`--net=/proc/${holder?.pid}/ns/net`, ...words]).stdout.toString();
const rules = (family = 'iptables'): readonly string[] => ruleLines(run(`${family}-save`, '-t', 'raw'), mark);

async function until(done: () => boolean): Promise<void> {
  for (const end = Date.now() + 15_000; !done(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > end) throw new Error('it did not come');
  }
}

function watch() {
  const [losses, warnings, sinces]: [Loss[], string[], (number | undefined)[]] = [[], [], []];
  const made: Watch = {
    now: Date.now,
    lost: (loss) => void losses.push(loss),
    alive: (_reader, _channel, since) => void sinces.push(since),
    warn: (_reader, message) => void warnings.push(message),
  };
  return { ...made, losses, warnings, sinces };
}

const kept = (seen: Watch) =>
  new KeptRules({
    ...{ spool, mark, chains: ['PREROUTING'], watch: seen, stream: 'observe-new.json', lookMs: 200, retryMs: 100 },
    words: ['-p', 'tcp', '--syn'],
    target: ['-j', 'NFLOG', '--nflog-group', '4270'],
  });

if (canRun) {
  beforeAll(async () => {
    enter();
    await until(() => run('iptables', '-V') !== '' && run('readlink', '/proc/self/ns/net') !== '');
    const own = spawnSync('readlink', ['/proc/self/ns/net']).stdout.toString();
    await until(() => run('readlink', '/proc/self/ns/net') !== own);
  });
  beforeEach(() => (spool = mkdtempSync(path.join(folder, 'spool-'))));
  afterAll(() => {
    process.env['PATH'] = searched;
    holder?.kill('SIGKILL');
  });
  describe('rules of ours', realRules);
} else {
  console.warn(`the tests with real rules are left out: they need root and ${PROGRAMS.join(', ')}`);
}
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function realRules(): void {
  it('come once, and go', async () => {
    const seen = watch();
    const own = kept(seen);
    own.start();
    await until(() => rules().length === 1 && rules('ip6tables').length === 1);
    await until(() => seen.sinces.at(-1) !== undefined);
    expect(await own.stop()).toBe(true);
    expect([...rules(), ...rules('ip6tables')]).toEqual([]);
    expect([...seen.losses, ...seen.warnings]).toEqual([]);
  });

  it('of an earlier run are taken out before one is made, also when that fails at first', async () => {
    run('iptables', '-t', 'raw', '-A', 'PREROUTING', '-m', 'comment', '--comment', mark, '-j', 'ACCEPT');
    failOnce('iptables-save');
    const seen = watch();
    const own = kept(seen);
    own.start();
    await until(() => own.trouble !== undefined || rules().length === 2);
    expect(own.trouble).toContain('busy');
    await until(() => own.trouble === undefined);
    expect(rules()).toHaveLength(1);
    expect(rules()[0]).toContain('NFLOG');
    expect(seen.warnings).toHaveLength(1);
    await own.stop();
  });

  it('for a trace go with its time, and the channel does not count as read any more', async () => {
    const clock = new CoverageClock();
    const seen: Watch = { ...watch(), alive: (reader, channel = '', since) => clock.alive(reader, channel, since) };
    const words = ['--url', 'http://x', '--token', 't', '--node', 'n1', '--spool', spool, '--trace', '2s'];
    const sink = { full: false, lines: () => undefined, snapshot: () => undefined, room: () => Promise.resolve() };
    const past = { cursor: () => undefined, lastAlive: () => undefined, held: () => 0 };
    const [trace] = traceReaders({ options: parseOptions(words, {}), sink, watch: seen, past, folder: spool });
    trace?.start();
    const traced = () => run('iptables-save', '-t', 'raw').includes(ownMark('trace', 'n1'));
    await until(() => clock.channels().length > 0);
    expect(traced()).toBe(true);
    await until(() => !traced());
    expect(clock.channels()).toEqual([]);
    await trace?.stop();
  });

  it('are missed when only one family takes them', async () => {
    failOnce('iptables');
    const seen = watch();
    const own = kept(seen);
    own.start();
    await until(() => seen.warnings.length === 1);
    expect(own.trouble).toContain('iptables -w 5 -t raw -I PREROUTING 1');
    await until(() => own.trouble === undefined);
    expect(rules()).toHaveLength(1);
    await own.stop();
  });

  it('are made again when somebody takes them out, and the time between is a gap', async () => {
    const seen = watch();
    const own = kept(seen);
    own.start();
    await until(() => rules().length === 1);
    await until(() => seen.sinces.at(-1) !== undefined);
    run('iptables', '-t', 'raw', '-F');
    await until(() => seen.losses.length > 0);
    expect(rules()).toHaveLength(1);
    expect(seen.losses).toMatchObject([{ reason: 'EVENTS_LOST', stream: 'observe-new.json' }]);
    await own.stop();
  });

  it('that could not be taken out at the end keep their sign, and go at the next start, sooner or later', async () => {
    const own = kept(watch());
    own.start();
    await until(() => rules().length === 1);
    await own.stop();
    run('iptables', '-t', 'raw', '-A', 'PREROUTING', '-m', 'comment', '--comment', mark, '-j', 'ACCEPT');
    failOnce('iptables-save');
    const file = path.join(spool, 'own-rules');
    const left = new Leftovers(spool, 'n1', [], 50);
    await left.takeOut();
    expect(left.trouble).toContain('busy');
    expect(readFileSync(file, 'utf8')).toBe(`${mark}\n`);
    await until(() => left.trouble === undefined);
    expect(rules()).toEqual([]);
    await until(() => !existsSync(file));
    await left.stop();
  });

  it('of this run are left alone while those of an earlier one are looked for again', async () => {
    const other = ownMark('trace', 'n0');
    run('iptables', '-t', 'raw', '-A', 'OUTPUT', '-m', 'comment', '--comment', other, '-j', 'ACCEPT');
    writeFileSync(path.join(spool, 'own-rules'), `${other}\n`);
    failOnce('iptables-restore');
    const left = new Leftovers(spool, 'n1', [mark], 1_000);
    await left.takeOut();
    expect(left.trouble).toContain('busy');
    const seen = watch();
    const own = kept(seen);
    own.start();
    await until(() => rules().length === 1);
    await until(() => left.trouble === undefined);
    expect(ruleLines(run('iptables-save', '-t', 'raw'), other)).toEqual([]);
    expect(rules()).toHaveLength(1);
    await until(() => readFileSync(path.join(spool, 'own-rules'), 'utf8') === `${mark}\n`);
    expect(seen.losses).toEqual([]);
    await own.stop();
    await left.stop();
  });
}
