import { describeBundleFile } from './bundle.js';

const format = (path: string) => describeBundleFile(path)?.format;

describe('describeBundleFile', () => {
  it.each([
    ['cluster/policies/dev.yaml', 'kubernetes-objects'],
    ['cluster/events.jsonl', 'kubernetes-events'],
    ['nodes/node-1/conntrack.log', 'conntrack-events'],
    ['nodes/node-1/conntrack.xml', 'conntrack-xml'],
    ['nodes/node-1/conntrack.save', 'conntrack-save'],
    ['nodes/node-1/conntrack.1795214426.5.txt', 'conntrack-dump'],
    ['nodes/node-1/nf_conntrack.1795214426.txt', 'conntrack-dump'],
    ['nodes/node-1/nfct.json', 'nfct-json'],
    ['nodes/node-1/iptables-legacy.1795214426.5.save', 'iptables-save'],
    ['nodes/node-1/ip6tables.1795214426.save', 'ip6tables-save'],
    ['nodes/node-1/ipset.1795214426.save', 'ipset-save'],
    ['nodes/node-1/ipset.1795214426.txt', 'ipset-list'],
    ['nodes/node-1/nflog.86.json', 'nflog-json'],
    ['nodes/node-1/nflog.100.log', 'nflog-gprint'],
    ['nodes/node-1/kernel.log', 'kernel-log'],
    ['nodes/node-1/trace.log', 'xtables-trace'],
    ['nodes/node-1/interfaces.json', 'interfaces'],
    ['nodes/node-1/routes.1795214426.json', 'routes'],
    ['nodes/node-1/sysctl.1795214426.txt', 'sysctl'],
    ['nodes/node-1/conntrack-stats.1795214426.txt', 'conntrack-stats'],
    ['nodes/node-1/snmp.1795214426.txt', 'proc-net-stats'],
    ['nodes/node-1/contrail-flow.1795214426.txt', 'contrail-flow'],
    ['nodes/node-1/weave-npc.log', 'weave-npc-log'],
    ['nodes/node-1/metrics.1795214426.prom', 'prometheus-text'],
    ['nodes/node-1/antrea-np.log', 'antrea-np-log'],
    ['nodes/node-1/acl-audit-log.log', 'ovn-acl-log'],
    ['nodes/node-1/policy_action.log', 'gke-policy-log'],
    ['nodes/node-1/network-policy-agent.log', 'aws-network-policy-log'],
    ['flows/hubble.ndjson', 'cilium-hubble'],
    ['flows/calico-flows.log', 'calico-flow-log'],
    ['flows/whisker.json', 'calico-whisker'],
    ['flows/contrail-session.log', 'contrail-session-log'],
    ['flows/mapped-firewall.ndjson', 'mapped-json'],
  ])('%s is read as %s', (path, expected) => {
    expect(format(path)).toBe(expected);
  });

  it('takes node, time, group and backend from the path', () => {
    expect(describeBundleFile('nodes/node-1/iptables-legacy.1795214426.5.save')).toEqual({
      format: 'iptables-save',
      node: 'node-1',
      takenAt: '1795214426.5',
      attributes: { backend: 'legacy' },
      splittable: false,
    });
    expect(describeBundleFile('nodes/node-1/nflog.86.json')).toMatchObject({ attributes: { group: '86' } });
  });

  it('a mapped source has its mapping beside it', () => {
    expect(describeBundleFile('flows/mapped-edge.2.ndjson')).toMatchObject({ mapping: 'mapped-edge.2.mapping.json' });
  });

  it('leaves flow logs whose names say nothing to their content', () => {
    expect(describeBundleFile('flows/drops-of-friday.log')).toEqual({
      format: undefined,
      node: null,
      takenAt: undefined,
      attributes: {},
      splittable: true,
    });
    expect(describeBundleFile('flows/calico.ndjson')).toMatchObject({ format: undefined });
  });

  it('knows nothing else', () => {
    for (const path of ['README.md', 'nodes/node-1/notes.txt', 'flows/a/b.log', 'nodes/node-1/deep/conntrack.log'])
      expect(describeBundleFile(path)).toBeUndefined();
  });
});
