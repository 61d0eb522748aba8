import type {
  ClusterState,
  ConnectionEnd,
  ConnectionQuery,
  ConnectionVerdict,
  DirectionVerdict,
  Finding,
  PolicyDirection,
  PolicyRef,
  RuleMiss,
} from '@whydrop/model';
import { clusterView, type ClusterView } from './cluster-view.js';
import type { CompiledPolicy } from './compiled-policy.js';
import { carriesPorts } from './criteria.js';
import type { Connection, End } from './end.js';
import { policySetOf, type PolicySet } from './policy-set.js';
import { programOf, type Program, type TierSteps } from './program.js';
import { nearestMiss } from './rule.js';
import { connectionReason, directionReason } from './sentence.js';
import { walk, type Decision } from './walk.js';

/** Judges connections by the policies of one cluster at one instant. */
export interface PolicyEngine {
  /** The verdict with everything it rests on: isolating policies, deciding rules, what every other rule lacked. */
  readonly evaluate: (query: ConnectionQuery) => ConnectionVerdict;
  /** The verdict alone; similar questions share their answer. */
  readonly verdict: (query: ConnectionQuery) => ConnectionVerdict['verdict'];
  /** The policies because of which an endpoint is denied what no rule admits, in one direction. */
  readonly isolators: (end: ConnectionEnd, direction: PolicyDirection) => readonly PolicyRef[];
  /** Mistakes in the policies themselves, over the whole cluster. */
  readonly findings: () => readonly Finding[];
}

type Mode = 'enforced' | 'pending';

interface Judged {
  readonly decision: Decision;
  readonly assumptions: readonly string[];
}

const DIRECTIONS = ['egress', 'ingress'] as const;
const CACHE_LIMIT = 2_000_000;

class Engine implements PolicyEngine {
  private readonly programs = new Map<number, Map<string, Program>>();
  private readonly decisions = new Map<string, Decision>();
  private readonly verdicts = new Map<End, Map<number, ConnectionVerdict['verdict']>>();
  private cached = 0;

  constructor(
    private readonly view: ClusterView,
    private readonly policies: PolicySet,
  ) {}

  readonly findings = (): readonly Finding[] => [];

  readonly isolators = (end: ConnectionEnd, direction: PolicyDirection): readonly PolicyRef[] => {
    const { tiers } = this.program(this.view.end(end), direction, 'enforced');
    return isolatorRefs(tiers.find((tier) => tier.isolating.length > 0));
  };

  readonly verdict = (query: ConnectionQuery): ConnectionVerdict['verdict'] => {
    const source = this.view.end(query.source);
    const destination = this.view.end(query.destination);
    const key = cacheKey(query, destination);
    if (key === undefined) return this.verdictOf(this.connection(query, source, destination));
    const known = this.verdicts.get(source) ?? new Map<number, ConnectionVerdict['verdict']>();
    const found = known.get(key);
    if (found) return found;
    const verdict = this.verdictOf(this.connection(query, source, destination));
    if (this.cached++ > CACHE_LIMIT) this.forget();
    known.set(key, verdict);
    this.verdicts.set(source, known);
    return verdict;
  };

  readonly evaluate = (query: ConnectionQuery): ConnectionVerdict => {
    const connection = this.connection(query, this.view.end(query.source), this.view.end(query.destination));
    const egress = this.direction(connection, 'egress', 'enforced');
    const ingress = this.direction(connection, 'ingress', 'enforced');
    const verdict = combined(egress.verdict, ingress.verdict);
    const direction = verdict !== 'denied' ? null : egress.verdict === 'denied' ? 'egress' : 'ingress';
    const reason = connectionReason(connection, direction, verdict, egress, ingress);
    return { verdict, direction, egress, ingress, findings: [], reason };
  };

  private forget(): void {
    this.verdicts.clear();
    this.decisions.clear();
    this.cached = 0;
  }

  private connection(query: ConnectionQuery, source: End, destination: End): Connection {
    return {
      source,
      destination,
      sourceIps: usable(source, destination),
      destinationIps: usable(destination, source),
      protocol: query.protocol,
      port: carriesPorts(query.protocol) ? query.port : undefined,
      icmp: query.icmp,
      touchedIdentity: false,
    };
  }

  private verdictOf(connection: Connection): ConnectionVerdict['verdict'] {
    const [egress, ingress] = DIRECTIONS.map(
      (direction) => this.judge(connection, direction, 'enforced').decision.verdict,
    );
    return combined(egress ?? 'allowed', ingress ?? 'allowed');
  }

  private program(end: End, direction: PolicyDirection, mode: Mode): Program {
    const key = `${direction} ${mode}`;
    const programs = this.programs.get(end.classId) ?? new Map<string, Program>();
    this.programs.set(end.classId, programs);
    const known = programs.get(key) ?? programOf(this.selecting(end, mode), direction, this.policies.tiers);
    programs.set(key, known);
    return known;
  }

