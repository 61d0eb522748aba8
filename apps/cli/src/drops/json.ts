import type { ChangeAnswer, DropAnswer, EndAnswer } from './query.js';

function end({ ip, pod }: EndAnswer): object {
  return { ip, pod: pod && { namespace: pod.namespace, name: pod.name } };
}

function change(one: ChangeAnswer): object {
  return { ...one, kind: one.kind.toLowerCase().replaceAll('_', '-') };
}

/** One drop as one JSON object, in the fields that scripts rely on. */
export function dropJson(drop: DropAnswer): object {
  const { explanation } = drop;
  return {
    id: drop.key,
    observedAt: drop.firstSeenAt,
    source: end(drop.source),
    sourcePort: drop.sourcePort,
    destination: end(drop.destination),
    destinationPort: drop.destinationPort,
    original: drop.original,
    translatedSource: drop.translatedSource,
    protocol: drop.protocol,
    direction: drop.direction?.toLowerCase() ?? null,
    verdict: drop.verdict.toLowerCase(),
    cause: drop.cause,
    contributing: explanation.contributing,
    basis: drop.basis.toLowerCase(),
    policies: explanation.policies.map((policy) => ({ ...policy, part: policy.part.toLowerCase() })),
    chainRule: explanation.chainRule,
    via: explanation.via,
    attempts: drop.attempts,
    packets: drop.packets,
    assumptions: explanation.assumptions,
    missing: explanation.missing,
    findings: explanation.findings,
    fix: explanation.fix,
    changes: drop.changes.map(change),
    ...(drop.changedSince ? { changedSince: drop.changedSince.map(change) } : {}),
    sentence: drop.sentence,
  };
}
