import type { DirectionVerdict, Finding, PolicyFix, RuleMiss } from '@whydrop/model';
import { policyName, type AskedVerdict } from '@whydrop/policy';

const SHOWN = 8;

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n${title}\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`;
}

function missLines({ policy, path, failed }: RuleMiss): readonly string[] {
  const criteria = failed.map(({ field, wanted, got }) => `    ${field}: wants ${wanted}, has ${got}`);
  return [`${policyName(policy)}, ${path}`, ...criteria];
}

function directionLines(side: DirectionVerdict): readonly string[] {
  const { verdict, decidedBy, isolatedBy, assumptions, missing, misses } = side;
  const more = misses.length - SHOWN;
  return [
    verdict,
    ...decidedBy.map((hit) => `${hit.action}: ${policyName(hit.policy)}, ${hit.path}`),
    ...isolatedBy.map((policy) => `isolated by ${policyName(policy)}`),
    ...assumptions.map((assumption) => `assumed: ${assumption}`),
    ...missing.map((fact) => `not known: ${fact}`),
    ...(misses.length > 0 ? ['rules that did not admit it, nearest first:'] : []),
    ...misses.slice(0, SHOWN).flatMap((miss) => missLines(miss).map((line) => `  ${line}`)),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function findingLines(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ code, path, sentence }) => `${code}${path ? ` (${path})` : ''}: ${sentence}`);
}

function fixLines(fixes: readonly PolicyFix[]): readonly string[] {
  return fixes.flatMap(({ sentence, patch }) => [
    sentence,
    ...patch
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ]);
}

/** Everything that policies say about one connection, as a person reads it. */
export function offlineText(verdict: AskedVerdict, fixes: readonly PolicyFix[]): string {
  const { egress, ingress, findings, pending, reason } = verdict;
  return [
    `${reason}\n`,
    section('Egress at the source', directionLines(egress)),
    section('Ingress at the destination', directionLines(ingress)),
    section('Findings', findingLines(findings)),
    section('Once what is staged is enforced', pending ? [pending.reason] : []),
    section(fixes.length > 1 ? 'Fix (both changes are needed)' : 'Fix', fixLines(fixes)),
  ].join('');
}
