import type { ConnectionVerdict, IpsetSnapshot, PolicyRef, RulesetSnapshot, Tuple } from '@whydrop/model';
import {
  type Drift,
  endsPacket,
  knownPolicy,
  type OwnerRole,
  reconcile,
  type ReconcileInput,
  type ReconcilePod,
} from '@whydrop/ruleset';
import { explainEnd, connectionEnd, type ClusterView } from './view.js';

/** One node at one moment: what it runs, and what people had written then and a moment before. */
export interface NodeCheck {
  readonly node: string;
  readonly ruleset: RulesetSnapshot;
  /** What else it ran then, of the same family: the other backend of iptables, native tables. */
  readonly beside?: readonly RulesetSnapshot[];
  readonly ipsets: IpsetSnapshot | undefined;
  readonly view: ClusterView;
  /** The cluster as long before as a node may take to follow a change. */
  readonly earlier: ClusterView;
  readonly localAddresses: readonly string[];
  /** Kinds of policies of which the cluster has shown any: of the others it is not known whether one exists. */
  readonly policyKinds: ReadonlySet<string>;
}

/** A difference with the policies that decide about its witness. */
export interface NodeDrift extends Drift {
  readonly policies: readonly PolicyRef[];
}

/** What one comparison found, and how much of it could not be told. */
export interface NodeCheckResult {
  readonly drifts: readonly NodeDrift[];
  readonly compared: number;
  readonly undecided: number;
  readonly leftOut: number;
}

const NOTHING: NodeCheckResult = { drifts: [], compared: 0, undecided: 0, leftOut: 0 };
/** An address that no cluster has (RFC 5737): stands for everybody outside. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = { inet: ['198.51.100.7'], inet6: ['2001:db8::7'] };
/** Chains that are there only while a plugin enforces. It may leave its entries behind, or enforce elsewhere (eBPF, nftables). */
const ENFORCING: readonly OwnerRole[] = ['workload-policies', 'dispatch', 'policy'];

/** Whether a plugin enforces policies through this ruleset: without its chains nothing can be missing from them. */
function enforces(ruleset: RulesetSnapshot, { owners }: ClusterView): boolean {
  return ruleset.tables.some(({ name, chains }) =>
    chains.some((chain) => {
      const owner = owners.ownerOf(ruleset, name, chain.name);
      return owner !== undefined && ENFORCING.includes(owner.role);
    }),
  );
}

/** Whether native tables may end a packet. */
function endsPackets({ tables }: RulesetSnapshot): boolean {
  return tables.some(({ chains }) =>
    chains.some(({ policy, rules }) => policy === 'DROP' || rules.some((rule) => endsPacket(rule) !== undefined)),
  );
}

/** Whether rules that are not these may stop what these let through. */
function isHidden({ ruleset, beside = [], view }: NodeCheck): boolean {
  const wasRead = beside.some(({ backend }) => backend !== 'nftables');
  if (ruleset.otherBackendPresent && !wasRead) return true;
  return beside.some((other) => (other.backend === 'nftables' ? endsPackets(other) : enforces(other, view)));
}

function podsOf({ ruleset, view }: NodeCheck): readonly ReconcilePod[] {
  const isOurs = (ip: string) => ip.includes(':') === (ruleset.family === 'inet6');
  return view.state.pods.flatMap(({ namespace, name, node, ips, hostNetwork, phase }) => {
    const ip = ips.find(isOurs);
    if (hostNetwork || ip === undefined || node === undefined || phase === 'Succeeded' || phase === 'Failed') return [];
    return [{ namespace, name, node, ip }];
  });
}

const ONE_POLICY_A_CHAIN: readonly string[] = ['calico', 'kube-router'];

/** A policy of a kind that the cluster never showed may exist all the same. */
function policyExists({ view, policyKinds }: NodeCheck): NonNullable<ReconcileInput['policyExists']> {
  const name = (ref: PolicyRef) => `${ref.kind} ${ref.namespace ?? ''}/${ref.name}`;
  const names = new Set(view.state.others.flatMap((object) => knownPolicy(object) ?? []).map(({ ref }) => name(ref)));
  return ({ plugin, policies: refs }) => {
    // Weave has one chain for all policies; the others' chains are one policy's each, if of one that is not known.
    if (refs.length === 0) return policyKinds.size > 0 && ONE_POLICY_A_CHAIN.includes(plugin) ? false : undefined;
    if (refs.some((ref) => names.has(name(ref)))) return true;
    return refs.every(({ kind }) => policyKinds.has(kind)) ? false : undefined;
  };
}

/** Names of interfaces that no chain tells: the packet may have come in by any, bridged or not. */
const UNKNOWN_WAY = {
  inInterface: undefined,
  outInterface: undefined,
  physicalIn: undefined,
  physicalOut: undefined,
} as const;

