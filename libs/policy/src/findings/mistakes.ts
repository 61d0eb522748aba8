import type { DirectionVerdict, Finding, PolicyDirection, Protocol } from '@whydrop/model';
import type { CompiledPolicy } from '../compiled-policy.js';
import type { End } from '../end.js';
import type { Judge } from '../judge.js';
import { MISTAKE_CHECKS } from './checks.js';
import { findingContext, type DirectedFinding, type FindingContext } from './context.js';
import { forgottenDns } from './forgotten-dns.js';

/** Finds the mistakes of a cluster's policies: each policy is looked at once, each class of pods once. */
export class Mistakes {
  private readonly context: FindingContext;
  private readonly ofPolicy = new Map<CompiledPolicy, readonly DirectedFinding[]>();
  private readonly atEnd = {
    ingress: new Map<number, readonly Finding[]>(),
    egress: new Map<number, readonly Finding[]>(),
  };

  constructor(private readonly judge: Judge) {
    const { view, world, policies } = judge;
    this.context = findingContext(
      view,
      world,
      policies,
      (source, destination, protocol, port) =>
        judge.connection({ protocol: protocol as Protocol, port }, source, destination),
      (end, direction) => judge.program(end, direction, 'enforced'),
    );
  }

  /** All mistakes of the cluster. */
  all(): readonly Finding[] {
    const { policies, view } = this.judge;
    const own = policies.all.flatMap((policy) => this.of(policy));
    const ends = view.state.pods.map((pod) => view.endOfPod(pod));
    const classes = new Map(ends.map((end) => [end.classId, end]));
    return unique([...own, ...[...classes.values()].flatMap((end) => this.dns(end))]);
  }

  /** Mistakes in the policies that select an end, as far as they are about this direction. */
  at(end: End, direction: PolicyDirection): readonly Finding[] {
    if (end.kind !== 'pod') return [];
    const known = this.atEnd[direction].get(end.classId);
    if (known) return known;
    const policies = this.judge.selecting(end, 'enforced').flatMap((policy) => this.of(policy));
    const names = direction === 'egress' ? this.dns(end) : [];
    const found = [...policies, ...names]
      .filter((finding) => finding.direction === undefined || finding.direction === direction)
      .map(plain);
    this.atEnd[direction].set(end.classId, found);
    return found;
  }

  private of(policy: CompiledPolicy): readonly DirectedFinding[] {
    const known = this.ofPolicy.get(policy);
    if (known) return known;
    const found = MISTAKE_CHECKS.flatMap((check) => check.find(policy, this.context));
    this.ofPolicy.set(policy, found);
    return found;
  }

  private dns(end: End): readonly DirectedFinding[] {
    const tier = this.judge.program(end, 'egress', 'enforced').tiers.find(({ isolating }) => isolating.length > 0);
    if (!tier) return [];
    return forgottenDns(end, tier.isolating, this.context, (source, destination, protocol, port) => {
      const connection = this.judge.connection({ protocol, port }, source, destination);
      return this.judge.judge(connection, 'egress', 'enforced').decision.verdict === 'denied';
    });
  }
}

function plain({ code, policy, path, sentence }: DirectedFinding): Finding {
  return { code, policy, path, sentence };
}

function unique(findings: readonly DirectedFinding[]): readonly Finding[] {
  const byKey = new Map(
    findings.map((finding) => [JSON.stringify([finding.code, finding.policy, finding.path]), finding]),
  );
  return [...byKey.values()].map(plain);
}

/** Mistakes that show where a connection is let through though its author meant to stop it. */
const OPENING: ReadonlySet<string> = new Set(['IGNORED_SECTION', 'OR_PEERS', 'INVALID_POLICY']);

/** The findings that have to do with a verdict: for a denial all, otherwise those that open too much. */
export function told(findings: readonly Finding[], { verdict }: DirectionVerdict): readonly Finding[] {
  return verdict === 'denied' ? findings : findings.filter(({ code }) => OPENING.has(code));
}