  private selecting(end: End, mode: Mode): readonly CompiledPolicy[] {
    const all = this.policies.selecting(end);
    if (mode === 'enforced') return this.policies.hasStaged ? all.filter(({ staged }) => staged === undefined) : all;
    return all;
  }

  private judge(connection: Connection, direction: PolicyDirection, mode: Mode): Judged {
    const exempt = exemption(connection);
    if (exempt) return { decision: ALLOWED, assumptions: [exempt] };
    const subject = direction === 'egress' ? connection.source : connection.destination;
    const program = this.program(subject, direction, mode);
    return { decision: this.decide(program, connection, mode), assumptions: [] };
  }

  private decide(program: Program, connection: Connection, mode: Mode): Decision {
    if (program.steps.length === 0) return ALLOWED;
    const { source, destination, protocol, port, icmp } = connection;
    const key = `${program.direction} ${mode} ${source.classId} ${destination.classId} ${protocol} ${port} ${icmp?.type}/${icmp?.code}`;
    const known = this.decisions.get(key);
    if (known) return known;
    connection.touchedIdentity = false;
    const decision = walk(program, connection);
    if (!connection.touchedIdentity) this.decisions.set(key, decision);
    return decision;
  }

  private direction(connection: Connection, direction: PolicyDirection, mode: Mode): DirectionVerdict {
    const { decision, assumptions } = this.judge(connection, direction, mode);
    const { verdict, hits, tier, missing } = decision;
    const misses = verdict === 'denied' && tier ? missesOf(tier, connection, direction) : [];
    const found = { verdict, isolatedBy: isolatorRefs(tier), decidedBy: hits, misses, assumptions, missing };
    return { ...found, reason: directionReason(connection, direction, found) };
  }
}

const ALLOWED: Decision = { verdict: 'allowed', hits: [], tier: undefined, missing: [] };

/** What no policy can stop, with the rule of the house that says so. */
function exemption({ source, destination }: Connection): string | undefined {
  if (source === destination || (source.pod !== undefined && source.pod === destination.pod)) {
    return 'traffic of a pod to itself is never blocked';
  }
  const ends = [source, destination];
  const node = ends.find((end) => end.kind === 'node');
  const pod = ends.find((end) => end.kind === 'pod');
  if (node?.node !== undefined && pod?.node === node.node) {
    return `traffic between a pod and its own node (${node.node}) is always allowed`;
  }
  return undefined;
}

/** The addresses of an end that reach the other end: those of its families, where both are known. */
function usable(end: End, other: End): End['ips'] {
  if (!end.ips || !other.ips || end.ips.length < 2) return end.ips;
  const families = new Set(other.ips.map(({ family }) => family));
  const both = end.ips.filter(({ family }) => families.has(family));
  return both.length > 0 ? both : end.ips;
}

function combined(
  egress: ConnectionVerdict['verdict'],
  ingress: ConnectionVerdict['verdict'],
): ConnectionVerdict['verdict'] {
  if (egress === 'denied' || ingress === 'denied') return 'denied';
  return egress === 'unknown' || ingress === 'unknown' ? 'unknown' : 'allowed';
}

const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = { TCP: 0, UDP: 1, SCTP: 2, ICMP: 3, ICMPv6: 4 };

/** Destination, protocol and port as one number; undefined for what is asked too rarely to be kept. */
function cacheKey(query: ConnectionQuery, destination: End): number | undefined {
  const protocol = PROTOCOL_NUMBERS[query.protocol];
  if (protocol === undefined || query.icmp) return undefined;
  return (destination.id * 8 + protocol) * 131072 + (query.port ?? 65536);
}

/** An isolated namespace is named only where no policy isolates: it is why there is isolation at all then. */
function isolatorRefs(tier: TierSteps | undefined): readonly PolicyRef[] {
  const refs = (tier?.isolating ?? []).map(({ ref }) => ref);
  const policies = refs.filter(({ kind }) => kind !== 'Namespace');
  return policies.length > 0 ? policies : refs;
}

/** Every rule of the tier that could have admitted the connection, with what it lacked; nearest first. */
function missesOf(tier: TierSteps, connection: Connection, direction: PolicyDirection): readonly RuleMiss[] {
  const misses = tier.policies.flatMap((policy) =>
    policy[direction].rules
      .filter(({ action }) => action === 'allow')
      .map((rule) => {
        const { path, failures, distance } = nearestMiss(rule, connection);
        const failed = failures.map(({ edit: _, ...criterion }) => criterion);
        return { policy: policy.ref, direction, rule: rule.index, path, failed, distance };
      }),
  );
  return misses.sort((a, b) => a.distance - b.distance);
}

/**
 * An engine for one state of a cluster. It is cheap to make: policies are compiled once per object, and all else is
 * looked up when it is asked for.
 */
export function createPolicyEngine(state: ClusterState): PolicyEngine {
  return new Engine(clusterView(state), policySetOf(state));
}
