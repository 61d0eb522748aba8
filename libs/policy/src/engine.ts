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
} from '@whydrop/model';
import { clusterView } from './cluster-view.js';
import type { Connection, End } from './end.js';
import { Mistakes, told } from './findings/mistakes.js';
import type { Denial } from './fix/candidates.js';
import { Judge, type Mode } from './judge.js';
import { missesOf, nearestOf } from './misses.js';
import { policySetOf } from './policy-set.js';
import { isolatorRefs } from './program.js';
import { Requests, type AskedVerdict } from './requests.js';
import { connectionReason, directionReason } from './sentence.js';
import type { ConnectionRequest } from './target.js';

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

const CACHE_LIMIT = 2_000_000;

class Engine implements PolicyEngine {
  private readonly verdicts = new Map<End, Map<number, ConnectionVerdict['verdict']>>();
  private cached = 0;
  private readonly requests: Requests;
  private known: Mistakes | undefined;

  constructor(private readonly judge: Judge) {
    this.requests = new Requests(judge, this.evaluate, this.verdict);
  }

  private get mistakes(): Mistakes {
    return (this.known ??= new Mistakes(this.judge));
  }

  readonly findings = (): readonly Finding[] => this.mistakes.all();

  readonly ask = (request: ConnectionRequest): AskedVerdict => this.requests.ask(request);

  readonly routes = (request: ConnectionRequest): readonly ConnectionQuery[] => this.requests.routes(request);

  readonly isolators = (end: ConnectionEnd, direction: PolicyDirection): readonly PolicyRef[] => {
    const { tiers } = this.judge.program(this.judge.view.end(end), direction, 'enforced');
    return isolatorRefs(tiers.find((tier) => tier.isolating.length > 0));
  };

  readonly verdict = (query: ConnectionQuery): ConnectionVerdict['verdict'] => {
    const source = this.judge.view.end(query.source);
    const destination = this.judge.view.end(query.destination);
    const key = cacheKey(query, destination);
    if (key === undefined) return this.verdictOf(this.judge.connection(query, source, destination));
    const known = this.verdicts.get(source) ?? new Map<number, ConnectionVerdict['verdict']>();
    const found = known.get(key);
    if (found) return found;
    const verdict = this.verdictOf(this.judge.connection(query, source, destination));
    if (this.cached++ > CACHE_LIMIT) this.forget();
    known.set(key, verdict);
    this.verdicts.set(source, known);
    return verdict;
  };

  readonly evaluate = (query: ConnectionQuery): ConnectionVerdict => {
    const connection = this.judge.connection(
      query,
      this.judge.view.end(query.source),
      this.judge.view.end(query.destination),
    );
    const enforced = this.both(connection, 'enforced');
    const pending = this.judge.isPending(connection) ? this.both(connection, 'pending') : undefined;
    const { source, destination } = connection;
    const findings = [
      ...told(this.mistakes.at(source, 'egress'), enforced.egress),
      ...told(this.mistakes.at(destination, 'ingress'), enforced.ingress),
    ];
    return pending ? { ...enforced, findings, pending } : { ...enforced, findings };
  };

  readonly denial = (query: ConnectionQuery): Denial | undefined => {
    const connection = this.judge.connection(
      query,
      this.judge.view.end(query.source),
      this.judge.view.end(query.destination),
    );
    for (const direction of ['egress', 'ingress'] as const) {
      const { verdict, hits, tier } = this.judge.judge(connection, direction, 'enforced').decision;
      if (verdict !== 'denied' || !tier) continue;
      const [hit] = hits;
      const policies = hit ? tier.policies.filter(({ ref }) => ref === hit.policy) : tier.isolating;
      return { direction, connection, policies, rule: hit?.rule, misses: missesOf(tier, connection, direction) };
    }
    return undefined;
  };

  private both(connection: Connection, mode: Mode): PendingVerdict {
    const egress = this.direction(connection, 'egress', mode);
    const ingress = this.direction(connection, 'ingress', mode);
    const verdict = combined(egress.verdict, ingress.verdict);
    const direction = verdict !== 'denied' ? null : egress.verdict === 'denied' ? 'egress' : 'ingress';
    const reason = connectionReason(connection, direction, verdict, egress, ingress);
    return { verdict, direction, egress, ingress, reason };
  }

  private forget(): void {
    this.verdicts.clear();
    this.judge.forget();
    this.cached = 0;
  }

  private verdictOf(connection: Connection): ConnectionVerdict['verdict'] {
    const egress = this.judge.judge(connection, 'egress', 'enforced').decision.verdict;
    return egress === 'denied'
      ? egress
      : combined(egress, this.judge.judge(connection, 'ingress', 'enforced').decision.verdict);
  }

  private direction(connection: Connection, direction: PolicyDirection, mode: Mode): DirectionVerdict {
    const { decision, assumptions } = this.judge.judge(connection, direction, mode);
    const { verdict, hits, tier, missing } = decision;
    const isolatedBy = isolatorRefs(tier);
    const isMiss = verdict === 'denied' && tier !== undefined && hits.length === 0;
    const nearest = isMiss ? nearestOf(tier, connection, direction) : undefined;
    const found = { verdict, isolatedBy, decidedBy: hits, assumptions, missing };
    let misses: DirectionVerdict['misses'] | undefined;
    return {
      ...found,
      // Worked out when it is asked for: most readers want the sentence, which needs the nearest alone.
      get misses() {
        return (misses ??= isMiss ? missesOf(tier, connection, direction) : []);
      },
      reason: directionReason(connection, direction, found, nearest),
    };
  }
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

/**
 * An engine for one state of a cluster. It is cheap to make: policies are compiled once per object, and all else is
 * looked up when it is asked for.
 */
export function createPolicyEngine(state: ClusterState): PolicyEngine {
  return new Engine(new Judge(clusterView(state), policySetOf(state)));
}
