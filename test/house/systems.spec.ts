import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describeBundleFile } from '@whydrop/contracts';
import { COVERED_SYSTEMS, detectFlowLog, FORMATS, type FormatId } from '@whydrop/decoders';

const SCENARIOS = path.resolve(import.meta.dirname, '../scenarios');

/** Where a file of each format lies in a bundle. */
const PLACES: Readonly<Record<FormatId, string>> = {
  'conntrack-events': 'nodes/n/conntrack.log',
  'conntrack-dump': 'nodes/n/conntrack.1795214426.5.txt',
  'iptables-save': 'nodes/n/iptables.1795214426.save',
  'ip6tables-save': 'nodes/n/ip6tables.1795214426.save',
  'ipset-save': 'nodes/n/ipset.1795214426.save',
  'nflog-gprint': 'nodes/n/nflog.100.log',
  'nflog-json': 'nodes/n/nflog.100.json',
  'kernel-log': 'nodes/n/kernel.log',
  'xtables-trace': 'nodes/n/trace.log',
  'kubernetes-objects': 'cluster/pods.yaml',
  'kubernetes-events': 'cluster/events.jsonl',
  interfaces: 'nodes/n/interfaces.json',
  'conntrack-xml': 'nodes/n/conntrack.xml',
  'conntrack-save': 'nodes/n/conntrack.save',
  'conntrack-stats': 'nodes/n/conntrack-stats.1795214426.txt',
  'proc-net-stats': 'nodes/n/netstat.1795214426.txt',
  'ipset-list': 'nodes/n/ipset.1795214426.txt',
  'weave-npc-log': 'nodes/n/weave-npc.log',
  'prometheus-text': 'nodes/n/metrics.1795214426.prom',
  'contrail-flow': 'nodes/n/contrail-flow.1795214426.txt',
  'contrail-session-log': 'nodes/n/contrail-session.log',
  'calico-whisker': 'flows/whisker.ndjson',
  'calico-flow-log': 'flows/calico-flows.log',
  'cilium-hubble': 'flows/hubble.ndjson',
  'antrea-np-log': 'nodes/n/antrea-np.log',
  'aws-network-policy-log': 'nodes/n/network-policy-agent.log',
  'ovn-acl-log': 'nodes/n/acl-audit-log.log',
  'gke-policy-log': 'nodes/n/policy_action.log',
  'mapped-json': 'flows/mapped-firewall.ndjson',
  'nfct-json': 'nodes/n/nfct.json',
  routes: 'nodes/n/routes.1795214426.json',
  sysctl: 'nodes/n/sysctl.1795214426.txt',
  'nft-json': 'nodes/n/nft.1795214426.json',
};

/** The bundle that shows a system's drops explained. */
const SHOWN_BY: Readonly<Record<string, readonly string[]>> = {
  'Weave Net NPC': ['weave-npc-samples', 'weave-npc-log-only', 'weave-sock-shop'],
  'Contrail / Tungsten Fabric': ['contrail-flow-table'],
  Calico: ['calico-web-deny-all', 'contrail-three-tier', 'calico-flow-log', 'calico-whisker'],
  'Azure NPM': ['azure-npm-samples'],
  'kube-router': ['kube-router-samples'],
  Cilium: ['hubble-deny-rule', 'hubble-default-deny'],
  Antrea: ['antrea-audit-log'],
  'AWS network policy agent': ['aws-policy-agent'],
  'OVN-Kubernetes': ['ovn-acl-audit'],
  'GKE Dataplane V2': ['gke-policy-log'],
  'Plain hosts and any iptables user': ['plain-hosts'],
  'Kubernetes and Calico objects': ['aks-calico-order'],
  'Any other source of JSON lines': ['mapped-firewall'],
};

function read(...parts: readonly string[]): string {
  return readFileSync(path.join(SCENARIOS, ...parts), 'utf8');
}

describe.each(COVERED_SYSTEMS.map(({ name, formats }) => ({ name, formats })))('$name', ({ name, formats }) => {
  it('has bundles, in formats of its own, whose drops are told', () => {
    const bundles = SHOWN_BY[name] ?? [];
    expect(bundles.length).toBeGreaterThan(0);
    for (const bundle of bundles) {
      expect(read(bundle, 'expected.txt')).toMatch(/^(?:DROPPED|REJECTED|COUNTED) \w+/m);
      const files = readdirSync(path.join(SCENARIOS, bundle, 'bundle'), { recursive: true }).map(String);
      const used = files.map((file) => {
        const known = describeBundleFile(file.split(path.sep).join('/'));
        return known && (known.format ?? detectFlowLog(read(bundle, 'bundle', file)));
      });
      expect(used.filter((format) => formats.some((own) => own === format))).not.toEqual([]);
    }
  });
});

it('every format has a place in a bundle', () => {
  expect(FORMATS.map((format) => describeBundleFile(PLACES[format])?.format)).toEqual(FORMATS);
});

it('every scenario with a bundle is told', () => {
  const bundles = readdirSync(SCENARIOS).filter((name) => existsSync(path.join(SCENARIOS, name, 'bundle')));
  expect(bundles.filter((name) => !existsSync(path.join(SCENARIOS, name, 'expected.txt')))).toEqual([]);
});
