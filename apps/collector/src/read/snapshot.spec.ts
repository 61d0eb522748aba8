import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Sink } from '../batch/source.js';
import { parseOptions } from '../options.js';
import type { ReaderParts } from '../readers.js';
import type { Watch } from './reader.js';
import { ruleReaders } from './rules.js';
import { scrapeNames, scrapeReaders } from './scrape.js';
import { SnapshotReader } from './snapshot.js';

function parts() {
  const shipped: string[] = [];
  const sink: Sink = {
    full: false,
    lines: () => undefined,
    snapshot: (_source, payload) => void shipped.push(payload.toString()),
    room: () => Promise.resolve(),
  };
  const clock = { at: 1_000_000_000 };
  const watch: Watch = { now: () => clock.at, lost: () => undefined, alive: () => undefined, warn: () => undefined };
  return { shipped, sink, clock, watch };
}

const SOURCE = { format: 'ipset-save', class: 'counters' } as const;
const UNCHANGED_MS = 600_000;

describe('a picture', () => {
  it('that is unchanged is shipped again when the clock was put back', async () => {
    const { shipped, sink, clock, watch } = parts();
    const take = () => Promise.resolve(Buffer.from('same'));
    const name = 'ipset.save';
    const reader = new SnapshotReader({
      ...{ name, source: SOURCE, sink, watch },
      intervalMs: 10_000,
      take,
      unchangedMs: UNCHANGED_MS,
    });
    await reader.takeOne();
    clock.at += UNCHANGED_MS - 1;
    await reader.takeOne();
    expect(shipped).toHaveLength(1);
    clock.at -= 3_600_000;
    await reader.takeOne();
    expect(shipped).toHaveLength(2);
    clock.at += UNCHANGED_MS - 1;
    await reader.takeOne();
    expect(shipped).toHaveLength(2);
    clock.at += 1;
    await reader.takeOne();
    expect(shipped).toHaveLength(3);
  });

  it('that cannot be taken is named until it can', async () => {
    const { sink, watch } = parts();
    let works = false;
    const take = () => (works ? Promise.resolve(Buffer.from('x')) : Promise.reject(new Error('no permission')));
    const reader = new SnapshotReader({ name: 'ipset.save', source: SOURCE, sink, watch, intervalMs: 10_000, take });
    await reader.takeOne();
    expect(reader.trouble).toBe('ipset.save: no permission');
    works = true;
    await reader.takeOne();
    expect(reader.trouble).toBeUndefined();
  });
});

describe('rules of a family that the kernel does not have', () => {
  const command = ['sh', '-c', 'echo "Cannot initialize: Table does not exist (do you need to insmod?)" >&2; exit 3'];
  const picture = {
    read: 'iptables',
    name: 'ip6tables.save',
    format: 'ip6tables-save',
    command,
    always: true,
  } as const;

  it.each([
    ['are no trouble where that can be', { ...picture, mayBeAbsent: true } as const, undefined],
    ['are trouble elsewhere', picture, expect.stringContaining('insmod')],
  ])('%s', async (_, each, trouble) => {
    const { sink, watch } = parts();
    const options = parseOptions(['--url', 'http://x', '--token', 't', '--node', 'n', '--read', 'iptables'], {});
    const [reader] = ruleReaders({ options, sink, watch } as unknown as ReaderParts, [each]);
    await reader?.takeOne?.();
    expect(reader?.trouble).toEqual(trouble);
  });
});

describe('metrics that are scraped', () => {
  it('have a stream for each address', () => {
    const names = scrapeNames(['http://a:1/metrics', 'http://b:1/metrics', 'http://b:1/other?x=1']);
    expect([...names.values()]).toEqual(['metrics a:1', 'metrics http://b:1/metrics', 'metrics http://b:1/other?x=1']);
  });

  it('are given up when they come drop by drop', async () => {
    let dripping: NodeJS.Timeout | undefined;
    const server = http.createServer((_request, response) => {
      dripping = setInterval(() => response.write('a 1\n'), 20);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { sink, watch } = parts();
    const words = ['--url', 'http://x', '--token', 't', '--node', 'n', '--scrape', `http://127.0.0.1:${port}/metrics`];
    const options = parseOptions(words, {});
    const [reader] = scrapeReaders({ options, sink, watch } as unknown as ReaderParts, 300);
    await reader?.takeOne?.();
    clearInterval(dripping);
    server.closeAllConnections();
    server.close();
    expect(reader?.trouble).toContain('no whole answer within 0.3 s');
  });
});
