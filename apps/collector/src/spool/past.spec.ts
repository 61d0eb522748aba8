import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CoverageClock } from '../batch/coverage.js';
import { pastOf } from './past.js';
import { type Draft, Spool } from './spool.js';

const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-past-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EMITTER = { cluster: 'c', node: 'n1' };
const HOUR = 3_600_000;
const NOW = 1_795_000_000_000;
const noReport = (): Draft => {
  throw new Error('nothing is dropped here');
};
const open = (name: string) =>
  Spool.open({ folder: path.join(folder, name), maxBytes: 1 << 24, report: noReport, freshEpoch: () => 1 });

/** Reopens the spool, so that everything comes from the disk. */
async function again(spool: Spool, name: string): Promise<Spool> {
  await spool.commit();
  await spool.close();
  return open(name);
}

const record = (to: number): Draft => ({
  ...{ class: 'flows', stream: 'conntrack.log', channel: 'conntrack', records: 1, from: to, to },
  body: () => Buffer.from('x'),
});

/** As older collectors wrote it: without the channels in the head. */
const withoutChannels = ({ covers: _covers, ...draft }: Draft): Draft => draft;

describe('until when a stream was read', () => {
  it('is no later because another channel was read', async () => {
    const clock = new CoverageClock();
    let spool = await open('channels');
    spool.add(record(NOW - 2 * HOUR));
    clock.alive('conntrack.log', 'conntrack', NOW - 2 * HOUR);
    clock.alive('iptables.save', 'iptables', NOW - 2 * HOUR);
    for (const draft of clock.take(EMITTER, NOW - HOUR)) spool.add(draft);
    clock.alive('conntrack.log', 'conntrack', undefined);
    for (const draft of clock.take(EMITTER, NOW)) spool.add(draft);
    spool = await again(spool, 'channels');
    spool = await again(spool, 'channels');
    const past = pastOf(spool);
    expect(past.lastAlive('flows', 'conntrack.log', 'conntrack')).toBe(NOW - HOUR - 1_000);
    expect(past.lastAlive('drops', 'nflog.1.json', 'nflog')).toBeUndefined();
    await spool.close();
  });

  it('is that of its last record when nobody has said it of its channel', async () => {
    let spool = await open('record');
    spool.add(record(NOW - HOUR));
    const clock = new CoverageClock();
    clock.alive('iptables.save', 'iptables', NOW - 2 * HOUR);
    for (const draft of clock.take(EMITTER, NOW)) spool.add(draft);
    spool = await again(spool, 'record');
    expect(pastOf(spool).lastAlive('flows', 'conntrack.log', 'conntrack')).toBe(NOW - HOUR);
    await spool.close();
  });

  it('is not guessed from a spool that names no channels, unless it says nothing else', async () => {
    let spool = await open('old');
    const clock = new CoverageClock();
    clock.alive('iptables.save', 'iptables', NOW - 2 * HOUR);
    for (const draft of clock.take(EMITTER, NOW)) spool.add(withoutChannels(draft));
    spool.add(record(NOW - HOUR));
    spool = await again(spool, 'old');
    expect(pastOf(spool).lastAlive('flows', 'conntrack.log', 'conntrack')).toBe(NOW - HOUR);
    expect(pastOf(spool).lastAlive('drops', 'nflog.1.json', 'nflog')).toBe(NOW - 1_000);
    await spool.close();
  });
});
