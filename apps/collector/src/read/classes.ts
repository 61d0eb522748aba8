import type { SpoolClass } from '../spool/record.js';

/** What a format's records are worth when not everything can be kept, and which channel they cover. */
const FORMATS: Readonly<Record<string, readonly [SpoolClass, channel?: string]>> = {
  'conntrack-events': ['flows', 'conntrack'],
  'conntrack-dump': ['flows'],
  'conntrack-xml': ['flows', 'conntrack'],
  'conntrack-save': ['flows', 'conntrack'],
  'nfct-json': ['flows', 'conntrack'],
  'iptables-save': ['counters', 'iptables'],
  'ip6tables-save': ['counters'],
  'ipset-save': ['counters'],
  'nft-json': ['counters'],
  interfaces: ['counters'],
  routes: ['counters'],
  sysctl: ['counters'],
  'conntrack-stats': ['counters'],
  'proc-net-stats': ['counters'],
  'prometheus-text': ['counters'],
  'nflog-json': ['drops', 'nflog'],
  'nflog-gprint': ['drops', 'nflog'],
  'kernel-log': ['drops', 'kernel-log'],
  'xtables-trace': ['drops', 'trace'],
  'weave-npc-log': ['drops', 'weave-npc-log'],
};

/** Flow logs of plugins mix drops with the rest: they count as drops. */
export function classOf(format: string): SpoolClass {
  return FORMATS[format]?.[0] ?? 'drops';
}

export function channelOf(format: string): string | undefined {
  return FORMATS[format]?.[1];
}
