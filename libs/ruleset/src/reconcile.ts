import type {
  ConnectionEnd,
  ConnectionQuery,
  ConnectionVerdict,
  Ipset,
  IpsetSnapshot,
  PolicyDirection,
  Protocol,
  RulesetSnapshot,
  Tuple,
} from '@whydrop/model';
import type { OwnerIndex } from './owner.js';
import type { OwnerRole, RuleOwner } from './owner/rule-owner.js';
import { matchOption, ruleSyntax } from './rule-syntax.js';
import { walkPacket, type WalkOutcome, type WalkResult } from './walk.js';
import type { Route, WalkPacket } from './walk/state.js';

/** A pod as packets reach it. */
export interface ReconcilePod {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  /** Node it runs on. */
  readonly node: string;
  /** Its interface on that node; found by the owner index where it is a function of the name. */
  readonly interface?: string;
}

/** What people wrote, asked of the policy engine: the verdict about one connection at one time. */
export type Intent = (query: ConnectionQuery) => ConnectionVerdict;

export interface ReconcileInput {
  readonly node: string;
  readonly ruleset: RulesetSnapshot;
  readonly ipsets: IpsetSnapshot | undefined;
  readonly owners: OwnerIndex;
  /** Every pod of the cluster with an address of the ruleset's family. */
  readonly pods: readonly ReconcilePod[];
  readonly intent: Intent;
  /** Intent of a moment before: a node that still does what it said is lagging, not wrong. */
  readonly earlierIntent?: Intent;
  /** Addresses outside the cluster that are tried as peers as well. */
  readonly outside?: readonly string[];
  /** Members a set should have now; undefined for sets the caller cannot work out. */
  readonly expectedMembers?: (set: Ipset) => readonly string[] | undefined;
  readonly localAddresses?: readonly string[];
  readonly routes?: readonly Route[];
  /** How a packet between these ends meets the node, where addresses and interfaces do not say it (bridges). */
  readonly attach?: (source: string, destination: string) => Partial<WalkPacket>;
  /** Whether a policy that a chain is for is there; one with a uid when absent. Undefined: that cannot be known. */
  readonly policyExists?: (owner: RuleOwner) => boolean | undefined;
  /** How many connections may be tried, 20,000 when absent. What was left out is told. */
  readonly limit?: number;
}

export type DriftCode =
  'NODE_DENIES' | 'NODE_ALLOWS' | 'LAGGING' | 'ORPHAN_CHAIN' | 'SET_MEMBER_MISSING' | 'SET_MEMBER_EXTRA';

/** One difference between what was written and what the node runs. */
export interface Drift {
  readonly code: DriftCode;
  readonly node: string;
  readonly workload: { readonly namespace: string; readonly pod: string } | undefined;
  readonly direction: PolicyDirection | undefined;
  /** The chain or set that is not as it should be. */
  readonly subject: string | undefined;
  /** The smallest connection that shows it: lowest protocol, port and peer. */
  readonly witness: Tuple | undefined;
  /** Where the node decided about the witness. */
  readonly decidedAt: Pick<WalkOutcome, 'table' | 'chain' | 'position' | 'text'> | undefined;
  /** Connections tried that show the same. */
  readonly count: number;
  readonly sentence: string;
}

export interface Reconciliation {
  readonly drifts: readonly Drift[];
  /** Connections that were compared. */
  readonly compared: number;
  /** Connections about which the walk or the intent could not decide. */
  readonly undecided: number;
  /** Connections left out because there were too many. */
  readonly leftOut: number;
}

const LIMIT = 20_000;
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
interface Probe {
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
function* probes(input: ReconcileInput): Generator<Probe> {
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

/** Interfaces of pods as the endpoint chains of the snapshot name them. */
function interfacesOf({ ruleset, owners }: ReconcileInput): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { name: table, chains } of ruleset.tables) {
    for (const chain of chains) {
      const owner = owners.ownerOf(ruleset, table, chain.name);
      const { workload, interface: name } = owner ?? {};
      if (workload && name !== undefined) found.set(`${workload.namespace}/${workload.pod}`, name);
    }
  }
  return found;
}

/** What the intent says about the sides of a connection that this node enforces. */
function intended(verdict: ConnectionVerdict, probed: Probe, node: string): 'allowed' | 'denied' | 'unknown' {
  const sides = [
    ...(probed.sourcePod?.node === node ? [verdict.egress.verdict] : []),
    ...(probed.destinationPod?.node === node ? [verdict.ingress.verdict] : []),
  ];
  if (sides.includes('denied')) return 'denied';
  return sides.includes('unknown') ? 'unknown' : 'allowed';
}

function programmed(result: WalkResult): 'allowed' | 'denied' | 'unknown' {
  const verdicts = new Set(result.outcomes.map(({ verdict }) => (verdict === 'accept' ? 'allowed' : verdict)));
  if ([...verdicts].every((verdict) => verdict === 'drop' || verdict === 'reject')) return 'denied';
  return verdicts.size === 1 && verdicts.has('allowed') ? 'allowed' : 'unknown';
}

