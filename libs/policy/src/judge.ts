import type { ConnectionQuery, PolicyDirection } from '@whydrop/model';
import { whateverTheAddress } from './address-cases.js';
import type { ClusterView } from './cluster-view.js';
import type { CompiledPolicy } from './compiled-policy.js';
import { carriesPorts } from './criteria.js';
import type { Connection, End } from './end.js';
import { DEFAULT_ALLOW_PROFILE, hostEndpointEnd, isFailsafe } from './host-policy.js';
import { enforcedOf, pendingOf, type PolicySet } from './policy-set.js';
import { hostProgramOf, programOf, type Program } from './program.js';
import { walk, type Decision } from './walk.js';
import { worldOf, type World } from './world.js';

/** The policies in force, or those that will be once what is staged is enforced. */
export type Mode = 'enforced' | 'pending';

/** What was decided about one direction, and the rules of the house that it rests on. */
export interface Judged {
  readonly decision: Decision;
  readonly assumptions: readonly string[];
}

const ALLOWED: Decision = { verdict: 'allowed', hits: [], tier: undefined, missing: [] };

/** Judges one direction of a connection: lines up the policies of the endpoint, once per class of endpoints, and walks. */
export class Judge {
  readonly world: World;
  private readonly programs = new Map<string, Map<number, Program>>();
  private readonly decisions = new Map<Program, Map<string, Decision>>();

  constructor(
    readonly view: ClusterView,
    readonly policies: PolicySet,
  ) {
    this.world = worldOf(view);
  }

  /** A connection between two ends, as rules ask about it. */
  connection(query: Pick<ConnectionQuery, 'protocol' | 'port' | 'icmp'>, source: End, destination: End): Connection {
    return {
      source,
      destination,
      sourceIps: usable(source, destination),
      destinationIps: usable(destination, source),
      protocol: icmpFamily(query.protocol, source, destination),
      port: carriesPorts(query.protocol) ? query.port : undefined,
      icmp: query.icmp,
      world: this.world,
      touchedIdentity: false,
      open: { sides: new Set(), networks: new Set() },
    };
  }

  /** Whether staged policies have a say at either end. */
  isPending({ source, destination }: Connection): boolean {
    if (!this.policies.hasStaged) return false;
    const has = (end: End, direction: PolicyDirection): boolean =>
      this.policies
        .selecting(end, this.world)
        .some((policy) => policy.staged !== undefined && policy[direction].applies);
    return has(source, 'egress') || has(destination, 'ingress');
  }

  /** Forgets decisions, when too many have come together. */
  forget(): void {
    this.decisions.clear();
  }

  private remembered(key: string, end: End, make: () => Program): Program {
    const programs = this.programs.get(key) ?? new Map<number, Program>();
    this.programs.set(key, programs);
    const known = programs.get(end.classId) ?? make();
    programs.set(end.classId, known);
    return known;
  }

  /** The policies that apply to an end in a direction, in the order in which they are asked. */
  program(end: End, direction: PolicyDirection, mode: Mode): Program {
    return this.remembered(`${direction} ${mode}`, end, () => {
      if (end.kind === 'pod')
        return programOf(this.selecting(end, mode), direction, this.policies.tiers, this.profilesOfPod(end, direction));
      const host = this.world.hostEndpoint(end);
      if (!host) return { direction, steps: [], tiers: [] };
      const profiles = host.profiles.flatMap((name) => this.policies.profiles.get(name) ?? builtInProfile(name));
      return hostProgramOf(this.selecting(end, mode), direction, this.policies.tiers, [
        ...profiles,
        hostEndpointEnd(host),
      ]);
    });
  }

  /** What a node's host endpoint does to traffic that it forwards: only policies that ask for it apply. */
  private forwarding(end: End, direction: PolicyDirection, mode: Mode): Program {
    return this.remembered(`forward ${direction} ${mode}`, end, () => {
      const policies = this.selecting(end, mode).filter(({ host }) => host?.forward);
      return hostProgramOf(policies, direction, this.policies.tiers, []);
    });
  }

  /** What is left of a pod's policies towards its own node, which Kubernetes policies always admit. */
  private towardsOwnNode(end: End, mode: Mode): Program {
    return this.remembered(`own node ${mode}`, end, () => {
      const policies = this.selecting(end, mode);
      const isCalico = policies.some(({ family }) => family === 'ordered');
      const left = isCalico ? policies : policies.filter(({ family }) => family === 'priority');
      return programOf(left, 'egress', this.policies.tiers);
    });
  }

  private profilesOfPod(end: End, direction: PolicyDirection): readonly CompiledPolicy[] {
    const profile = this.policies.profiles.get(`kns.${end.namespace?.name ?? 'default'}`);
    const [first] = profile?.[direction].rules ?? [];
    const allowsAll = first?.action === 'allow' && first.groups.length === 0;
    return profile && !allowsAll ? [profile] : [];
  }

  /** The policies that select an end. */
  selecting(end: End, mode: Mode): readonly CompiledPolicy[] {
    const all = this.policies.selecting(end, this.world);
    if (!this.policies.hasStaged) return all;
    return mode === 'enforced' ? enforcedOf(all) : pendingOf(all, this.policies.staged);
  }

