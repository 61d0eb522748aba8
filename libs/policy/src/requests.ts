import type { ConnectionQuery, ConnectionVerdict, PolicyDirection, ServiceState } from '@whydrop/model';
import { hairpin } from './findings/hairpin.js';
import { hiddenClient } from './findings/hidden-client.js';
import { translatedPort } from './findings/translated-port.js';
import type { Judge } from './judge.js';
import { mergeVerdicts } from './merge.js';
import { isolatorRefs, type Step } from './program.js';
import type { Target } from './services.js';
import { routeOf, type ConnectionRequest, type Route } from './target.js';

/** A verdict on a request as a client makes it. */
export interface AskedVerdict extends ConnectionVerdict {
  /** The service that the request went through. */
  readonly service: { readonly namespace: string; readonly name: string } | undefined;
}

/** Follows requests through services to the pods behind them, and has the connections judged that they become. */
export class Requests {
  private addressesOfNodes: ReadonlySet<string> | undefined;

  constructor(
    private readonly judge: Judge,
    private readonly evaluate: (query: ConnectionQuery) => ConnectionVerdict,
    private readonly verdict: (query: ConnectionQuery) => ConnectionVerdict['verdict'],
  ) {}

  /** The connections that a request becomes: one per endpoint it may go to. */
  routes(request: ConnectionRequest): readonly ConnectionQuery[] {
    const route = routeOf(request, this.judge.world.services, this.nodeIps());
    if (route.kind === 'direct') return [{ ...request, destination: route.end }];
    if (route.kind === 'lost') return [];
    return route.targets.map(({ end, protocol, port }) => ({ ...request, destination: end, protocol, port }));
  }

  /** The verdict on a request. */
  ask(request: ConnectionRequest): AskedVerdict {
    const route = routeOf(request, this.judge.world.services, this.nodeIps());
    if (route.kind === 'lost') return this.lost(request, route);
    if (route.kind === 'direct') {
      return { ...this.evaluate({ ...request, destination: route.end }), service: undefined };
    }
    const { service, targets } = route;
    const name = `${service.namespace}/${service.name}`;
    const verdicts = this.throughTargets(request, route, targets);
    const merged = mergeVerdicts(verdicts, name);
    if (!merged) return this.lost(request, { missing: `the endpoints of service ${name}`, service });
    return { ...merged, service: { namespace: service.namespace, name: service.name } };
  }

  /** Replicas are alike: one of them is explained, the others only if the verdict on them differs. */
  private throughTargets(
    request: ConnectionRequest,
    route: Route & { kind: 'service' },
    targets: readonly Target[],
  ): readonly ConnectionVerdict[] {
    const seen = new Map<string, ConnectionVerdict['verdict'][]>();
    return targets.flatMap((target) => {
      const { classId } = this.judge.view.end(target.end);
      const key = `${classId} ${target.protocol} ${target.port}`;
      const known = seen.get(key);
      const query = { ...request, destination: target.end, protocol: target.protocol, port: target.port };
      if (known?.includes(this.verdict(query))) return [];
      const verdict = this.throughService(request, route, target);
      seen.set(key, [...(known ?? []), verdict.verdict]);
      return [verdict];
    });
  }

  private throughService(
    request: ConnectionRequest,
    route: Route & { kind: 'service' },
    target: Target,
  ): ConnectionVerdict {
    const query = { ...request, destination: target.end, protocol: target.protocol, port: target.port };
    const verdict = this.evaluate(query);
    const source = this.judge.view.end(request.source);
    const more = [
      ...translatedPort(route, target, verdict, () => this.evaluate({ ...query, port: target.servicePort.port })),
      ...hiddenClient(route.service, source, verdict),
      ...hairpin(
        route.service,
        source,
        this.judge.view.end(target.end),
        this.judge.program(source, 'ingress', 'enforced'),
      ),
    ];
    // The same mistake is told once: what this connection shows of it says more than the policy alone.
    const told = verdict.findings.filter(({ code }) => more.every((finding) => finding.code !== code));
    return { ...verdict, findings: [...told, ...more], reason: throughName(verdict.reason, route) };
  }

  private nodeIps(): ReadonlySet<string> {
    return (this.addressesOfNodes ??= new Set(this.judge.view.state.nodes.flatMap(({ ips }) => ips)));
  }

  /** A request that leads to no known end: denied where the source may reach nothing at all, else undecided. */
  private lost(
    request: ConnectionRequest,
    { missing, service }: { missing: string; service: ServiceState | undefined },
  ): AskedVerdict {
    const source = this.judge.view.end(request.source);
    const program = this.judge.program(source, 'egress', 'enforced');
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
}

function hasNoRule(step: Step, direction: PolicyDirection): boolean {
  return step.kind === 'union' && step.policies.every((policy) => policy[direction].rules.length === 0);
}

/** `a -> b:8080/TCP (service shop/b:80) is …` */
function throughName(reason: string, { service, port }: Route & { kind: 'service' }): string {
  const name = `${service.namespace}/${service.name}${port ? `:${port.port}` : ''}`;
  return reason.replace(/ is (?=allowed|denied|undecided)/, ` (service ${name}) is `);
}
