import type { ConnectionEnd, IpsetSnapshot, Protocol, RulesetSnapshot, Tuple } from '@whydrop/model';
import { matchOption, ruleSyntax } from '../rule-syntax.js';
import type { ReconcileInput, ReconcilePod } from './input.js';

const PROBE_PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP'];
/** A port that rules are unlikely to name: what is not named is tried through it. */
const UNNAMED_PORT = 49_151;

/** Ports that rules and sets of the snapshot name: verdicts change at these. */
function namedPorts(ruleset: RulesetSnapshot, ipsets: IpsetSnapshot | undefined): readonly number[] {
  const ports = new Set<number>([UNNAMED_PORT]);
  const add = (text: string) => {
    for (const port of text.split(/[,:-]/).map(Number)) if (port > 0 && port < 65_536) ports.add(port);
  };
  for (const { chains } of ruleset.tables) {
    for (const { rules } of chains) {
      for (const rule of rules) {
        const syntax = ruleSyntax(rule.text);
        for (const name of ['--dport', '--dports', '--ports']) add(matchOption(syntax, name)?.values[0] ?? '');
      }
    }
  }
  for (const { type, members } of ipsets?.sets ?? []) {
    if (type.includes('port')) for (const { element } of members) add(/:(\d+)/.exec(element)?.[1] ?? '');
  }
  return [...ports].toSorted((a, b) => a - b);
}

/** One connection to be compared. */
export interface Probe {
  readonly source: ConnectionEnd & { readonly ip?: string };
  readonly destination: ConnectionEnd & { readonly ip?: string };
  readonly sourcePod: ReconcilePod | undefined;
  readonly destinationPod: ReconcilePod | undefined;
  readonly tuple: Tuple;
}

type Peer = { readonly ip: string; readonly pod: ReconcilePod | undefined };

function end({ ip, pod }: Peer): ConnectionEnd {
  return pod ? { kind: 'pod', namespace: pod.namespace, name: pod.name, ip } : { kind: 'address', ip };
}

function probe(source: Peer, destination: Peer, protocol: Protocol, port: number): Probe {
  return {
    source: end(source),
    destination: end(destination),
    sourcePod: source.pod,
    destinationPod: destination.pod,
    tuple: {
      protocol,
      source: source.ip,
      destination: destination.ip,
      sourcePort: 40_000,
      destinationPort: port,
      icmp: undefined,
    },
  };
}

/** Connections to and from the pods of the node, the smallest first. */
export function* probes(input: ReconcileInput): Generator<Probe> {
  const peers: readonly Peer[] = [
    ...input.pods.map((pod) => ({ ip: pod.ip, pod })),
    ...(input.outside ?? []).map((ip) => ({ ip, pod: undefined })),
  ];
  const isLocal = ({ pod }: Peer) => pod?.node === input.node;
  const ports = namedPorts(input.ruleset, input.ipsets);
  for (const protocol of PROBE_PROTOCOLS) {
    for (const port of ports) {
      for (const source of peers) {
        for (const destination of peers) {
          if (source.ip === destination.ip || !(isLocal(source) || isLocal(destination))) continue;
          yield probe(source, destination, protocol, port);
        }
      }
    }
  }
}