const NO_POLICY: readonly OwnerRole[] = [
  'conntrack-invalid',
  'encapsulation',
  'unknown-interface',
  'admin-disabled',
  'endpoint-to-host',
  'reverse-path',
  'rate-limit',
  'loop-prevention',
  'no-endpoints',
  'no-local-endpoint',
  'source-range',
  'isolation',
];

/** The pod and direction a difference is told about. */
interface Side {
  readonly pod: ReconcilePod | undefined;
  readonly direction: PolicyDirection;
}

/** Runs the comparison of one node. */
class Comparison {
  readonly #input: ReconcileInput;
  readonly #interfaces: ReadonlyMap<string, string>;
  readonly #drifts = new Map<string, Drift>();
  compared = 0;
  undecided = 0;

  constructor(input: ReconcileInput) {
    this.#input = input;
    this.#interfaces = interfacesOf(input);
  }

  get drifts(): readonly Drift[] {
    return [...this.#drifts.values()];
  }

  #interface(pod: ReconcilePod | undefined): string | undefined {
    if (pod?.node !== this.#input.node) return undefined;
    return pod.interface ?? this.#interfaces.get(`${pod.namespace}/${pod.name}`);
  }

  #walk({ tuple, sourcePod, destinationPod }: Probe): WalkResult {
    const { ruleset, ipsets, localAddresses, routes, attach } = this.#input;
    const [inInterface, outInterface] = [this.#interface(sourcePod), this.#interface(destinationPod)];
    const packet: WalkPacket = {
      hook: 'FORWARD',
      tuple,
      ctstate: 'NEW',
      mark: 0,
      physicalIn: null,
      physicalOut: null,
      reversePath: true,
      ...(tuple.protocol === 'TCP' ? { tcpFlags: ['SYN'] as const } : {}),
      // An interface that is not known but is another pod's, or the uplink, is none of the pods' own.
      inInterface: inInterface ?? 'uplink',
      outInterface: outInterface ?? 'uplink',
      ...attach?.(tuple.source, tuple.destination),
    };
    const known = { ...(localAddresses ? { localAddresses } : {}), ...(routes ? { routes } : {}) };
    return walkPacket({ ruleset, ipsets, packet, ...known });
  }

  compare(probed: Probe): void {
    const { node, intent, earlierIntent } = this.#input;
    const { protocol, destinationPort: port } = probed.tuple;
    const query = { source: probed.source, destination: probed.destination, protocol, port };
    const verdict = intent(query);
    const wanted = intended(verdict, probed, node);
    const result = this.#walk(probed);
    // What this backend lets through, the rules of the other one may stop.
    const isHidden = this.#input.ruleset.otherBackendPresent;
    const did = programmed(result);
    const done = did === 'allowed' && isHidden ? 'unknown' : did;
    this.compared++;
    if (wanted === 'unknown' || done === 'unknown') return void this.undecided++;
    if (wanted === done) return;
    // Some plugins judge a packet for the other end's node already: that is as good as written.
    if (done === 'denied' && (verdict.verdict !== 'allowed' || this.#endsOtherwise(result))) return;
    const isLate = earlierIntent !== undefined && intended(earlierIntent(query), probed, node) === done;
    const code = isLate ? 'LAGGING' : done === 'denied' ? 'NODE_DENIES' : 'NODE_ALLOWS';
    const side = done === 'allowed' ? this.#deniedSide(verdict, probed) : this.#side(probed, result.outcomes[0]);
    this.#record(code, probed, result, side);
  }

  /** Ended by a rule that is no policy's: whatever policies say, it is meant to. */
  #endsOtherwise({ outcomes }: WalkResult): boolean {
    const { ruleset, owners } = this.#input;
    return outcomes.some(({ table, chain, rule }) => {
      const role = owners.ownerOf(ruleset, table, chain, rule)?.role;
      return role !== undefined && NO_POLICY.includes(role);
    });
  }

  /** The side on which policy denies what the node lets through. */
  #deniedSide({ egress }: ConnectionVerdict, { sourcePod, destinationPod }: Probe): Side {
    const isEgress = egress.verdict === 'denied' && sourcePod?.node === this.#input.node;
    return isEgress ? { pod: sourcePod, direction: 'egress' } : { pod: destinationPod, direction: 'ingress' };
  }

  /** The side on which the node stops what policy allows. */
  #side(probed: Probe, outcome: WalkOutcome | undefined): Side {
    const { ruleset, owners, node } = this.#input;
    const owner = outcome && owners.ownerOf(ruleset, outcome.table, outcome.chain, outcome.rule);
    const isIngress = owner?.direction === 'ingress' || probed.sourcePod?.node !== node;
    return isIngress
      ? { pod: probed.destinationPod, direction: 'ingress' }
      : { pod: probed.sourcePod, direction: 'egress' };
  }

