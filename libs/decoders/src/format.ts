/** Every input format by name. A name is stored with each batch: never rename one. */
export const FORMATS = [
  'conntrack-events',
  'conntrack-dump',
  'iptables-save',
  'ip6tables-save',
  'ipset-save',
  'nflog-gprint',
  'nflog-json',
  'kernel-log',
  'xtables-trace',
  'kubernetes-objects',
  'kubernetes-events',
  'interfaces',
  'conntrack-xml',
  'conntrack-save',
  'conntrack-stats',
  'proc-net-stats',
  'ipset-list',
  'weave-npc-log',
  'prometheus-text',
  'contrail-flow',
  'contrail-session-log',
  'calico-whisker',
  'calico-flow-log',
  'cilium-hubble',
  'antrea-np-log',
  'aws-network-policy-log',
  'ovn-acl-log',
  'gke-policy-log',
  'mapped-json',
  'nfct-json',
  'routes',
  'sysctl',
  'nft-json',
] as const;

export type FormatId = (typeof FORMATS)[number];

const KNOWN: ReadonlySet<string> = new Set(FORMATS);

/**
 * Whether a record may begin with this line: where a stream may be cut into payloads. Only traces have records of
 * several lines, which begin with their PACKET line; snapshots are never cut.
 */
export function beginsRecord(format: FormatId, line: string): boolean {
  return format !== 'xtables-trace' || /^(?:[\d.]{1,20}[ \t])? {0,4}PACKET: /.test(line);
}

/** Logs: every record stands for itself, so that a payload may be cut anywhere between two of them, also afterwards. */
const LOGS: ReadonlySet<FormatId> = new Set<FormatId>([
  'conntrack-events',
  'conntrack-dump',
  'conntrack-save',
  'nfct-json',
  'nflog-gprint',
  'nflog-json',
  'kernel-log',
  'xtables-trace',
  'kubernetes-events',
  'weave-npc-log',
  'contrail-session-log',
  'calico-flow-log',
  'cilium-hubble',
  'antrea-np-log',
  'aws-network-policy-log',
  'ovn-acl-log',
  'gke-policy-log',
  'mapped-json',
]);

/** Whether a payload of this format may be cut before this line. */
export function mayCut(format: FormatId, line: string): boolean {
  return LOGS.has(format) && beginsRecord(format, line);
}

/** Whether a word from outside names a format. */
export function isFormat(text: string): text is FormatId {
  return KNOWN.has(text);
}
