import { contains, type Address, type Network } from './address.js';
import { editDistance } from './edit-distance.js';
import { ipsOf, unselectable, type Connection, type End, type Side } from './end.js';
import {
  labelEdits,
  labelMisses,
  selectorMatches,
  selectorText,
  type LabelMiss,
  type LabelSelector,
  type Labels,
} from './label-selector.js';
import { failureCost, type Criterion, type Failure } from './rule.js';

const OTHER_KIND = 300;
const OTHER_NAMESPACE = 60;

function fromLabels(field: Failure['field'], path: string, misses: readonly LabelMiss[], of = ''): readonly Failure[] {
  return misses.map((miss) => ({
    field,
    path: `${path}.${miss.path}`,
    wanted: `${of}${miss.wanted}`,
    got: `${of}${miss.got}`,
    edit: miss.edit,
  }));
}

function labelsCost(end: End, selector: LabelSelector, labels: Labels): number {
  if (end.kind !== 'pod') return failureCost(OTHER_KIND);
  return labelEdits(selector, labels).reduce((sum, edit) => sum + failureCost(edit), 0);
}

/** The end is a pod whose labels the selector matches. */
export function podLabels(side: Side, selector: LabelSelector, path: string): Criterion {
  return {
    test: (connection) => {
      const end = connection[side];
      return end.kind === 'pod' && selectorMatches(selector, end.labels);
    },
    failures: (connection) => {
      const end = connection[side];
      if (end.kind === 'pod') return fromLabels('podSelector', path, labelMisses(selector, end.labels));
      const wanted = `a pod with ${selectorText(selector)}`;
      return [{ field: 'podSelector', path, wanted, got: unselectable(end), edit: OTHER_KIND }];
    },
    cost: (connection) => labelsCost(connection[side], selector, connection[side].labels),
  };
}

/** The end is a pod of this namespace. */
export function podOfNamespace(side: Side, namespace: string, path: string): Criterion {
  return {
    test: (connection) => connection[side].kind === 'pod' && connection[side].namespace?.name === namespace,
    failures: (connection) => {
      const end = connection[side];
      // A peer that is no pod fails the pod selector beside this one; saying it once is enough.
      if (end.kind !== 'pod') return [];
      const got = `namespace ${end.namespace?.name ?? ''}`;
      return [{ field: 'namespaceSelector', path, wanted: `namespace ${namespace}`, got, edit: OTHER_NAMESPACE }];
    },
  };
}

const NO_LABELS: Labels = new Map();

/** The end is a pod in a namespace whose labels the selector matches. */
export function namespaceLabels(side: Side, selector: LabelSelector, path: string): Criterion {
  return {
    test: (connection) => {
      const end = connection[side];
      return end.kind === 'pod' && selectorMatches(selector, end.namespace?.labels ?? NO_LABELS);
    },
    failures: (connection) => {
      const end = connection[side];
      if (end.kind === 'pod') {
        const misses = labelMisses(selector, end.namespace?.labels ?? NO_LABELS);
        return fromLabels('namespaceSelector', path, misses, `namespace ${end.namespace?.name ?? ''}: `).map(
          (failure) => ({ ...failure, wanted: failure.wanted.replace(/^namespace [^:]*: /, 'a namespace with ') }),
        );
      }
      const wanted = `a pod in a namespace with ${selectorText(selector)}`;
      return [{ field: 'namespaceSelector', path, wanted, got: unselectable(end), edit: OTHER_KIND }];
    },
    cost: (connection) => labelsCost(connection[side], selector, connection[side].namespace?.labels ?? NO_LABELS),
  };
}

/** The end is a node whose labels the selector matches. Whether a bare address is a node hangs on the nodes being known. */
export function nodeLabels(side: Side, selector: LabelSelector, path: string): Criterion {
  return {
    test: (connection) => {
      const end = connection[side];
      if (end.kind === 'pod') return false;
      if (end.kind === 'address') return end.nodesKnown ? false : undefined;
      return end.nodeLabels ? selectorMatches(selector, end.nodeLabels) : undefined;
    },
    failures: (connection) => {
      const end = connection[side];
      if (end.nodeLabels) return fromLabels('node', path, labelMisses(selector, end.nodeLabels));
      const got = end.kind === 'pod' ? `pod ${end.label}` : unselectable(end);
      return [{ field: 'node', path, wanted: `a node with ${selectorText(selector)}`, got, edit: OTHER_KIND }];
    },
    missing: (connection) => `the labels of the node at ${connection[side].label}`,
  };
}

/** The end is one of these domain names. No policy object says which addresses they have. */
export function domainNames(side: Side, names: readonly string[], path: string): Criterion {
  return {
    test: (connection) => (connection[side].kind === 'pod' ? false : undefined),
    failures: (connection) => [
      { field: 'domainName', path, wanted: names.join(', '), got: `pod ${connection[side].label}`, edit: OTHER_KIND },
    ],
    missing: (connection) => `whether ${names.join(', ')} resolves to ${connection[side].label}`,
  };
}

