import type { FormatId } from './format.js';

/** A world whose drops can be read, and what is read of it. */
export interface CoveredSystem {
  readonly name: string;
  /** What it gives, in a few words. */
  readonly gives: string;
  readonly formats: readonly FormatId[];
  /** A capture that proves it: folder of the format, then its name. */
  readonly proof: readonly `${FormatId}/${string}`[];
}

/** Every system that is covered. docs/decoders.md lists them; a test wants a capture of each. */
export const COVERED_SYSTEMS: readonly CoveredSystem[] = [
  {
    name: 'Weave Net NPC',
    gives: 'blocked connections without direction, changes of policies, counts by port, chains and sets',
    formats: ['weave-npc-log', 'prometheus-text', 'nflog-json', 'iptables-save', 'ipset-save'],
    proof: [
      'weave-npc-log/blocked-policy-added-restart.txt',
      'prometheus-text/weave-npc.prom',
      'nflog-json/weave-egress-and-ingress-drops.jsonl',
      'iptables-save/weave-after-egress-drop.txt',
      'ipset-save/weave-list-set.txt',
    ],
  },
  {
    name: 'Contrail / Tungsten Fabric',
    gives: 'flow table with drop reasons, sessions with the firewall rule that decided',
    formats: ['contrail-flow', 'contrail-session-log'],
    proof: [
      'contrail-flow/listing-drop-nat-ipv6.txt',
      'contrail-flow/pasted-without-line-breaks.txt',
      'contrail-session-log/denied-by-denyall-and-flow-log-before-5.txt',
    ],
  },
  {
    name: 'Calico',
    gives: 'flow logs with policy hits, NFLOG prefixes with policy and rule, LOG lines, counters of chains',
    formats: [
      'calico-whisker',
      'calico-flow-log',
      'nflog-json',
      'nflog-gprint',
      'kernel-log',
      'iptables-save',
      'prometheus-text',
    ],
    proof: [
      'calico-whisker/end-of-tier-and-explicit-deny.jsonl',
      'calico-flow-log/policy-strings.jsonl',
      'nflog-gprint/calico-prefixes.txt',
      'kernel-log/prefixes-of-plugins.txt',
      'prometheus-text/azure-npm-and-felix.prom',
    ],
  },
  {
    name: 'Azure NPM',
    gives: 'counters of its chains, the names behind its sets, programming failures',
    formats: ['iptables-save', 'ipset-save', 'prometheus-text'],
    proof: [
      'iptables-save/azure-npm-after.txt',
      'ipset-save/azure-npm-nomatch-and-list-set.txt',
      'prometheus-text/azure-npm-and-felix.prom',
    ],
  },
  {
    name: 'kube-router',
    gives: 'denied packets of NFLOG group 100, counters of its chains',
    formats: ['nflog-gprint', 'nflog-json', 'iptables-save', 'ipset-save'],
    proof: [
      'nflog-gprint/kube-router-group-100.txt',
      'iptables-save/kube-router-new-comments.txt',
      'ipset-save/kube-router-timeouts.txt',
    ],
  },
  {
    name: 'Cilium',
    gives: 'flows with verdict, drop reason and, for explicit denies, the policy',
    formats: ['cilium-hubble'],
    proof: ['cilium-hubble/explicit-default-lost-audit.jsonl'],
  },
  {
    name: 'Antrea',
    gives: 'audit lines with policy and rule name',
    formats: ['antrea-np-log'],
    proof: ['antrea-np-log/every-version.txt'],
  },
  {
    name: 'AWS network policy agent',
    gives: 'denied flows with direction and tier, never a policy name',
    formats: ['aws-network-policy-log'],
    proof: ['aws-network-policy-log/every-version.jsonl'],
  },
  {
    name: 'OVN-Kubernetes',
    gives: 'audit lines with policy and rule index; default denies by namespace',
    formats: ['ovn-acl-log'],
    proof: ['ovn-acl-log/admin-rule-default-deny-old-names.txt'],
  },
  {
    name: 'GKE Dataplane V2',
    gives: 'allowed flows with policies, denied flows with counts',
    formats: ['gke-policy-log'],
    proof: ['gke-policy-log/allow-deny-aggregate.jsonl'],
  },
  {
    name: 'Plain hosts and any iptables user',
    gives: 'conntrack, packets of LOG and NFLOG with their prefix, traces, rulesets with counters, table trouble',
    formats: [
      'conntrack-events',
      'conntrack-dump',
      'conntrack-xml',
      'conntrack-save',
      'conntrack-stats',
      'proc-net-stats',
      'kernel-log',
      'nflog-gprint',
      'nflog-json',
      'xtables-trace',
      'iptables-save',
      'ip6tables-save',
      'ipset-save',
      'ipset-list',
      'interfaces',
      'nfct-json',
      'routes',
      'sysctl',
      'nft-json',
    ],
    proof: [
      'conntrack-events/every-protocol-zone-mark-label.txt',
      'kernel-log/every-wrapping.txt',
      'xtables-trace/drop-and-reject.txt',
      'proc-net-stats/snmp-netstat-softnet.txt',
      'nfct-json/new-and-destroy-with-dnat.jsonl',
      'routes/table-all-with-blackhole.json',
      'sysctl/net.txt',
      'nft-json/table-with-sets-and-counters.json',
    ],
  },
  {
    name: 'Kubernetes and Calico objects',
    gives: 'the state of the cluster and its changes',
    formats: ['kubernetes-objects', 'kubernetes-events'],
    proof: [
      'kubernetes-objects/list-typed-list-and-several-documents.yaml',
      'kubernetes-events/policy-added-modified-deleted.jsonl',
    ],
  },
  {
    name: 'Any other source of JSON lines',
    gives: 'flows with verdict, by a mapping of its fields',
    formats: ['mapped-json'],
    proof: ['mapped-json/a-firewall-nobody-knows.jsonl'],
  },
];
