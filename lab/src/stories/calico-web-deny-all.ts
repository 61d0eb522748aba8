import { uidOf } from '../cluster-objects.js';
import type { LabPod, Scenario } from '../scenario.js';

/**
 * One pod that nothing may enter, as Calico v2 programmed it. The published listing shows the pod's chain under the
 * interface cali1f79f9e08f2, which namespace and pod name do not give: a WorkloadEndpoint object says so here.
 * The ping of the story is left out, because the drop rule has to end at exactly three SYNs of 60 bytes.
 */

const INTERFACE = 'cali1f79f9e08f2';

const web: LabPod = {
  namespace: 'default',
  name: 'web-667bdcb4d8-cpvbb',
  node: 'node1',
  ip: '10.139.54.158',
  labels: { app: 'web', 'pod-template-hash': '667bdcb4d8' },
  ports: [{ port: 80 }],
  interfaceName: INTERFACE,
  owner: { kind: 'ReplicaSet', name: 'web-667bdcb4d8' },
};

const client: LabPod = {
  namespace: 'default',
  name: 'busybox',
  node: 'node2',
  ip: '10.139.104.7',
  labels: { run: 'busybox' },
  ports: [],
};

export const calicoWebDenyAll: Scenario = {
  name: 'calico-web-deny-all',
  cluster: 'web-deny-all',
  dialect: 'calico-old',
  clusterCidr: '10.139.0.0/16',
  nodes: [
    { name: 'node1', ip: '172.21.4.11', podCidr: '10.139.54.128/26' },
    { name: 'node2', ip: '172.21.4.12', podCidr: '10.139.104.0/26' },
  ],
  namespaces: [{ name: 'default' }],
  pods: [web, client],
  services: [
    {
      namespace: 'default',
      name: 'web',
      clusterIp: '192.168.82.141',
      selector: { app: 'web' },
      ports: [{ port: 80, targetPort: 80 }],
    },
  ],
  policies: [
    {
      kind: 'kubernetes',
      apiVersion: 'extensions/v1beta1',
      namespace: 'default',
      name: 'web-deny-all',
      spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'], ingress: [] },
    },
  ],
  objects: [
    {
      apiVersion: 'projectcalico.org/v3',
      kind: 'WorkloadEndpoint',
      metadata: {
        name: 'node1-k8s-web--667bdcb4d8--cpvbb-eth0',
        namespace: 'default',
        uid: uidOf('WorkloadEndpoint', 'default', web.name),
        labels: { ...web.labels, 'projectcalico.org/namespace': 'default', 'projectcalico.org/orchestrator': 'k8s' },
      },
      spec: {
        orchestrator: 'k8s',
        node: 'node1',
        pod: web.name,
        endpoint: 'eth0',
        interfaceName: INTERFACE,
        ipNetworks: [`${web.ip}/32`],
        profiles: ['kns.default'],
      },
    },
  ],
  steps: [
    [
      {
        from: { kind: 'pod', namespace: 'default', name: 'busybox' },
        to: { kind: 'service', namespace: 'default', name: 'web' },
        protocol: 'TCP',
        port: 80,
        // SYNs leave at 0, 1 and 2 seconds.
        timeout: 2.6,
        expect: 'dropped',
        packets: 3,
        cause: 'POLICY_DEFAULT_DENY',
      },
    ],
  ],
  withoutNflog: true,
};
