import type { Finding, PodEndpoint } from '@whydrop/model';
import type { End } from '../end.js';
import type { CompiledPolicy } from '../compiled-policy.js';
import { policyName } from '../sentence.js';
import type { DirectedFinding, FindingContext } from './context.js';

const DNS_APPS = new Set(['kube-dns', 'coredns', 'node-local-dns']);

const DNS_PORTS = [
  { name: 'dns', port: 53, protocol: 'UDP' as const },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' as const },
];

/** The cluster's name server as every distribution installs it; used where no manifest declares it. */
const ASSUMED_DNS: PodEndpoint = {
  namespace: 'kube-system',
  name: 'kube-dns',
  uid: undefined,
  labels: { 'k8s-app': 'kube-dns' },
  ips: [],
  node: undefined,
  hostNetwork: false,
  serviceAccount: 'kube-dns',
  ports: DNS_PORTS,
  workload: { kind: 'Deployment', namespace: 'kube-system', name: 'kube-dns' },
  phase: undefined,
  ready: undefined,
  createdAt: undefined,
  deletedAt: undefined,
};

function isDns({ labels, hostNetwork }: PodEndpoint): boolean {
  return !hostNetwork && DNS_APPS.has(labels['k8s-app'] ?? '');
}

interface NameServer {
  readonly end: End;
  readonly udp: number;
  readonly tcp: number;
}

function portOf(pod: PodEndpoint, protocol: string): number {
  const ports = pod.ports.filter((port) => port.protocol === protocol);
  return (
    (ports.find(({ name }) => name === 'dns' || name === 'dns-tcp') ?? ports.find(({ port }) => port === 53))?.port ??
    53
  );
}

const servers = new WeakMap<FindingContext, NameServer>();

/** The name server: the pod that is declared, or the usual one. */
function nameServer(context: FindingContext): NameServer {
  const known = servers.get(context) ?? findServer(context);
  servers.set(context, known);
  return known;
}

function findServer(context: FindingContext): NameServer {
  const pod = context.view.state.pods.find(isDns) ?? ASSUMED_DNS;
  return { end: context.view.endOfPod(pod), udp: portOf(pod, 'UDP'), tcp: portOf(pod, 'TCP') };
}

type Denies = (source: End, destination: End, protocol: 'UDP' | 'TCP', port: number) => boolean;

/** What keeps a pod from resolving names: nothing, TCP alone (large answers), or everything. */
function blocked(end: End, server: NameServer, denies: Denies): 'UDP' | 'TCP' | undefined {
  if (denies(end, server.end, 'UDP', server.udp)) return 'UDP';
  return denies(end, server.end, 'TCP', server.tcp) ? 'TCP' : undefined;
}

function sentenceOf(policies: readonly CompiledPolicy[], protocol: 'UDP' | 'TCP', server: NameServer): string {
  const names = policies.map(({ ref }) => policyName(ref)).join(', ');
  const port = protocol === 'UDP' ? server.udp : server.tcp;
  const fails = protocol === 'UDP' ? 'names fail before any connection does' : 'names with long answers fail';
  const [isolate, admit] = policies.length > 1 ? ['isolate', 'admit'] : ['isolates', 'admits'];
  return `${names} ${isolate} pods for egress and ${admit} no ${protocol} ${port} to ${server.end.label}: ${fails}; add an egress rule for UDP and TCP ${server.udp} to it`;
}

/** For one pod: egress isolation that forgets the name server. `isolating` are the policies that isolate the pod. */
export function forgottenDns(
  end: End,
  isolating: readonly CompiledPolicy[],
  context: FindingContext,
  denies: Denies,
): readonly DirectedFinding[] {
  if (isolating.length === 0 || end.kind !== 'pod' || (end.pod && isDns(end.pod))) return [];
  const server = nameServer(context);
  const protocol = blocked(end, server, denies);
  const policy = isolating.find(({ egress }) => egress.rules.length === 0) ?? isolating[0];
  if (protocol === undefined || !policy) return [];
  const code: Finding['code'] = protocol === 'UDP' ? 'DNS_BLOCKED' : 'DNS_TCP_BLOCKED';
  const sentence = sentenceOf(isolating, protocol, server);
  return [{ code, direction: 'egress', policy: policy.ref, path: 'spec.egress', sentence }];
}
