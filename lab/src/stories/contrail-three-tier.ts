import type { Attempt, LabPod, Party, Scenario } from '../scenario.js';

/**
 * Three tiers in namespace dev. The story leaves open where webserver-dev runs: it stands on a third node here, so
 * that neither cent222 nor cent333 is its own node, whose traffic no policy judges.
 */

const pod = (namespace: string, name: string, node: string, ip: string): LabPod => ({
  namespace,
  name,
  node,
  ip: `10.47.255.${ip}`,
  labels: { app: name },
  ports: [{ name: 'http', port: 80 }],
});

const inDev = (name: string): Party => ({ kind: 'pod', namespace: 'dev', name });
const webserver = inDev('webserver-dev');
const dbserver = inDev('dbserver-dev');
const client1 = inDev('client1-dev');
const client2 = inDev('client2-dev');
const clientQa: Party = { kind: 'pod', namespace: 'qa', name: 'client-qa' };
const clientJtac: Party = { kind: 'pod', namespace: 'jtac', name: 'client-jtac' };
const node = (name: string): Party => ({ kind: 'node', name });

const http = (from: Party, to: Party, expect: Attempt['expect']): Attempt => ({
  from,
  to,
  protocol: 'TCP',
  port: 80,
  expect,
  ...(expect === 'dropped' ? { cause: 'POLICY_DEFAULT_DENY' } : {}),
});

const app = (name: string) => ({ podSelector: { matchLabels: { app: name } } });
const port80 = [{ protocol: 'TCP' as const, port: 80 }];

export const contrailThreeTier: Scenario = {
  name: 'contrail-three-tier',
  cluster: 'three-tier',
  dialect: 'calico-current',
  clusterCidr: '10.47.255.0/24',
  nodes: [
    { name: 'cent222', ip: '10.169.25.20', podCidr: '10.47.255.128/26' },
    { name: 'cent333', ip: '10.169.25.21', podCidr: '10.47.255.192/26' },
    { name: 'cent444', ip: '10.169.25.22', podCidr: '10.47.255.64/26' },
  ],
  namespaces: [
    { name: 'dev', labels: { project: 'dev' } },
    { name: 'qa', labels: { project: 'qa' } },
    { name: 'jtac', labels: { project: 'jtac' } },
  ],
  pods: [
    pod('dev', 'webserver-dev', 'cent444', '234'),
    pod('dev', 'dbserver-dev', 'cent333', '233'),
    pod('dev', 'client1-dev', 'cent222', '232'),
    pod('dev', 'client2-dev', 'cent444', '231'),
    pod('qa', 'client-qa', 'cent222', '230'),
    pod('jtac', 'client-jtac', 'cent333', '229'),
  ],
  services: [
    {
      namespace: 'dev',
      name: 'webserver-dev',
      clusterIp: '10.96.41.7',
      selector: { app: 'webserver-dev' },
      ports: [{ port: 80, targetPort: 80 }],
    },
    {
      namespace: 'dev',
      name: 'dbserver-dev',
      clusterIp: '10.96.115.30',
      selector: { app: 'dbserver-dev' },
      ports: [{ port: 80, targetPort: 80 }],
    },
  ],
  policies: [
    {
      kind: 'kubernetes',
      namespace: 'dev',
      name: 'policy1',
      spec: {
        podSelector: { matchLabels: { app: 'webserver-dev' } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            from: [
              { ipBlock: { cidr: '10.169.25.20/32' } },
              { namespaceSelector: { matchLabels: { project: 'jtac' } } },
              app('client1-dev'),
            ],
            ports: port80,
          },
        ],
        egress: [{ to: [app('dbserver-dev')], ports: port80 }],
      },
    },
    {
      kind: 'kubernetes',
      namespace: 'dev',
      name: 'policy2',
      spec: {
        podSelector: { matchLabels: { app: 'dbserver-dev' } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ from: [app('webserver-dev')], ports: port80 }],
      },
    },
  ],
  steps: [
    [http(client1, webserver, 'allowed')],
    [http(clientJtac, webserver, 'allowed')],
    [http(node('cent222'), webserver, 'allowed')],
    [http(webserver, dbserver, 'allowed')],
    [http(client2, webserver, 'dropped'), http(webserver, client1, 'dropped'), http(dbserver, client1, 'dropped')],
    [http(clientQa, webserver, 'dropped'), http(webserver, client2, 'dropped')],
    [http(node('cent333'), webserver, 'dropped'), http(client1, dbserver, 'dropped')],
    [http(client1, webserver, 'allowed'), http(webserver, dbserver, 'allowed')],
  ],
};