/** How an end's addresses are called in a sentence. */
export function addressText(connection: Connection, side: Side): string {
  const ips = side === 'source' ? connection.sourceIps : connection.destinationIps;
  const label = connection[side].label;
  const text = ips?.map((ip) => ip.text).join(', ') ?? 'unknown';
  return label === text ? `address ${text}` : `${label} (${text})`;
}

function unknownAddress(end: End): string {
  return `the address of ${end.label}`;
}

/** An address of the end is in the network and in none of the exceptions. */
export function inNetwork(
  side: Side,
  network: Network,
  except: readonly Network[],
  path: string,
): readonly Criterion[] {
  const isIn = (ip: Address): boolean => contains(network, ip);
  const exception = (ip: Address): Network | undefined => except.find((one) => contains(one, ip));
  const editOf = (connection: Connection): number => {
    const [ip] = ipsOf(connection, side, []) ?? [];
    return connection[side].kind === 'pod' || !ip ? OTHER_KIND : editDistance(network.text, ip.text);
  };
  const failure = (connection: Connection, failed: Pick<Failure, 'field' | 'path' | 'wanted'>): readonly Failure[] => {
    const edit = editOf(connection);
    return [{ ...failed, got: addressText(connection, side), edit }];
  };
  return [
    {
      // One criterion for both: with two addresses, one in the network and the other in an exception, the first counts.
      test: (connection) => {
        const ips = ipsOf(connection, side, [network, ...except]);
        return ips === undefined ? undefined : ips.some((ip) => isIn(ip) && !exception(ip));
      },
      failures: (connection) => {
        const ips = ipsOf(connection, side, []) ?? [];
        const caught = ips.filter(isIn).flatMap((ip) => exception(ip) ?? []);
        if (caught.length === 0)
          return failure(connection, { field: 'ipBlock', path: `${path}.cidr`, wanted: network.text });
        return caught.slice(0, 1).flatMap((one) => {
          const place = { field: 'except' as const, path: `${path}.except[${except.indexOf(one)}]` };
          return failure(connection, { ...place, wanted: `an address outside ${one.text}` });
        });
      },
      cost: (connection) => failureCost(editOf(connection)),
      missing: (connection) => unknownAddress(connection[side]),
    },
  ];
}

/** The connection has this protocol; names are compared in capitals. */
export function hasProtocol(protocol: string, path: string): Criterion {
  return {
    test: (connection) => connection.protocol === protocol,
    failures: ({ protocol: got }) => [{ field: 'protocol', path, wanted: protocol, got, edit: 20 }],
  };
}

/** A port as people write it: `80/TCP`; what has no ports is its protocol alone. */
export function portText(connection: Pick<Connection, 'port' | 'protocol'>): string {
  return connection.port === undefined ? connection.protocol : `${connection.port}/${connection.protocol}`;
}

/** Whether packets of this protocol have ports. */
export function carriesPorts(protocol: string): boolean {
  return (
    protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP' || protocol === 'UDPLITE' || protocol === 'DCCP'
  );
}

function unknownPort(connection: Connection): boolean {
  return connection.port === undefined && carriesPorts(connection.protocol);
}

/** The destination port is one of first to last. */
export function portBetween(first: number, last: number, protocol: string, path: string): Criterion {
  const range = first === last ? `${first}` : `${first}-${last}`;
  return {
    test: (connection) => {
      if (unknownPort(connection)) return undefined;
      return connection.port !== undefined && connection.port >= first && connection.port <= last;
    },
    failures: (connection) => {
      const { port } = connection;
      const edit = port === undefined ? 20 : Math.min(20, editDistance(range, String(port)));
      return [{ field: 'port', path, wanted: `${range}/${protocol}`, got: portText(connection), edit }];
    },
    missing: () => 'the destination port',
  };
}

/** Container ports of the destination pod with this name; of one protocol, or of any. */
export function namedPorts(end: End, name: string, protocol: string | undefined): readonly number[] {
  if (end.kind !== 'pod') return [];
  const ports = end.pod?.ports ?? [];
  return ports
    .filter((port) => port.name === name && (protocol === undefined || port.protocol === protocol))
    .map((port) => port.port);
}

function namedGot(connection: Connection, name: string, protocol: string | undefined): string {
  const { destination } = connection;
  if (destination.kind !== 'pod') return `${unselectable(destination)}: only a pod's ports have names`;
  const ports = namedPorts(destination, name, protocol);
  if (ports.length === 0) return `${destination.label} has no ${protocol ? `${protocol} ` : ''}port named ${name}`;
  return `${portText(connection)}; ${name} is ${ports.join(', ')} at ${destination.label}`;
}

/** The destination is a pod that names this port so, in the protocol given (any where undefined). */
export function portNamed(name: string, protocol: string | undefined, path: string): Criterion {
  return {
    test: (connection) => {
      const ports = namedPorts(connection.destination, name, protocol ?? connection.protocol);
      if (ports.length > 0 && unknownPort(connection)) return undefined;
      return connection.port !== undefined && ports.includes(connection.port);
    },
    failures: (connection) => [
      {
        field: 'namedPort',
        path,
        wanted: `port ${name}${protocol ? `/${protocol}` : ''}`,
        got: namedGot(connection, name, protocol),
        edit: 15,
      },
    ],
    missing: () => 'the destination port',
  };
}
