import type { PodEndpoint } from '@whydrop/model';
import type { Address, Network } from './address.js';
import type { Labels } from './label-selector.js';
import type { World } from './world.js';

/** A namespace as selectors see it. */
export interface NamespaceView {
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** One end of a connection with everything that selectors and networks can ask of it. */
export interface End {
  /** Number of this end within its engine, for caches. */
  readonly id: number;
  /** Ends of one class have the same namespace, labels, ports and service account: selectors cannot tell them apart. */
  readonly classId: number;
  /**
   * `pod` is selected by policies. A pod in the host's network is its `node`: no policy selects it, and as a peer only
   * networks and node selectors match it.
   */
  readonly kind: 'pod' | 'node' | 'address';
  readonly pod: PodEndpoint | undefined;
  readonly namespace: NamespaceView | undefined;
  readonly labels: Labels;
  /** The node it is, or runs on. */
  readonly node: string | undefined;
  /** Labels of the node it is; undefined where they are not known, and for pods. */
  readonly nodeLabels: Labels | undefined;
  /** Whether the cluster's nodes are declared: only then is a bare address known to be none of them. */
  readonly nodesKnown: boolean;
  /** Undefined when no address of it is known. */
  readonly ips: readonly Address[] | undefined;
  /** A name to read aloud: `client2-dev`, `node cent333`, `203.0.113.7`. */
  readonly label: string;
}

/** A connection that is being judged: rules ask it and nothing else. */
export interface Connection {
  readonly source: End;
  readonly destination: End;
  /** Addresses that this connection can use; undefined where they are not known. */
  readonly sourceIps: readonly Address[] | undefined;
  readonly destinationIps: readonly Address[] | undefined;
  readonly protocol: string;
  readonly port: number | undefined;
  readonly world: World;
  readonly icmp: { readonly type: number; readonly code: number } | undefined;
  /** Set when a rule looked at more than what ends of one class have in common. */
  touchedIdentity: boolean;
  /** Sides whose unknown address was asked for, and the networks it was compared with. */
  readonly open: { readonly sides: Set<Side>; readonly networks: Set<Network> };
}

export type Side = 'source' | 'destination';

/**
 * Addresses of one side, to be compared with the networks. Asking is remembered: ends of one class differ in their
 * addresses, and an address that is not known may turn out not to matter.
 */
export function ipsOf(
  connection: Connection,
  side: Side,
  networks: readonly Network[],
): readonly Address[] | undefined {
  connection.touchedIdentity = true;
  const ips = side === 'source' ? connection.sourceIps : connection.destinationIps;
  if (ips) return ips;
  connection.open.sides.add(side);
  for (const network of networks) connection.open.networks.add(network);
  return undefined;
}

/** How an end that no selector can match is called in a sentence. */
export function unselectable(end: End): string {
  if (end.kind === 'address') return `address ${end.label}, which is no pod`;
  return end.pod ? `${end.label}, in the host's network` : end.label;
}