/** Where chains name no interface of a pod (bridges), nothing is known of the way a packet takes to it. */
function attachOf({ node, ruleset, view }: NodeCheck, pods: readonly ReconcilePod[]): ReconcileInput['attach'] {
  const named = new Set<string>();
  for (const { name: table, chains } of ruleset.tables) {
    for (const chain of chains) {
      const owner = view.owners.ownerOf(ruleset, table, chain.name);
      if (owner?.workload && owner.interface !== undefined) {
        named.add(`${owner.workload.namespace}/${owner.workload.pod}`);
      }
    }
  }
  const local = pods.filter((pod) => pod.node === node && !named.has(`${pod.namespace}/${pod.name}`));
  const unknown = new Set(local.map(({ ip }) => ip));
  return (source, destination) => (unknown.has(source) || unknown.has(destination) ? UNKNOWN_WAY : {});
}

function inputOf(check: NodeCheck): ReconcileInput {
  const { node, ruleset, ipsets, view, earlier, localAddresses } = check;
  const pods = podsOf(check);
  const attach = attachOf(check, pods);
  return {
    node,
    ruleset,
    ipsets,
    owners: view.owners,
    pods,
    intent: (query) => view.engine.evaluate(query),
    earlierIntent: (query) => earlier.engine.evaluate(query),
    outside: OUTSIDE[ruleset.family] ?? [],
    policyExists: policyExists(check),
    ...(localAddresses.length > 0 ? { localAddresses } : {}),
    ...(attach ? { attach } : {}),
  };
}

function verdictOf(view: ClusterView, tuple: Tuple): ConnectionVerdict {
  const end = (ip: string) => connectionEnd(explainEnd(view, ip, () => undefined));
  const { source, destination, protocol, destinationPort: port } = tuple;
  return view.engine.evaluate({ source: end(source), destination: end(destination), protocol, port });
}

/** The policies that have a say in the witness, on the side the difference is told about. */
function policiesOf({ view }: NodeCheck, { witness, direction }: Drift): readonly PolicyRef[] {
  if (!witness || !direction) return [];
  const side = verdictOf(view, witness)[direction];
  const refs = [...side.decidedBy.map(({ policy }) => policy), ...side.isolatedBy];
  const byName = new Map(refs.map((ref) => [`${ref.kind}/${ref.namespace ?? ''}/${ref.name}`, ref]));
  return [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, ref]) => ref);
}

/**
 * The one set that would make the node do what policy says if it had (or lacked) the client: then it is that member, and
 * not a rule, that is wrong. Sets whose other members the policies treat otherwise are passed over.
 */
function setDrift(input: ReconcileInput, drift: Drift): readonly Drift[] {
  const { ipsets, pods, node } = input;
  const { witness, direction, code } = drift;
  if (!ipsets || !witness || (code !== 'NODE_DENIES' && code !== 'NODE_ALLOWS')) return [];
  const peer = direction === 'egress' ? witness.destination : witness.source;
  const ends = pods.filter(({ ip }) => ip === witness.source || ip === witness.destination);
  const outside = input.outside?.filter((ip) => ip === witness.source || ip === witness.destination) ?? [];
  const missing = code === 'NODE_DENIES';
  const found = ipsets.sets.filter((set) => {
    if (set.type.includes('port') || set.type.startsWith('list')) return false;
    if (set.members.some(({ element }) => element === peer) === missing) return false;
    const member = { element: peer, nomatch: false, comment: undefined, timeout: undefined };
    const members = missing ? [...set.members, member] : set.members.filter(({ element }) => element !== peer);
    const sets = ipsets.sets.map((each) => (each === set ? { ...set, members } : each));
    const again = reconcile({ ...input, ipsets: { ...ipsets, sets }, pods: ends, outside, policyExists: () => true });
    return again.compared > 0 && !again.drifts.some((other) => other.code === code && other.direction === direction);
  });
  const [only, ...others] = found;
  if (!only || others.length > 0) return [];
  const word = missing ? 'lacks' : 'still has';
  const sentence = `Set ${only.name} on node ${node} ${word} ${peer}: ${drift.sentence}`;
  return [{ ...drift, code: missing ? 'SET_MEMBER_MISSING' : 'SET_MEMBER_EXTRA', subject: only.name, sentence }];
}

/**
 * Holds what people had written against what a node ran, at one moment. Nothing is said of a node whose ruleset no
 * plugin writes, and nothing of what the facts do not decide. Pure.
 */
export function checkNode(check: NodeCheck): NodeCheckResult {
  if (check.view.state.pods.length === 0 || !enforces(check.ruleset, check.view)) return NOTHING;
  const ruleset = { ...check.ruleset, otherBackendPresent: isHidden(check) };
  const input = inputOf({ ...check, ruleset });
  const { drifts, compared, undecided, leftOut } = reconcile(input);
  const all = drifts.flatMap((drift) => {
    const bySet = setDrift(input, drift);
    return bySet.length > 0 ? bySet : [drift];
  });
  return {
    drifts: all.map((drift) => ({ ...drift, policies: policiesOf(check, drift) })),
    compared,
    undecided,
    leftOut,
  };
}
