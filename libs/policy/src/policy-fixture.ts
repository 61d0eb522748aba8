import {
  clusterStateOf,
  protocolFromName,
  type ClusterState,
  type ConnectionEnd,
  type ConnectionQuery,
  type ConnectionVerdict,
  type DirectionVerdict,
  type KubernetesObject,
  type PolicyRef,
} from '@whydrop/model';
import { parseAllDocuments } from 'yaml';

/** Objects written as YAML documents; what every object has may be left out. */
export function objectsOf(yaml: string): readonly KubernetesObject[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

function labelsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => word.split('=', 2) as [string, string]));
}

/**
 * A cluster in a few lines: `ns dev team=a`, `node n1 10.0.0.1 zone=x`,
 * `pod dev/web app=web @10.1.0.1 on:n1 port:http=80/TCP sa:web host`.
 */
export function objectsOfLines(text: string): readonly KubernetesObject[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([kind]) => kind !== undefined && kind !== '')
    .map(([kind, name = '', ...words]) => {
      if (kind === 'ns') return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: labelsOf(words) } };
      return kind === 'node' ? nodeOf(name, words) : podOf(name, words);
    });
}

function nodeOf(name: string, words: readonly string[]): KubernetesObject {
  const labels = labelsOf(words.filter((word) => word.includes('=')));
  const addresses = words.filter((word) => !word.includes('=')).map((address) => ({ type: 'InternalIP', address }));
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, status: { addresses } };
}

function podOf(path: string, words: readonly string[]): KubernetesObject {
  const [namespace = '', name = ''] = path.split('/');
  const after = (prefix: string): string[] =>
    words.filter((word) => word.startsWith(prefix)).map((word) => word.slice(prefix.length));
  const labels = labelsOf(words.filter((word) => /^[^:@]+=/.test(word)));
  const ports = after('port:').map((text) => {
    const [portName = '', containerPort = '', protocol = 'TCP'] = text.split(/[=/]/);
    return { name: portName, containerPort: Number(containerPort), protocol };
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      nodeName: after('on:')[0],
      hostNetwork: words.includes('host'),
      serviceAccountName: after('sa:')[0],
      containers: [{ name: 'main', ports }],
    },
    status: { podIPs: after('@').map((ip) => ({ ip })), phase: after('phase:')[0] },
  };
}

/** The state of a cluster from lines and YAML documents. */
export function stateOf(lines: string, yaml = ''): ClusterState {
  return clusterStateOf([...objectsOfLines(lines), ...objectsOf(yaml)]);
}

function endOf(text: string): ConnectionEnd {
  const [namespace = '', name] = text.split('/');
  if (text.startsWith('node:')) return { kind: 'node', name: text.slice(5) };
  return name === undefined ? { kind: 'address', ip: text } : { kind: 'pod', namespace, name };
}

/** `dev/a -> dev/web:80/TCP`, `203.0.113.7 -> dev/web ICMP`, `dev/a -> [2001:db8::1]:53/UDP`, `dev/a -> dev/b ICMP 8/0`. */
export function queryOf(text: string): ConnectionQuery {
  const [source = '', target = ''] = text.split(' -> ');
  const withPort = /^\[?(.+?)\]?:(\d+)\/(\w+)$/.exec(target);
  if (withPort) {
    const [, destination = '', port, protocol = ''] = withPort;
    return {
      source: endOf(source),
      destination: endOf(destination),
      protocol: protocolFromName(protocol) ?? 'TCP',
      port: Number(port),
    };
  }
  const [destination = '', protocol = 'ICMP', icmp] = target.split(' ');
  const [type, code] = (icmp ?? '').split('/').map(Number);
  const ends = { source: endOf(source), destination: endOf(destination.replace(/^\[|\]$/g, '')) };
  const query = { ...ends, protocol: protocolFromName(protocol) ?? 'ICMP', port: undefined };
  return icmp === undefined ? query : { ...query, icmp: { type: type ?? 0, code: code ?? 0 } };
}

const SHORT: Readonly<Record<string, string>> = {
  NetworkPolicy: '',
  CalicoNetworkPolicy: 'np:',
  GlobalNetworkPolicy: 'gnp:',
  AdminNetworkPolicy: 'anp:',
  BaselineAdminNetworkPolicy: 'banp:',
  ClusterNetworkPolicy: 'cnp:',
  Namespace: 'namespace:',
  Profile: 'profile:',
};

function short(policy: PolicyRef): string {
  const name = policy.namespace === null ? policy.name : `${policy.namespace}/${policy.name}`;
  return `${SHORT[policy.kind] ?? `${policy.kind}:`}${name}`;
}

function side(name: string, verdict: DirectionVerdict): readonly string[] {
  if (verdict.decidedBy.length > 0) {
    return [
      `${name} ${verdict.decidedBy
        .map((hit) => `${short(hit.policy)}[${hit.rule}]`)
        .sort()
        .join(' ')}`,
    ];
  }
  if (verdict.verdict === 'unknown') return [`${name} ?${verdict.missing.join(', ')}`];
  const isolators = verdict.isolatedBy.map((policy) => `!${short(policy)}`).sort();
  return verdict.verdict === 'denied' ? [`${name} ${isolators.join(' ')}`] : [];
}

/**
 * A verdict in one line: `allowed`, `allowed | in dev/web[0]` (admitted by rule 0), `denied in | in !dev/a !dev/b`
 * (default deny by both), `denied out | out anp:fence[2]`, `unknown | in ?the address of web`.
 */
export function shown(verdict: ConnectionVerdict): string {
  const direction = verdict.direction === null ? '' : verdict.direction === 'egress' ? ' out' : ' in';
  return [`${verdict.verdict}${direction}`, ...side('out', verdict.egress), ...side('in', verdict.ingress)].join(' | ');
}