  #record(code: DriftCode, probed: Probe, result: WalkResult, { pod, direction }: Side): void {
    const [outcome] = result.outcomes;
    const key = `${code} ${pod?.namespace}/${pod?.name} ${direction}`;
    const known = this.#drifts.get(key);
    if (known) return void this.#drifts.set(key, { ...known, count: known.count + 1 });
    const workload = pod && { namespace: pod.namespace, pod: pod.name };
    const decidedAt = outcome && {
      table: outcome.table,
      chain: outcome.chain,
      position: outcome.position,
      text: outcome.text,
    };
    const { node } = this.#input;
    const sentence = sentenceOf(code, probed, node);
    const found = { code, node, workload, direction, subject: undefined, decidedAt, count: 1, sentence };
    this.#drifts.set(key, { ...found, witness: probed.tuple });
  }
}

function name(pod: ReconcilePod | undefined, ip: string): string {
  return pod ? `${pod.namespace}/${pod.name}` : ip;
}

const WORDS: Readonly<Partial<Record<DriftCode, string>>> = {
  NODE_DENIES: 'policy allows it, the node stops it',
  NODE_ALLOWS: 'policy denies it, the node lets it through',
  LAGGING: 'the node still does what policy said before its last change',
};

function sentenceOf(code: DriftCode, { tuple, sourcePod, destinationPod }: Probe, node: string): string {
  const ends = `${name(sourcePod, tuple.source)} -> ${name(destinationPod, tuple.destination)}`;
  return `${ends}:${tuple.destinationPort}/${tuple.protocol} on node ${node}: ${WORDS[code] ?? code}.`;
}

/** Chains of workloads and policies that are not there any more. */
function orphans({ node, ruleset, owners, pods, policyExists }: ReconcileInput): readonly Drift[] {
  const exists = policyExists ?? (({ policies }) => policies.some(({ uid }) => uid !== undefined));
  const local = new Set(pods.filter((pod) => pod.node === node).map((pod) => `${pod.namespace}/${pod.name}`));
  return ruleset.tables.flatMap(({ name: table, chains }) =>
    chains.flatMap((chain) => {
      const owner = owners.ownerOf(ruleset, table, chain.name);
      const pod = owner?.workload && `${owner.workload.namespace}/${owner.workload.pod}`;
      const isLostPod = owner?.role === 'workload-policies' && (pod === undefined || !local.has(pod));
      const isLostPolicy = owner?.role === 'policy' && exists(owner) === false;
      if (!isLostPod && !isLostPolicy) return [];
      const whose = isLostPod ? `no pod of the node (${pod ?? owner.interface ?? 'unknown'})` : 'no policy that exists';
      return [
        {
          code: 'ORPHAN_CHAIN' as const,
          node,
          workload: owner.workload,
          direction: owner.direction,
          subject: chain.name,
          witness: undefined,
          decidedAt: undefined,
          count: 1,
          sentence: `Chain ${chain.name} of table ${table} on node ${node} belongs to ${whose}.`,
        },
      ];
    }),
  );
}

function memberDrift(code: DriftCode, node: string, set: Ipset, elements: readonly string[]): readonly Drift[] {
  const [first] = elements;
  if (first === undefined) return [];
  const word = code === 'SET_MEMBER_MISSING' ? 'lacks' : 'still has';
  const more = elements.length > 1 ? ` and ${elements.length - 1} more` : '';
  const sentence = `Set ${set.name} on node ${node} ${word} ${first}${more}.`;
  const nothing = { workload: undefined, direction: undefined, witness: undefined, decidedAt: undefined };
  const subject = set.name;
  return [{ code, node, ...nothing, subject, count: elements.length, sentence }];
}

/** Sets whose members are not what they should be. */
function memberDrifts({ node, ipsets, expectedMembers }: ReconcileInput): readonly Drift[] {
  if (!ipsets || !expectedMembers) return [];
  return ipsets.sets.flatMap((set) => {
    const expected = expectedMembers(set);
    if (!expected) return [];
    const wanted = new Set(expected);
    const present = new Set(set.members.filter(({ nomatch }) => !nomatch).map(({ element }) => element));
    const missing = expected.filter((element) => !present.has(element)).toSorted();
    const extra = [...present].filter((element) => !wanted.has(element)).toSorted();
    return [
      ...memberDrift('SET_MEMBER_MISSING', node, set, missing),
      ...memberDrift('SET_MEMBER_EXTRA', node, set, extra),
    ];
  });
}

/**
 * Holds what people wrote against what a node runs: for each pod of the node, connections to and from every other pod
 * and some outside addresses, at each port that a rule names. Differences are told once per pod, direction and kind,
 * with the smallest connection that shows them; chains and sets are compared as well.
 */
export function reconcile(input: ReconcileInput): Reconciliation {
  const comparison = new Comparison(input);
  let leftOut = 0;
  for (const probed of probes(input)) {
    if (comparison.compared < (input.limit ?? LIMIT)) comparison.compare(probed);
    else leftOut++;
  }
  const { compared, undecided } = comparison;
  return { drifts: [...comparison.drifts, ...orphans(input), ...memberDrifts(input)], compared, undecided, leftOut };
}
