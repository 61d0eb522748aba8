import type {
  ClusterState,
  ConnectionEnd,
  ConnectionQuery,
  ConnectionVerdict,
  DirectionVerdict,
  Finding,
  PendingVerdict,
  PolicyDirection,
  PolicyRef,
  Protocol,
  RuleMiss,
  ServiceState,
} from '@whydrop/model';
import { whateverTheAddress } from './address-cases.js';
import { clusterView, type ClusterView } from './cluster-view.js';
import type { CompiledPolicy } from './compiled-policy.js';
import { carriesPorts } from './criteria.js';
import type { Connection, End } from './end.js';
import { DEFAULT_ALLOW_PROFILE, hostEndpointEnd, isFailsafe } from './host-policy.js';
import { enforcedOf, pendingOf, policySetOf, type PolicySet } from './policy-set.js';
import { mergeVerdicts } from './merge.js';
import { hostProgramOf, programOf, type Program, type Step, type TierSteps } from './program.js';
import type { Target } from './services.js';
import { routeOf, type ConnectionRequest, type Route } from './target.js';
import type { Denial } from './fix/candidates.js';
import { MISTAKE_CHECKS } from './findings/checks.js';
import { findingContext, type DirectedFinding, type FindingContext } from './findings/context.js';
import { forgottenDns } from './findings/forgotten-dns.js';
import { hairpin } from './findings/hairpin.js';
import { hiddenClient } from './findings/hidden-client.js';
import { translatedPort } from './findings/translated-port.js';
import { nearestMiss, type CompiledRule } from './rule.js';
import { connectionReason, directionReason } from './sentence.js';
import { walk, type Decision } from './walk.js';
import { worldOf, type World } from './world.js';

/** Judges connections by the policies of one cluster at one instant. */
export interface PolicyEngine {
  /** The verdict with everything it rests on: isolating policies, deciding rules, what every other rule lacked. */
  readonly evaluate: (query: ConnectionQuery) => ConnectionVerdict;
  /** The verdict alone; similar questions share their answer. */
  readonly verdict: (query: ConnectionQuery) => ConnectionVerdict['verdict'];
  /** Judges a request as a client makes it: services are followed to the pods behind them first. */
  readonly ask: (request: ConnectionRequest) => AskedVerdict;
  /** The connections that a request becomes behind its services: one per endpoint it may go to. */
  readonly routes: (request: ConnectionRequest) => readonly ConnectionQuery[];
  /** Why the first side that denies does so; undefined where none denies. For working out a fix. */
  readonly denial: (query: ConnectionQuery) => Denial | undefined;
  /** The policies because of which an endpoint is denied what no rule admits, in one direction. */
  readonly isolators: (end: ConnectionEnd, direction: PolicyDirection) => readonly PolicyRef[];
  /** Mistakes in the policies themselves, over the whole cluster. */
  readonly findings: () => readonly Finding[];
}

export interface AskedVerdict extends ConnectionVerdict {
  /** The service that the request went through, and the port it asked of it. */
  readonly service: { readonly namespace: string; readonly name: string } | undefined;
}

type Mode = 'enforced' | 'pending';

interface Judged {
  readonly decision: Decision;
  readonly assumptions: readonly string[];
}

const CACHE_LIMIT = 2_000_000;
const ALLOWED: Decision = { verdict: 'allowed', hits: [], tier: undefined, missing: [] };

class Engine implements PolicyEngine {
  private readonly programs = new Map<string, Map<number, Program>>();
  private readonly decisions = new Map<Program, Map<string, Decision>>();
  private readonly verdicts = new Map<End, Map<number, ConnectionVerdict['verdict']>>();
  private readonly world: World;
  private cached = 0;
  private findingContext: FindingContext | undefined;
  private readonly mistakesOf = new Map<CompiledPolicy, readonly DirectedFinding[]>();
  private readonly findingsOf = {
    ingress: new Map<number, readonly Finding[]>(),
    egress: new Map<number, readonly Finding[]>(),
  };
  private addressesOfNodes: ReadonlySet<string> | undefined;

  constructor(
    private readonly view: ClusterView,
    private readonly policies: PolicySet,
  ) {
    this.world = worldOf(view);
  }

  readonly findings = (): readonly Finding[] => {
    const own = this.policies.all.flatMap((policy) => this.mistakes(policy));
    const ends = this.view.state.pods.map((pod) => this.view.endOfPod(pod));
    const classes = new Map(ends.map((end) => [end.classId, end]));
    const names = [...classes.values()].flatMap((end) => this.dnsFindings(end));
    return uniqueFindings([...own, ...names], ({ code, policy, path }) => [code, policy, path]);
  };

