import type { Scenario } from '../src/scenario.js';

/** Two nodes, a client that may, and a policy that comes while everything runs. */
export const LIVE_STORY: Scenario = {
  name: 'live',
  cluster: 'live-lab',
  dialect: 'calico-current',
  clusterCidr: '10.71.0.0/16',
  nodes: [
    { name: 'node1', ip: '172.22.9.11', podCidr: '10.71.1.0/26' },
    { name: 'node2', ip: '172.22.9.12', podCidr: '10.71.2.0/26' },
  ],
  namespaces: [{ name: 'shop', labels: { team: 'shop' } }],
  pods: [
    {
      namespace: 'shop',
      name: 'web-0',
      node: 'node1',
      ip: '10.71.1.10',
      labels: { app: 'web' },
      ports: [{ port: 80 }],
    },
    {
      namespace: 'shop',
      name: 'db-0',
      node: 'node2',
      ip: '10.71.2.20',
      labels: { app: 'db' },
      ports: [{ port: 5432 }],
    },
  ],
  services: [],
  policies: [],
  steps: [],
};
