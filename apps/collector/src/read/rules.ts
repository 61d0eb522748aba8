import { readFile } from 'node:fs/promises';
import type { ReaderParts } from '../readers.js';
import { runTool, whereIs } from './child.js';
import { channelOf, classOf } from './classes.js';
import { isNoTable } from './own-rules.js';
import type { Reader } from './reader.js';
import { SnapshotReader } from './snapshot.js';

/** Something unchanged is shipped again after this time: so long the server looks back for it. */
const UNCHANGED_MS = 10 * 60_000;
const SLOW_MS = 30_000;

interface Picture {
  readonly read: string;
  readonly name: string;
  readonly format: string;
  readonly command: readonly string[];
  readonly attributes?: Readonly<Record<string, string>>;
  /** Counters change all the time and are what it is for. */
  readonly always?: true;
  readonly slow?: true;
  readonly essence?: (text: string) => string;
  /** A kernel without IPv6 is no failure. */
  readonly mayBeAbsent?: true;
  /** Whether there is anything to look at. */
  readonly if?: () => Promise<boolean>;
}

/** The kernel's list of legacy tables; the file is not there while their module is not. */
const legacyTables = (file: string) => async (): Promise<boolean> =>
  (await readFile(file, 'utf8').catch(() => '')).trim() !== '';

const withoutLifetimes = (text: string): string => text.replaceAll(/"(?:valid|preferred)_life_time":\d+/g, '');
const withoutAges = (text: string): string => text.replaceAll(/"(?:expires|age|used)":\d+/g, '');

const SYSCTLS =
  '^net\\.(netfilter\\.|nf_conntrack|bridge\\.|ipv4\\.(ip_forward$|tcp_syncookies$|conf\\..*\\.rp_filter$)|ipv6\\.conf\\..*\\.forwarding$)';

const PICTURES: readonly Picture[] = [
  { read: 'iptables', name: 'iptables.save', format: 'iptables-save', command: ['iptables-save', '-c'], always: true },
  {
    read: 'iptables',
    name: 'ip6tables.save',
    format: 'ip6tables-save',
    command: ['ip6tables-save', '-c'],
    always: true,
    mayBeAbsent: true,
  },
  {
    ...{ read: 'iptables', name: 'iptables-legacy.save', format: 'iptables-save', always: true },
    command: ['iptables-legacy-save', '-c'],
    attributes: { backend: 'legacy' },
    if: legacyTables('/proc/net/ip_tables_names'),
  },
  {
    ...{ read: 'iptables', name: 'ip6tables-legacy.save', format: 'ip6tables-save', always: true },
    command: ['ip6tables-legacy-save', '-c'],
    attributes: { backend: 'legacy' },
    mayBeAbsent: true,
    if: legacyTables('/proc/net/ip6_tables_names'),
  },
  { read: 'nft', name: 'nft.json', format: 'nft-json', command: ['nft', '-j', 'list', 'ruleset'], always: true },
  { read: 'ipset', name: 'ipset.save', format: 'ipset-save', command: ['ipset', 'save'] },
  {
    ...{ read: 'interfaces', name: 'interfaces.json', format: 'interfaces', command: ['ip', '-j', '-d', 'addr'] },
    essence: withoutLifetimes,
  },
  {
    ...{ read: 'routes', name: 'routes.json', format: 'routes', slow: true, essence: withoutAges },
    command: ['ip', '-j', 'route', 'show', 'table', 'all'],
  },
  {
    ...{ read: 'sysctl', name: 'sysctl.txt', format: 'sysctl', slow: true },
    command: ['sysctl', '-a', '-r', SYSCTLS],
    essence: (text) => text.replaceAll(/^.*nf_conntrack_count.*$/gm, ''),
  },
  {
    ...{ read: 'conntrack-stats', name: 'conntrack-stats.txt', format: 'conntrack-stats', slow: true, always: true },
    command: ['conntrack', '-S'],
  },
  {
    ...{ read: 'proc-net', name: 'proc-net.txt', format: 'proc-net-stats', slow: true, always: true },
    command: ['cat', '/proc/net/snmp', '/proc/net/netstat', '/proc/net/softnet_stat'],
  },
  {
    ...{ read: 'contrail-flow', name: 'contrail-flow.txt', format: 'contrail-flow', always: true },
    command: ['flow', '-l'],
  },
];

/** iptables-save of the legacy kind reads the legacy tables itself: the same rules must not come twice. */
async function isLegacyItself(): Promise<boolean> {
  const { stdout } = await runTool(['iptables-save', '-V']);
  return !stdout.toString().includes('nf_tables');
}

function pictureReader({ options, sink, watch }: ReaderParts, picture: Picture): Reader {
  const { name, format, attributes, command, slow, always, essence } = picture;
  const channel = channelOf(format);
  const extra = { ...(attributes ? { attributes } : {}), ...(channel ? { channel } : {}) };
  return new SnapshotReader({
    ...{ name, sink, watch, source: { format, class: classOf(format), ...extra } },
    intervalMs: slow ? Math.max(SLOW_MS, options.intervalMs) : options.intervalMs,
    ...(always ? {} : { unchangedMs: UNCHANGED_MS, ...(essence ? { essence } : {}) }),
    take: async () => {
      if (picture.if && (!(await picture.if()) || (await isLegacyItself()))) return undefined;
      const stdout = await runTool(command).then(
        (ran) => ran.stdout,
        (error: unknown) => {
          if (picture.mayBeAbsent && isNoTable(error)) return Buffer.alloc(0);
          throw error;
        },
      );
      return stdout.toString('latin1').trim() === '' ? undefined : stdout;
    },
  });
}

/** Rules with their counters, sets, addresses, routes and settings of the node, every few seconds. */
export function ruleReaders(parts: ReaderParts, pictures: readonly Picture[] = PICTURES): readonly Reader[] {
  return pictures
    .filter(({ read }) => parts.options.read.includes(read))
    .filter(({ name, command }) => {
      const there = whereIs(command[0] ?? '') !== undefined;
      if (!there && !name.includes('legacy'))
        parts.watch.warn(name, `the program ${command[0]} is not there; ${name} is not read`);
      return there;
    })
    .map((picture) => pictureReader(parts, picture));
}
