import type { ConnectionVerdict, PolicyDirection } from '@whydrop/model';
import type { OwnerRole } from '../owner/rule-owner.js';
import { walkPacket } from '../walk.js';
import type { WalkOutcome, WalkResult } from '../walk/outcome.js';
import type { WalkPacket } from '../walk/state.js';
import type { Drift, DriftCode, ReconcileInput, ReconcilePod } from './input.js';
import type { Probe } from './probes.js';

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
export class Comparison {
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
