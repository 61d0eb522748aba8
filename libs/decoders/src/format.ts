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

/** Logs: every record stands for itself, so that a payload may be cut between two of them, also afterwards. */
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

/** Whether a payload of this format may be cut afterwards; `cutsOf` says where. */
export function isLog(format: FormatId): boolean {
  return LOGS.has(format);
}

/** Whether a word from outside names a format. */
export function isFormat(text: string): text is FormatId {
  return KNOWN.has(text);
}
