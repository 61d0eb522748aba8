import type { Attempt, LabPod, LabService, Party, PartyCommand, Scenario, Target } from '../scenario.js';

/** The cluster in which the causes of docs/causes.md are made one by one: three nodes, few pods, one machine outside. */

export const pod = (name: string, node: string, ip: string, ports: LabPod['ports'] = []): LabPod => ({
  namespace: 'shop',
  name,
  node,
  ip,
  labels: { app: name },
  ports,
});

export const inShop = (name: string): Party => ({ kind: 'pod', namespace: 'shop', name });
export const service = (name: string): Target => ({ kind: 'service', namespace: 'shop', name });
export const node = (name: string): Party => ({ kind: 'node', name });
export const laptop: Party = { kind: 'outside', name: 'laptop' };
export const address = (ip: string): Target => ({ kind: 'address', ip });

/** What somebody types on a node or in a pod. */
export const on = (party: Party, ...lines: readonly string[]): readonly PartyCommand[] =>
  lines.map((line) => ({ on: party, line }));

export const everyNode = (...lines: readonly string[]): readonly PartyCommand[] =>
  ['n1', 'n2', 'n3'].flatMap((name) => on(node(name), ...lines));

export const selecting = (app: string, ports: LabService['ports'], clusterIp: string): LabService => ({
  namespace: 'shop',
  name: app,
  clusterIp,
  selector: { app },
  ports,
});

/** One attempt over TCP; without `cause` it works. */
export function tcp(from: Party, to: Target, port: number, sourcePort: number, more: Partial<Attempt> = {}): Attempt {
  return { from, to, protocol: 'TCP', port, sourcePort, expect: 'allowed', timeout: 2.5, ...more };
}

/** An attempt that fails, and why. */
export const fails = (cause: string, expect: Attempt['expect'] = 'dropped'): Partial<Attempt> => ({ cause, expect });

export const NODES = [1, 2, 3].map((n) => ({ name: `n${n}`, ip: `192.168.77.1${n}`, podCidr: `10.244.${n}.0/24` }));

export function causeStory(name: string, dialect: string, own: Partial<Scenario> & Pick<Scenario, 'steps'>): Scenario {
  return {
    name,
    cluster: name,
    dialect,
    clusterCidr: '10.244.0.0/16',
    nodes: NODES,
    outside: [{ name: 'laptop', ip: '192.168.77.200' }],
    namespaces: [{ name: 'shop' }],
    pods: [],
    services: [],
    policies: [],
    ...own,
  };
}
