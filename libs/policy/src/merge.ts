import type { ConnectionVerdict, DirectionVerdict } from '@whydrop/model';

type Verdict = ConnectionVerdict['verdict'];

function uniqueBy<T>(items: readonly T[], key: (item: T) => unknown): readonly T[] {
  return [...new Map(items.map((item) => [JSON.stringify(key(item)), item])).values()];
}

function same(verdicts: readonly Verdict[]): Verdict {
  const [first = 'unknown'] = verdicts;
  return verdicts.every((verdict) => verdict === first) ? first : 'unknown';
}

function mergeDirection(all: readonly DirectionVerdict[], choice: string): DirectionVerdict {
  const verdict = same(all.map((one) => one.verdict));
  const [first] = all;
  const known = all.flatMap((one) => one.missing);
  const missing = verdict !== 'unknown' ? [] : known.length > 0 ? uniqueBy(known, (fact) => fact) : [choice];
  return {
    verdict,
    isolatedBy: uniqueBy(
      all.flatMap((one) => one.isolatedBy),
      (ref) => [ref.kind, ref.namespace, ref.name],
    ),
    decidedBy: uniqueBy(
      all.flatMap((one) => one.decidedBy),
      (hit) => [hit.policy.kind, hit.policy.namespace, hit.policy.name, hit.rule],
    ),
    misses: first?.misses ?? [],
    assumptions: uniqueBy(
      all.flatMap((one) => one.assumptions),
      (assumption) => assumption,
    ),
    missing,
    reason:
      verdict === 'unknown' ? `it cannot be decided without knowing ${missing.join(', ')}` : (first?.reason ?? ''),
  };
}

/**
 * What is true of a connection that may go to any of several endpoints: what all of them say; undecided where they
 * differ, since which endpoint is drawn is not known.
 */
export function mergeVerdicts(all: readonly ConnectionVerdict[], service: string): ConnectionVerdict | undefined {
  const [first] = all;
  if (!first || all.length === 1) return first;
  const verdict = same(all.map((one) => one.verdict));
  const choice = `which endpoint of service ${service} is drawn`;
  const egress = mergeDirection(
    all.map((one) => one.egress),
    choice,
  );
  const ingress = mergeDirection(
    all.map((one) => one.ingress),
    choice,
  );
  const direction =
    verdict !== 'denied' ? null : all.every((one) => one.direction === first.direction) ? first.direction : null;
  const findings = uniqueBy(
    all.flatMap((one) => one.findings),
    (finding) => finding,
  );
  const differ = `some endpoints of service ${service} are allowed and others denied: it hangs on ${choice}`;
  const reason = verdict === 'unknown' && all.some((one) => one.verdict === 'allowed') ? differ : first.reason;
  return { verdict, direction, egress, ingress, findings, reason };
}