  private context(): FindingContext {
    return (this.findingContext ??= findingContext(
      this.view,
      this.world,
      this.policies,
      (source, destination, protocol, port) =>
        this.connection({ protocol: protocol as Protocol, port }, source, destination),
      (end, direction) => this.program(end, direction, 'enforced'),
    ));
  }

  private mistakes(policy: CompiledPolicy): readonly DirectedFinding[] {
    const known = this.mistakesOf.get(policy);
    if (known) return known;
    const found = MISTAKE_CHECKS.flatMap((check) => check.find(policy, this.context()));
    this.mistakesOf.set(policy, found);
    return found;
  }

  private dnsFindings(end: End): readonly DirectedFinding[] {
    const tier = this.program(end, 'egress', 'enforced').tiers.find(({ isolating }) => isolating.length > 0);
    if (!tier) return [];
    return forgottenDns(end, tier.isolating, this.context(), (source, destination, protocol, port) => {
      const connection = this.connection({ protocol, port }, source, destination);
      return this.judge(connection, 'egress', 'enforced').decision.verdict === 'denied';
    });
  }

  /** Mistakes in the policies that select an end, as far as they are about this direction. */
  private findingsAt(end: End, direction: PolicyDirection): readonly Finding[] {
    if (end.kind !== 'pod') return [];
    const known = this.findingsOf[direction].get(end.classId);
    if (known) return known;
    const policies = this.selecting(end, 'enforced').flatMap((policy) => this.mistakes(policy));
    const names = direction === 'egress' ? this.dnsFindings(end) : [];
    const found = [...policies, ...names]
      .filter((finding) => finding.direction === undefined || finding.direction === direction)
      .map(({ code, policy, path, sentence }) => ({ code, policy, path, sentence }));
    this.findingsOf[direction].set(end.classId, found);
    return found;
  }

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
    const enforced = this.both(connection, 'enforced');
    const pending = this.isPending(connection) ? this.both(connection, 'pending') : undefined;
    const { source, destination } = connection;
    const findings = [
      ...told(this.findingsAt(source, 'egress'), enforced.egress),
      ...told(this.findingsAt(destination, 'ingress'), enforced.ingress),
    ];
    return pending ? { ...enforced, findings, pending } : { ...enforced, findings };
  };

  readonly routes = (request: ConnectionRequest): readonly ConnectionQuery[] => {
    const route = routeOf(request, this.world.services, this.nodeIps());
    if (route.kind === 'direct') return [{ ...request, destination: route.end }];
    if (route.kind === 'lost') return [];
    return route.targets.map(({ end, protocol, port }) => ({ ...request, destination: end, protocol, port }));
  };

  readonly denial = (query: ConnectionQuery): Denial | undefined => {
    const connection = this.connection(query, this.view.end(query.source), this.view.end(query.destination));
    for (const direction of ['egress', 'ingress'] as const) {
      const { verdict, hits, tier } = this.judge(connection, direction, 'enforced').decision;
      if (verdict !== 'denied' || !tier) continue;
      const [hit] = hits;
      const policies = hit ? tier.policies.filter(({ ref }) => ref === hit.policy) : tier.isolating;
      return { direction, connection, policies, rule: hit?.rule, misses: missesOf(tier, connection, direction) };
    }
    return undefined;
  };

  readonly ask = (request: ConnectionRequest): AskedVerdict => {
    const route = routeOf(request, this.world.services, this.nodeIps());
    if (route.kind === 'lost') return this.lost(request, route);
    if (route.kind === 'direct') {
      return { ...this.evaluate({ ...request, destination: route.end }), service: undefined };
    }
    const { service, targets } = route;
    const name = `${service.namespace}/${service.name}`;
    const verdicts = targets.map((target) => this.throughService(request, route, target));
    const merged = mergeVerdicts(verdicts, name);
    if (!merged) return this.lost(request, { missing: `the endpoints of service ${name}`, service });
    return { ...merged, service: { namespace: service.namespace, name: service.name } };
  };

  private throughService(
    request: ConnectionRequest,
    route: Route & { kind: 'service' },
    target: Target,
  ): ConnectionVerdict {
    const query = { ...request, destination: target.end, protocol: target.protocol, port: target.port };
    const verdict = this.evaluate(query);
    const source = this.view.end(request.source);
    const more = [
      ...translatedPort(route, target, verdict, () => this.atServicePort(query, target)),
      ...hiddenClient(route.service, source, verdict),
      ...hairpin(route.service, source, this.view.end(target.end), this.program(source, 'ingress', 'enforced')),
    ];
    // The same mistake is told once: what this connection shows of it says more than the policy alone.
    const told = verdict.findings.filter(({ code }) => more.every((finding) => finding.code !== code));
    return { ...verdict, findings: [...told, ...more], reason: throughName(verdict.reason, route) };
  }

  /** The same connection, if nothing translated the port. */
  private atServicePort(query: ConnectionQuery, target: Target): ConnectionVerdict {
    return this.evaluate({ ...query, port: target.servicePort.port });
  }

  private nodeIps(): ReadonlySet<string> {
    return (this.addressesOfNodes ??= new Set(this.view.state.nodes.flatMap(({ ips }) => ips)));
  }

  /** A request that leads to no known end: denied where the source may reach nothing at all, else undecided. */
  private lost(
    request: ConnectionRequest,
    { missing, service }: { missing: string; service: ServiceState | undefined },
  ): AskedVerdict {
    const source = this.view.end(request.source);
    const program = this.program(source, 'egress', 'enforced');
    const fact = [missing];
    const open = {
      verdict: 'unknown' as const,
      isolatedBy: [],
      decidedBy: [],
      misses: [],
      assumptions: [],
      missing: fact,
    };
    const target = request.destination.kind === 'service' ? `service ${request.destination.name}` : 'its destination';
    const to = `${source.label} -> ${target}`;
    const ingress = { ...open, reason: `ingress cannot be decided without knowing ${missing}` };
    const through = service && { namespace: service.namespace, name: service.name };
    const base = { ingress, findings: [], service: through };
    const silent = program.tiers.find((tier) => tier.isolating.length > 0);
    if (silent && program.steps.every((step) => step.kind === 'tier-end' || hasNoRule(step, 'egress'))) {
      const isolatedBy = isolatorRefs(silent);
      const reason = `${to} is denied on egress at ${source.label}: its policies admit nothing`;
      const egress = { ...open, verdict: 'denied' as const, isolatedBy, missing: [], reason };
      return { verdict: 'denied', direction: 'egress', egress, reason, ...base };
    }
    const reason = `${to} is undecided without knowing ${missing}`;
    return { verdict: 'unknown', direction: null, egress: { ...open, reason }, reason, ...base };
  }

  private both(connection: Connection, mode: Mode): PendingVerdict {
    const egress = this.direction(connection, 'egress', mode);
    const ingress = this.direction(connection, 'ingress', mode);
    const verdict = combined(egress.verdict, ingress.verdict);
    const direction = verdict !== 'denied' ? null : egress.verdict === 'denied' ? 'egress' : 'ingress';
    const reason = connectionReason(connection, direction, verdict, egress, ingress);
    return { verdict, direction, egress, ingress, reason };
  }

  /** Whether staged policies have a say at either end. */
  private isPending({ source, destination }: Connection): boolean {
    if (!this.policies.hasStaged) return false;
    const has = (end: End, direction: PolicyDirection): boolean =>
      this.policies
        .selecting(end, this.world)
        .some((policy) => policy.staged !== undefined && policy[direction].applies);
    return has(source, 'egress') || has(destination, 'ingress');
  }

  private forget(): void {
    this.verdicts.clear();
    this.decisions.clear();
    this.cached = 0;
  }

  private connection(
    query: Pick<ConnectionQuery, 'protocol' | 'port' | 'icmp'>,
    source: End,
    destination: End,
  ): Connection {
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

  private verdictOf(connection: Connection): ConnectionVerdict['verdict'] {
    const egress = this.judge(connection, 'egress', 'enforced').decision.verdict;
    return egress === 'denied'
      ? egress
      : combined(egress, this.judge(connection, 'ingress', 'enforced').decision.verdict);
  }

  private remembered(key: string, end: End, make: () => Program): Program {
    const programs = this.programs.get(key) ?? new Map<number, Program>();
    this.programs.set(key, programs);
    const known = programs.get(end.classId) ?? make();
    programs.set(end.classId, known);
    return known;
  }

  private program(end: End, direction: PolicyDirection, mode: Mode): Program {
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

  private selecting(end: End, mode: Mode): readonly CompiledPolicy[] {
    const all = this.policies.selecting(end, this.world);
    if (!this.policies.hasStaged) return all;
    return mode === 'enforced' ? enforcedOf(all) : pendingOf(all, this.policies.staged);
  }

  private judge(connection: Connection, direction: PolicyDirection, mode: Mode): Judged {
    const { source, destination } = connection;
    if (isSelf(source, destination)) return exempt('traffic of a pod to itself is never blocked');
    const [subject, peer] = direction === 'egress' ? [source, destination] : [destination, source];
    if (isOwnNode(source, destination)) return this.withOwnNode(connection, subject, direction, mode);
    const decision = this.decide(this.program(subject, direction, mode), connection);
    if (subject.kind !== 'pod') {
      const host = decision.verdict !== 'allowed' && isFailsafe(connection, direction);
      return host ? exempt('a failsafe port of the host endpoint is always open') : { decision, assumptions: [] };
    }
    return { decision: this.forwarded(decision, connection, subject, peer, mode, direction), assumptions: [] };
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

  private direction(connection: Connection, direction: PolicyDirection, mode: Mode): DirectionVerdict {
    const { decision, assumptions } = this.judge(connection, direction, mode);
    const { verdict, hits, tier, missing } = decision;
    const isolatedBy = isolatorRefs(tier);
    const isMiss = verdict === 'denied' && tier !== undefined && hits.length === 0;
    const nearest = isMiss ? nearestOf(tier, connection, direction) : undefined;
    const found = { verdict, isolatedBy, decidedBy: hits, assumptions, missing };
    return {
      ...found,
      // Worked out when it is asked for: most readers want the sentence, which needs the nearest alone.
      get misses() {
        return isMiss ? missesOf(tier, connection, direction) : [];
      },
      reason: directionReason(connection, direction, found, nearest),
    };
  }
}

function uniqueFindings(
  findings: readonly DirectedFinding[],
  key: (finding: DirectedFinding) => unknown,
): readonly Finding[] {
  const unique = new Map(findings.map((finding) => [JSON.stringify(key(finding)), finding]));
  return [...unique.values()].map(({ code, policy, path, sentence }) => ({ code, policy, path, sentence }));
}

/** Mistakes that show where a connection is let through though its author meant to stop it. */
const OPENING: ReadonlySet<string> = new Set(['IGNORED_SECTION', 'OR_PEERS', 'INVALID_POLICY']);

/** The findings that have to do with a verdict: for a denial all, otherwise those that open too much. */
function told(findings: readonly Finding[], { verdict }: DirectionVerdict): readonly Finding[] {
  return verdict === 'denied' ? findings : findings.filter(({ code }) => OPENING.has(code));
}

function hasNoRule(step: Step, direction: PolicyDirection): boolean {
  return step.kind === 'union' && step.policies.every((policy) => policy[direction].rules.length === 0);
}

/** `a -> b:8080/TCP (service shop/b:80) is …` */
function throughName(reason: string, { service, port }: Route & { kind: 'service' }): string {
  const name = `${service.namespace}/${service.name}${port ? `:${port.port}` : ''}`;
  return reason.replace(/ is (?=allowed|denied|undecided)/, ` (service ${name}) is `);
}

function builtInProfile(name: string): readonly CompiledPolicy[] {
  return name === DEFAULT_ALLOW_PROFILE.ref.name ? [DEFAULT_ALLOW_PROFILE] : [];
}

function exempt(rule: string): Judged {
  return { decision: ALLOWED, assumptions: [rule] };
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

function missOf(
  policy: CompiledPolicy,
  rule: CompiledRule,
  connection: Connection,
  direction: PolicyDirection,
  bound = Infinity,
): RuleMiss | undefined {
  const nearest = rule.action === 'allow' ? nearestMiss(rule, connection, bound) : undefined;
  if (!nearest) return undefined;
  const failures = nearest.failures();
  if (failures.length === 0) return undefined;
  const failed = failures.map(({ field, path, wanted, got }) => ({ field, path, wanted, got }));
  return { policy: policy.ref, direction, rule: rule.index, path: nearest.path, failed, distance: nearest.distance };
}

/** Every rule of the tier that could have admitted the connection, with what it lacked; nearest first. */
function missesOf(tier: TierSteps, connection: Connection, direction: PolicyDirection): readonly RuleMiss[] {
  const misses = tier.policies.flatMap((policy) =>
    policy[direction].rules.flatMap((rule) => missOf(policy, rule, connection, direction) ?? []),
  );
  return misses.sort((a, b) => a.distance - b.distance);
}

/** The first of them alone, found without working out the others. */
function nearestOf(tier: TierSteps, connection: Connection, direction: PolicyDirection): RuleMiss | undefined {
  let bound = Infinity;
  let best: { policy: CompiledPolicy; rule: CompiledRule } | undefined;
  for (const policy of tier.policies) {
    for (const rule of policy[direction].rules) {
      const nearest = rule.action === 'allow' ? nearestMiss(rule, connection, bound) : undefined;
      if (!nearest || nearest.distance === 0 || nearest.distance >= bound) continue;
      bound = nearest.distance;
      best = { policy, rule };
    }
  }
  return best && missOf(best.policy, best.rule, connection, direction);
}

/**
 * An engine for one state of a cluster. It is cheap to make: policies are compiled once per object, and all else is
 * looked up when it is asked for.
 */
export function createPolicyEngine(state: ClusterState): PolicyEngine {
  return new Engine(clusterView(state), policySetOf(state));
}