  /** One direction: at the source for egress, at the destination for ingress. */
  judge(connection: Connection, direction: PolicyDirection, mode: Mode): Judged {
    const { source, destination } = connection;
    if (isSelf(source, destination)) return exempt('traffic of a pod to itself is never blocked');
    const [subject, peer] = direction === 'egress' ? [source, destination] : [destination, source];
    if (isOwnNode(source, destination)) return this.withOwnNode(connection, subject, direction, mode);
    const decision = this.decide(this.program(subject, direction, mode), connection);
    if (subject.kind !== 'pod') {
      const host = decision.verdict !== 'allowed' && isFailsafe(connection, direction);
      return host ? exempt('a failsafe port of the host endpoint is always open') : { decision, assumptions: [] };
    }
    const whole = this.forwarded(decision, connection, subject, peer, mode, direction);
    return { decision: whole, assumptions: assumptionsOf(whole, subject, peer) };
  }

  private withOwnNode(connection: Connection, subject: End, direction: PolicyDirection, mode: Mode): Judged {
    const rule = `traffic between a pod and its own node (${subject.node ?? ''}) is always allowed`;
    if (direction === 'ingress' || subject.kind !== 'pod') return exempt(rule);
    const program = this.towardsOwnNode(subject, mode);
    const decision = walk(program, connection);
    return decision.hits.length > 0 || decision.verdict !== 'allowed' ? { decision, assumptions: [] } : exempt(rule);
  }

  /** A pod's traffic with other nodes also passes the host endpoint of its own. */
  private forwarded(
    decision: Decision,
    connection: Connection,
    subject: End,
    peer: End,
    mode: Mode,
    direction: PolicyDirection,
  ): Decision {
    const { node } = subject;
    if (node === undefined || peer.node === node || decision.verdict === 'denied') return decision;
    if (this.world.hostEndpointsOfNode(node).length === 0) return decision;
    const program = this.forwarding(this.view.end({ kind: 'node', name: node }), direction, mode);
    const host = this.decide(program, connection);
    return host.verdict === 'allowed' ? decision : host;
  }

  private decide(program: Program, connection: Connection): Decision {
    if (program.steps.length === 0) return ALLOWED;
    const { source, destination, protocol, port, icmp } = connection;
    const icmpKey = icmp ? `${icmp.type}/${icmp.code}` : '';
    const isShared = this.view.isShared(source) || this.view.isShared(destination);
    const key = isShared ? `${source.classId} ${destination.classId} ${protocol} ${port} ${icmpKey}` : '';
    const decisions = this.decisions.get(program) ?? new Map<string, Decision>();
    const known = isShared ? decisions.get(key) : undefined;
    if (known) return known;
    if (isShared) this.decisions.set(program, decisions);
    connection.touchedIdentity = false;
    connection.open.sides.clear();
    connection.open.networks.clear();
    const first = walk(program, connection);
    const decision = whateverTheAddress(first, connection, (one) => walk(program, one));
    if (isShared && !connection.touchedIdentity) decisions.set(key, decision);
    return decision;
  }
}

function builtInProfile(name: string): readonly CompiledPolicy[] {
  return name === DEFAULT_ALLOW_PROFILE.ref.name ? [DEFAULT_ALLOW_PROFILE] : [];
}

function exempt(rule: string): Judged {
  return { decision: ALLOWED, assumptions: [rule] };
}

/** What was taken for granted where a decision was needed. */
function assumptionsOf({ verdict, tier }: Decision, subject: End, peer: End): readonly string[] {
  const undeclared = tier?.info.assumed ? [`tier ${tier.info.name} is declared nowhere and taken to come last`] : [];
  const apart =
    verdict === 'denied' && peer.kind === 'node' && subject.node === undefined
      ? [`${subject.label} is taken to run on another node than ${peer.label}`]
      : [];
  return [...undeclared, ...apart];
}

function isSelf(source: End, destination: End): boolean {
  return source === destination ? source.kind === 'pod' : source.pod !== undefined && source.pod === destination.pod;
}

function isOwnNode(source: End, destination: End): boolean {
  const pod = source.kind === 'pod' ? source : destination;
  const node = source.kind === 'pod' ? destination : source;
  return pod.kind === 'pod' && node.kind === 'node' && node.node !== undefined && node.node === pod.node;
}

/** ICMP between ends that only have IPv6 addresses is that of IPv6. */
function icmpFamily(protocol: string, source: End, destination: End): string {
  const ips = [...(source.ips ?? []), ...(destination.ips ?? [])];
  const isV6 = ips.length > 0 && ips.every(({ family }) => family === 'inet6');
  return protocol === 'ICMP' && isV6 ? 'ICMPv6' : protocol;
}

/** The addresses of an end that reach the other end: those of its families, where both are known. */
function usable(end: End, other: End): End['ips'] {
  if (!end.ips || !other.ips || end.ips.length < 2) return end.ips;
  const families = new Set(other.ips.map(({ family }) => family));
  const both = end.ips.filter(({ family }) => families.has(family));
  return both.length > 0 ? both : end.ips;
}
